package rating

// Opening opens an account with the balance that an import brought along.
type Opening struct {
	Extension string
	Username  string
	Terms
	Version int64  // of the Extension whose terms these are
	Balance Money  // may be negative as far as the credit covers it
	By      string // who imports
	Ref     string // names the import: the same one again changes nothing
}
