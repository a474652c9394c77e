// Package ledgertest proves a ledger: a conformance suite for any Redis that the ledger may be given, the laws of money
// read back from the store, and an exact model that random work is compared with.
package ledgertest
