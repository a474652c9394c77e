package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"tollgate/rating"
)

// Tokens keeps API tokens.
type Tokens interface {
	Tokens(ctx context.Context) ([]rating.Token, error)
	PutToken(ctx context.Context, t rating.Token) error
	DeleteToken(ctx context.Context, id string) error // rating.ErrNotFound
}

// token is the resource; its secret is shown once.
type token struct {
	ID        string      `json:"id" doc:"Names the token; it is no secret."`
	Name      string      `json:"name" doc:"What it is for."`
	Role      rating.Role `json:"role" enum:"admin,manager,viewer" doc:"What it may do."`
	CreatedAt time.Time   `json:"created_at" doc:"When."`
	CreatedBy string      `json:"created_by" doc:"Who made it."`
	ExpiresAt *time.Time  `json:"expires_at" doc:"null: never."`
	Token     string      `json:"token,omitempty" doc:"The secret, shown this once. Send it as Authorization: Bearer."`
}

func tokenOf(t rating.Token) token {
	return token{t.ID, t.Name, t.Role, t.CreatedAt.UTC(), t.CreatedBy, inUTC(t.ExpiresAt), ""}
}

type tokenRequest struct {
	Body struct {
		Name      string      `json:"name" minLength:"1" maxLength:"100" doc:"What it is for." example:"reporting"`
		Role      rating.Role `json:"role" enum:"admin,manager,viewer" doc:"What it may do."`
		ExpiresAt *time.Time  `json:"expires_at" required:"false" doc:"null or left out: never."`
	}
}

type tokenQuery struct {
	Paging
	Sort string `query:"sort" default:"-created_at" enum:"created_at,-created_at,name,-name" doc:"Field to sort by; a minus turns the order around."`
	Q    string `query:"q" maxLength:"100" doc:"Part of the name."`
}

var tokenOrders = map[string]func(a, b rating.Token) int{
	"created_at": func(a, b rating.Token) int { return a.CreatedAt.Compare(b.CreatedAt) },
	"name":       func(a, b rating.Token) int { return cmp.Compare(a.Name, b.Name) },
}

func (s *Server) listTokens(ctx context.Context, in *tokenQuery) (*answer[list[token]], error) {
	found, err := s.deps.Operators.Tokens(ctx)
	if err != nil {
		return nil, fmt.Errorf("read tokens: %w", err)
	}
	found = slices.DeleteFunc(slices.Clone(found), func(t rating.Token) bool { return !contains(in.Q, t.Name) })
	order(found, in.Sort, tokenOrders, func(a, b rating.Token) int { return cmp.Compare(a.ID, b.ID) })
	var page []token
	for _, t := range cut(in.Paging, found) {
		page = append(page, tokenOf(t))
	}
	return listOf(in.Paging, page, int64(len(found))), nil
}

func (s *Server) createToken(ctx context.Context, in *tokenRequest) (*answer[token], error) {
	t, secret, err := CreateToken(ctx, s.deps.Operators, rating.Token{Name: in.Body.Name, Role: in.Body.Role, CreatedAt: s.now(),
		CreatedBy: principalFrom(ctx).Name, ExpiresAt: in.Body.ExpiresAt})
	if err != nil {
		return nil, err
	}
	trailFrom(ctx).tell("token "+t.Name, nil, tokenOf(t))
	made := tokenOf(t)
	made.Token = secret
	return &answer[token]{made}, nil
}

// CreateToken stores a new API token with name, role, maker and expiry of t, and returns it with its secret. Fields out
// of bounds are rating.Invalid.
func CreateToken(ctx context.Context, tokens Tokens, t rating.Token) (rating.Token, string, error) {
	secret := "tg_" + newSecret()
	t.ID, t.Hash = hashSecret(secret)[:16], hashSecret(secret)
	if err := t.Validate(); err != nil {
		return t, "", err
	}
	if err := tokens.PutToken(ctx, t); err != nil {
		return t, "", fmt.Errorf("store token: %w", err)
	}
	return t, secret, nil
}

func (s *Server) deleteToken(ctx context.Context, in *struct {
	ID string `path:"id" maxLength:"64" doc:"The token's id."`
}) (*struct{}, error) {
	tokens, err := s.deps.Operators.Tokens(ctx)
	if err != nil {
		return nil, fmt.Errorf("read tokens: %w", err)
	}
	err = s.deps.Operators.DeleteToken(ctx, in.ID)
	if errors.Is(err, rating.ErrNotFound) {
		return nil, notFound.because("There is no token " + in.ID + ".")
	}
	if err != nil {
		return nil, fmt.Errorf("delete token: %w", err)
	}
	if i := slices.IndexFunc(tokens, func(t rating.Token) bool { return t.ID == in.ID }); i >= 0 {
		trailFrom(ctx).tell("token "+tokens[i].Name, tokenOf(tokens[i]), nil)
	}
	return nil, nil
}
