package catalog

import (
	"cmp"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"

	"tollgate/rating"
)

// tokenID is how many digits of its hash are a token's id: so a token is found by its hash without an index.
const tokenID = 16

// storedToken is a token with the version that every document has.
type storedToken struct {
	rating.Token
	Version int64 `json:"version"`
}

var tokenForm = form[storedToken]{tokenKind, func(t *storedToken) string { return t.ID }, func(t *storedToken) *int64 { return &t.Version },
	func(t storedToken) error { return validToken(t.Token) }, nil}

func validToken(t rating.Token) error {
	if len(t.Hash) < tokenID || t.ID != t.Hash[:tokenID] {
		return rating.Invalid{{Field: "id", Message: fmt.Sprintf("must be the first %d digits of the hash", tokenID)}}
	}
	return t.Validate()
}

// PutToken stores a new token, whose ID is the first 16 digits of its Hash; rating.ErrConflict where it is there already.
func (c *Catalog) PutToken(ctx context.Context, t rating.Token) error {
	_, err := add(ctx, c, tokenForm, storedToken{Token: t}, fmt.Errorf("%w: there is such a token already", rating.ErrConflict), nil)
	return err
}

// TokenByHash returns the token whose secret has that SHA-256; rating.ErrNotFound. Whether it has expired is for the
// caller to see.
func (c *Catalog) TokenByHash(ctx context.Context, hash string) (rating.Token, error) {
	if len(hash) < tokenID {
		return rating.Token{}, rating.ErrNotFound
	}
	t, err := read(ctx, c, tokenForm, hash[:tokenID])
	if err == nil && subtle.ConstantTimeCompare([]byte(t.Hash), []byte(hash)) != 1 {
		err = rating.ErrNotFound
	}
	if err != nil && !errors.Is(err, rating.ErrUnavailable) {
		return rating.Token{}, rating.ErrNotFound // a damaged token opens nothing
	}
	return t.Token, err
}

// Tokens returns all tokens, the oldest first.
func (c *Catalog) Tokens(ctx context.Context) ([]rating.Token, error) {
	stored, err := list(ctx, c, tokenForm, func(a, b storedToken) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	tokens := make([]rating.Token, len(stored))
	for i, t := range stored {
		tokens[i] = t.Token
	}
	return tokens, err
}

// DeleteToken revokes a token; rating.ErrNotFound.
func (c *Catalog) DeleteToken(ctx context.Context, id string) error {
	return remove(ctx, c, tokenForm, id, nil, nil)
}
