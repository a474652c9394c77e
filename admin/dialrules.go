package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"tollgate/rating"
)

// DialRules is the part of the catalog that keeps which number goes where.
type DialRules interface {
	// AddDialRule adds one; a trunk that is not there is rating.Invalid, here and in an edit.
	AddDialRule(ctx context.Context, r rating.DialRule) (rating.DialRule, error)
	// EditDialRule changes a rule; rating.ErrNotFound where it is not there.
	EditDialRule(ctx context.Context, id int64, edit func(rating.DialRule) (rating.DialRule, error)) (rating.DialRule, error)
	// DeleteDialRule takes one away; allowed sees the version that is stored, and may say no.
	DeleteDialRule(ctx context.Context, id int64, allowed func(version int64) error) error
}

// dialRule is the resource; its fields are those of rating.DialRule.
type dialRule struct {
	ID           int64    `json:"id" readOnly:"true" doc:"Names the rule for good."`
	Position     int64    `json:"position" doc:"Decides between rules that match alike; the lower wins."`
	Enabled      bool     `json:"enabled" doc:"Whether it is used."`
	Prefix       string   `json:"prefix" doc:"Of the dialled number; empty: any. The longest that matches wins."`
	NumberLength int      `json:"number_length" doc:"Of the dialled number, + included; 0: any."`
	Strip        int      `json:"strip" doc:"Characters cut off the front."`
	Prepend      string   `json:"prepend" doc:"Then put there."`
	Trunks       []string `json:"trunks" create:"required" doc:"In the order in which they are tried."`
	Version      int64    `json:"version" readOnly:"true" doc:"Grows with every edit."`
}

func dialRuleOf(r rating.DialRule) dialRule {
	x := dialRule(r)
	x.Trunks = nonNil(r.Trunks)
	return x
}

// mergeDialRule puts a body over a rule.
func (b body) mergeDialRule(old rating.DialRule) (rating.DialRule, error) {
	merged, err := over(b, dialRuleOf(old))
	if err != nil {
		return old, err
	}
	r := rating.DialRule(merged)
	return r, r.Validate()
}

type dialRuleQuery struct {
	Paging
	Sort string `query:"sort" default:"position" enum:"position,-position,id,-id,prefix,-prefix,number_length,-number_length,enabled,-enabled" doc:"Field to sort by; a minus turns the order around."`
	Q    string `query:"q" maxLength:"100" doc:"Part of the prefix or of a trunk's name."`
}

var dialRuleOrders = map[string]func(a, b rating.DialRule) int{
	"position":      func(a, b rating.DialRule) int { return cmp.Compare(a.Position, b.Position) },
	"id":            func(a, b rating.DialRule) int { return cmp.Compare(a.ID, b.ID) },
	"prefix":        func(a, b rating.DialRule) int { return cmp.Compare(a.Prefix, b.Prefix) },
	"number_length": func(a, b rating.DialRule) int { return cmp.Compare(a.NumberLength, b.NumberLength) },
	"enabled":       func(a, b rating.DialRule) int { return cmp.Compare(weight(b.Enabled), weight(a.Enabled)) },
}

func (s *Server) listDialRules(_ context.Context, in *dialRuleQuery) (*answer[list[dialRule]], error) {
	var found []rating.DialRule
	for _, r := range s.snapshot().Plan.Rules() {
		if contains(in.Q, append([]string{r.Prefix}, r.Trunks...)...) {
			found = append(found, r)
		}
	}
	order(found, in.Sort, dialRuleOrders, func(a, b rating.DialRule) int { return cmp.Compare(a.ID, b.ID) })
	var page []dialRule
	for _, r := range cut(in.Paging, found) {
		page = append(page, dialRuleOf(r))
	}
	return listOf(in.Paging, page, int64(len(found))), nil
}

func dialRuleAnswer(r rating.DialRule) *versioned[dialRule] {
	return &versioned[dialRule]{etag(r.Version), dialRuleOf(r)}
}

