package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tollgate/rating"
)

// AuditLog keeps what operators change.
type AuditLog interface {
	// Append takes a record for good, see rating.AuditRecord; its ID and At are made up. It is listed when Append returns.
	Append(ctx context.Context, r rating.AuditRecord) error
	AuditLog(ctx context.Context, q rating.AuditQuery) ([]rating.AuditRecord, int64, error)
	// Begin notes for good that a change is about to be made: r says who, what and, in After, what was asked for. Where Finish
	// never comes, after a crash or when limit has passed, it is listed with an outcome that is unknown.
	Begin(ctx context.Context, r rating.AuditRecord, limit time.Duration) (id string, err error)
	// Finish puts the records of a change in the place of what Begin noted; none: nothing was changed.
	Finish(ctx context.Context, id string, records []rating.AuditRecord) error
}

// Bounds of what one request leaves in the audit log.
const (
	recordLimit     = 5 * time.Second // for all records of a request, whether its client waits or not
	objectsInRecord = 50              // objects of a bulk edit that share a record
)

// Actions that are no operation of the API.
const (
	actionLogIn         = "log-in"
	actionLogInFailed   = "log-in-failed"
	actionLogInSlowed   = "log-in-throttled"
	actionLogOut        = "log-out"
	actionRefusedFile   = "license-refused"
	actionPasswordWrong = "password-wrong"
)

// auditRecord is the resource.
type auditRecord struct {
	ID      string    `json:"id" doc:"Names the record for good."`
	At      time.Time `json:"at" doc:"When, by the clock of the store."`
	Actor   string    `json:"actor" doc:"Who: a user name, \"token NAME\", or \"system\"; empty: nobody who is known."`
	Role    string    `json:"role" doc:"admin, manager or viewer; empty: nobody who is known."`
	Address string    `json:"address" doc:"Where the request came from."`
	Action  string    `json:"action" doc:"The operation, such as edit-extension; or log-in, log-in-failed, log-in-throttled, log-out, password-wrong, license-refused, license-attempt."`
	Object  string    `json:"object" doc:"To what, such as extension 101."`
	Before  details   `json:"before" doc:"What of it was another before; null: it was not there, or nothing is to be told. Never a secret."`
	After   details   `json:"after" doc:"What it is after it; null: it is gone, or nothing is to be told. Where the server died in the middle: outcome is unknown, with what was asked for. Never a secret."`
}

type auditQuery struct {
	Paging
	Period
	Sort string `query:"sort" default:"-at" enum:"at,-at" doc:"Newest first is -at."`
	Q    string `query:"q" maxLength:"100" doc:"Part of actor, action or object."`
}

func (s *Server) listAuditLog(ctx context.Context, in *auditQuery) (*answer[list[auditRecord]], error) {
	span, err := in.span(s.snapshot().Location())
	if err != nil {
		return nil, err
	}
	found, total, err := s.deps.AuditLog.AuditLog(ctx, rating.AuditQuery{Period: span, Q: in.Q, Sort: in.Sort, Paging: rating.Paging{Page: in.Page, PerPage: in.PerPage}})
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	items := make([]auditRecord, 0, len(found))
	for _, r := range found {
		items = append(items, auditRecord{r.ID, r.At.UTC(), r.Actor, string(r.Role), r.Address, r.Action, r.Object, details{r.Before}, details{r.After}})
	}
	return listOf(in.Paging, items, total), nil
}

// details are fields of what was changed, by their names in the API, or by object where there are several; or null.
type details struct{ raw json.RawMessage }

// MarshalJSON prints them as they were kept.
func (d details) MarshalJSON() ([]byte, error) {
	if len(d.raw) == 0 {
		return []byte("null"), nil
	}
	return d.raw, nil
}

// Schema describes an object with any fields, or null.
func (details) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true, Nullable: true}
}

// changes reports whether an operation changes something when it succeeds.
func changes(op *huma.Operation) bool {
	return op.Method != http.MethodGet && op.Metadata[readsKey] == nil
}

// note keeps what happened beside the changes of operations, such as a log-in that failed.
func (s *Server) note(ctx context.Context, action, object string, after any) {
	kept, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordLimit)
	defer cancel()
	s.keep(kept, ctx, recordOf(action, []alteration{{object, nil, after}}))
}

// recordOf is one record of one alteration, or of some of a kind: then before and after are by object.
func recordOf(action string, told []alteration) rating.AuditRecord {
	if len(told) == 1 {
		return rating.AuditRecord{Action: action, Object: told[0].object, Before: asJSON(told[0].before), After: asJSON(told[0].after)}
	}
	before, after := map[string]any{}, map[string]any{}
	var names []string
	for i, a := range told {
		before[a.object], after[a.object] = a.before, a.after
		if kind, name, ok := strings.Cut(a.object, " "); ok && i > 0 && strings.HasPrefix(told[0].object, kind+" ") {
			names = append(names, name)
			continue
		}
		names = append(names, a.object)
	}
	return rating.AuditRecord{Action: action, Object: strings.Join(names, ", "), Before: asJSON(before), After: asJSON(after)}
}

func asJSON(value any) json.RawMessage {
	if value == nil {
		return nil
	}
	text, err := json.Marshal(value)
	if err != nil {
		return nil // made of our own types: it cannot be
	}
	return text
}

// signed is a record in the name of who sends the request.
func signed(r rating.AuditRecord, request context.Context) rating.AuditRecord {
	who := principalFrom(request)
	r.Actor, r.Role, r.Address = who.Name, who.Role, addressFrom(request)
	return r
}

// keep appends a record in the name of who sends the request. What cannot be kept is in the log.
func (s *Server) keep(ctx, request context.Context, r rating.AuditRecord) {
	r = signed(r, request)
	s.log.Info("changed", "by", r.Actor, "address", r.Address, "operation", r.Action, "object", r.Object)
	s.missing(ctx, s.deps.AuditLog.Append(ctx, r), r)
}

// missing puts records that the store did not take into the log.
func (s *Server) missing(ctx context.Context, err error, records ...rating.AuditRecord) {
	if err == nil {
		return
	}
	for _, r := range records {
		s.log.LogAttrs(ctx, slog.LevelError, "a change is missing in the audit log", slog.String("by", r.Actor), slog.String("operation", r.Action), slog.String("object", r.Object),
			slog.String("before", string(r.Before)), slog.String("after", string(r.After)), slog.Any("err", err))
	}
}

// singular are the kinds of objects, by the first part of their paths.
var singular = map[string]string{"extensions": "extension", "rates": "rate", "trunks": "trunk", "dial-rules": "dial rule", "managers": "user", "tokens": "token",
	"active-calls": "call", "recharges": "recharge", "me": "user"}

// objectOf names what a path is about: "extension 101" for /extensions/101.
func objectOf(path string) string {
	parts := strings.Split(strings.Trim(strings.TrimPrefix(path, apiBase), "/"), "/")
	kind, known := singular[parts[0]]
	if !known {
		return strings.Join(parts, " ")
	}
	return strings.Join(append([]string{kind}, parts[1:]...), " ")
}
