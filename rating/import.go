package rating

// ExtensionRow is a row of a sheet of extensions that is imported.
type ExtensionRow struct {
	Number  string
	Edit    func(Extension) (Extension, error) // fills in what the sheet says; a new one begins as NewExtension
	Opening Money                              // balance that a new extension brings along; one that exists must have 0 here
}

// RateRow is a row of a sheet of rates that is imported.
type RateRow struct {
	ID   int64                    // 0 = a new rate; an id that is not there is added under that id
	Edit func(Rate) (Rate, error) // fills in what the sheet says; a new rate begins as NewRate
}

// Imported says what an import did, or would do.
type Imported struct{ Created, Updated int }
