package rating

// Restored is an account as its journal says that it is: what a restore writes into an empty store.
type Restored struct {
	Account           // Held and ActiveCalls are not read: they follow from Calls
	Username string   // that it went by last
	Opened   string   // reference of its last opening line
	Spent    []Spent  // what the calls of recent days have cost
	Calls    []CallID // that were up, and are in the store already: what they hold is held
}

// Spent is what the calls that began on a day (2006-01-02) have cost.
type Spent struct {
	Day    string
	Amount Money
}

// Applied is a recharge whose journal lines are there: all of them, or the first of a batch that was cut short.
type Applied struct {
	Recharge
	Receipts []Receipt // of those payees that have their line
}
