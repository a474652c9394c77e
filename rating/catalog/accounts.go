package catalog

import (
	"context"

	"tollgate/rating"
)

// Accounts is the money side of the extensions. The terms of an extension live in its document; the ledger keeps the
// copy that charges are checked against. Every method may be repeated: the second time changes nothing.
type Accounts interface {
	// SetTerms applies terms, and opens the account where there is none or where it was closed. A version that is not
	// newer than the one applied changes nothing and is a success.
	SetTerms(ctx context.Context, extension string, terms rating.Terms, version int64, username, by string) error
	// Open opens an account with an opening balance; rating.ErrAccountExists where it is open but was not opened by the
	// same Ref.
	Open(ctx context.Context, o rating.Opening) error
	// Close ends the account of a deleted extension; rating.ErrActiveCalls while it has calls up,
	// rating.ErrUnknownExtension where there never was one. A version older than the terms that are applied changes nothing
	// and is a success: the number is in use again.
	Close(ctx context.Context, extension string, version int64, by string) error
}