func (s *Server) getDialRule(_ context.Context, in *IDPath) (*versioned[dialRule], error) {
	for _, r := range s.snapshot().Plan.Rules() {
		if r.ID == in.ID {
			return dialRuleAnswer(r), nil
		}
	}
	return nil, notFound.because("There is no dial rule " + strconv.FormatInt(in.ID, 10) + ".")
}

func (s *Server) createDialRule(ctx context.Context, in *struct{ Body creation[dialRule] }) (*made[dialRule], error) {
	r, err := in.Body.mergeDialRule(rating.NewDialRule())
	if err != nil {
		return nil, err
	}
	if r, err = s.deps.Catalog.AddDialRule(ctx, r); err != nil {
		return nil, fmt.Errorf("add dial rule: %w", err)
	}
	return madeAt("/dial-rules", strconv.FormatInt(r.ID, 10), dialRuleAnswer(r)), nil
}

type dialRuleEdit struct {
	IDPath
	IfMatch
	Body edit[dialRule]
}

func (s *Server) editDialRule(ctx context.Context, in *dialRuleEdit) (*versioned[dialRule], error) {
	r, err := s.deps.Catalog.EditDialRule(ctx, in.ID, func(old rating.DialRule) (rating.DialRule, error) {
		if err := in.check(old.Version); err != nil {
			return old, err
		}
		return in.Body.mergeDialRule(old)
	})
	if err != nil {
		return nil, fmt.Errorf("edit dial rule %d: %w", in.ID, err)
	}
	return dialRuleAnswer(r), nil
}

func (s *Server) deleteDialRule(ctx context.Context, in *idDeletion) (*struct{}, error) {
	if err := s.deps.Catalog.DeleteDialRule(ctx, in.ID, in.check); err != nil {
		return nil, fmt.Errorf("delete dial rule %d: %w", in.ID, err)
	}
	return nil, nil
}

type routeTest struct {
	Body struct {
		Number string `json:"number" minLength:"1" maxLength:"120" doc:"As dialled." example:"988360046"`
	}
}

// testedRoute says where a number would go.
type testedRoute struct {
	Number    string           `json:"number" doc:"As it is rated and routed: separators dropped."`
	Matched   bool             `json:"matched" doc:"Whether the call would go anywhere."`
	Emergency bool             `json:"emergency" doc:"An emergency number: never billed, never refused, tried on every trunk."`
	Rule      orNull[dialRule] `json:"rule" doc:"The rule that decides; null where none matches."`
	Sent      string           `json:"sent" doc:"The number that the trunk gets."`
	Trunks    []string         `json:"trunks" doc:"Enabled trunks, in the order in which they are tried."`
	Detail    string           `json:"detail" doc:"Why the call would go nowhere; empty where it goes."`
}

// testDialRules asks the same plan that routes calls.
func (s *Server) testDialRules(_ context.Context, in *routeTest) (*answer[testedRoute], error) {
	number, err := rating.NormalizeNumber(in.Body.Number)
	if err != nil {
		return nil, invalid.with(fault{Location: "body.number", Message: "must be a number: an optional leading +, then digits, * and #, at most 40"})
	}
	snapshot := s.snapshot()
	found, emergency := snapshot.Emergency(number)
	if !emergency {
		found, err = snapshot.Plan.Route(number)
	}
	tested := testedRoute{Number: number, Emergency: emergency, Matched: err == nil && len(found.Trunks) > 0, Sent: found.Sent, Trunks: []string{}}
	if rule, ok := snapshot.Plan.Rule(number); ok {
		x := dialRuleOf(rule)
		tested.Rule.value = &x
	}
	for _, t := range found.Trunks {
		tested.Trunks = append(tested.Trunks, t.Name)
	}
	switch {
	case errors.Is(err, rating.ErrNoRoute), errors.Is(err, rating.ErrTrunk):
		tested.Detail = strings.TrimSpace(err.Error())
	case err != nil:
		return nil, err
	case !tested.Matched:
		tested.Detail = rating.ErrTrunk.Error()
	}
	return &answer[testedRoute]{tested}, nil
}
