package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"tollgate/rating"
)

// Trunks is the part of the catalog that keeps where calls go.
type Trunks interface {
	// AddTrunk adds one; rating.ErrConflict where the name is taken.
	AddTrunk(ctx context.Context, t rating.Trunk) (rating.Trunk, error)
	// EditTrunk changes a trunk; rating.ErrNotFound where it is not there.
	EditTrunk(ctx context.Context, name string, edit func(rating.Trunk) (rating.Trunk, error)) (rating.Trunk, error)
	// DeleteTrunk fails with rating.ErrConflict while a dial rule or the setting emergency_trunks names the trunk.
	// allowed sees the version that is stored, and may say no.
	DeleteTrunk(ctx context.Context, name string, allowed func(version int64) error) error
}

// TrunkHealth is what the SIP side knows about trunks.
type TrunkHealth interface {
	// Trunk returns how a trunk is, as this node sees it; false where it does not know the trunk.
	Trunk(name string) (TrunkNow, bool)
}

// TrunkNow is how a trunk is.
type TrunkNow struct {
	Health       string // up, down or unknown
	ActiveCalls  int64
	Registration Registration
}

// Registration is how a node stands with the registrar of a trunk.
type Registration struct {
	State     string     `json:"state" enum:"off,pending,registered,failed" doc:"failed: it is tried again."`
	Code      int        `json:"code" doc:"SIP code of the last answer; 0: none came."`
	Reason    string     `json:"reason" doc:"Why it failed."`
	ExpiresAt *time.Time `json:"expires_at" doc:"End of the binding; null: there is none."`
}

type NamePath struct {
	Name string `path:"name" maxLength:"64" doc:"The trunk's name." example:"FXO-1"`
}

type trunkQuery struct {
	Paging
	Sort string `query:"sort" default:"name" enum:"name,-name,uri,-uri,enabled,-enabled" doc:"Field to sort by; a minus turns the order around."`
	Q    string `query:"q" maxLength:"100" doc:"Part of the name or the URI."`
}

var trunkOrders = map[string]func(a, b trunk) int{
	"name":    func(a, b trunk) int { return cmp.Compare(a.Name, b.Name) },
	"uri":     func(a, b trunk) int { return cmp.Compare(a.URI, b.URI) },
	"enabled": func(a, b trunk) int { return cmp.Compare(weight(b.Enabled), weight(a.Enabled)) }, // enabled first
}

// liveTrunk adds how the trunk is now.
func (s *Server) liveTrunk(t rating.Trunk) trunk {
	x := trunkOf(t)
	if s.deps.Trunks == nil {
		return x
	}
	if now, known := s.deps.Trunks.Trunk(t.Name); known {
		x.Health, x.ActiveCalls, x.Registration = now.Health, now.ActiveCalls, now.Registration
	}
	return x
}

func (s *Server) trunkAnswer(t rating.Trunk) *versioned[trunk] {
	return &versioned[trunk]{etag(t.Version), s.liveTrunk(t)}
}

func (s *Server) listTrunks(_ context.Context, in *trunkQuery) (*answer[list[trunk]], error) {
	var found []trunk
	for _, t := range s.snapshot().Plan.Trunks() {
		if contains(in.Q, t.Name, t.URI) {
			found = append(found, s.liveTrunk(*t))
		}
	}
	order(found, in.Sort, trunkOrders, func(a, b trunk) int { return strings.Compare(a.Name, b.Name) })
	return listOf(in.Paging, cut(in.Paging, found), int64(len(found))), nil
}

func (s *Server) getTrunk(_ context.Context, in *NamePath) (*versioned[trunk], error) {
	t, ok := s.snapshot().Plan.Trunk(in.Name)
	if !ok {
		return nil, notFound.because("There is no trunk " + in.Name + ".")
	}
	return s.trunkAnswer(*t), nil
}

func (s *Server) createTrunk(ctx context.Context, in *struct{ Body creation[trunk] }) (*made[trunk], error) {
	t, err := in.Body.mergeTrunk(rating.NewTrunk())
	if err != nil {
		return nil, err
	}
	added, err := s.deps.Catalog.AddTrunk(ctx, t)
	if errors.Is(err, rating.ErrConflict) {
		return nil, conflict.because("There is a trunk " + t.Name + " already; edit it, or take another name.")
	}
	if err != nil {
		return nil, fmt.Errorf("add trunk: %w", err)
	}
	return madeAt("/trunks", added.Name, s.trunkAnswer(added)), nil
}

type trunkEdit struct {
	NamePath
	IfMatch
	Body edit[trunk]
}

func (s *Server) editTrunk(ctx context.Context, in *trunkEdit) (*versioned[trunk], error) {
	t, err := s.deps.Catalog.EditTrunk(ctx, in.Name, func(old rating.Trunk) (rating.Trunk, error) {
		if err := in.check(old.Version); err != nil {
			return old, err
		}
		return in.Body.mergeTrunk(old)
	})
	if err != nil {
		return nil, fmt.Errorf("edit trunk: %w", err)
	}
	return s.trunkAnswer(t), nil
}

func (s *Server) deleteTrunk(ctx context.Context, in *struct {
	NamePath
	IfMatch
}) (*struct{}, error) {
	err := s.deps.Catalog.DeleteTrunk(ctx, in.Name, in.check)
	if errors.Is(err, rating.ErrConflict) {
		return nil, conflict.because("Dial rules or the setting emergency_trunks name the trunk " + in.Name + "; change those first.")
	}
	if err != nil {
		return nil, fmt.Errorf("delete trunk: %w", err)
	}
	return nil, nil
}
