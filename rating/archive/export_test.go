package archive

// For the tests that see the archive from outside, with a real ledger.
var (
	OnBoth = onBoth
	NewDSN = dsn
)
