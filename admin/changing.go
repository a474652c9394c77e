package admin

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"tollgate/rating"
)

// changing runs the handler of an operation that changes something, so that the audit log has it whatever happens: what is
// about to be done is noted before, and the records of what was done take the note's place before the answer goes out.
func changing[In, Out any](ctx context.Context, s *Server, op *huma.Operation, in *In, handler func(context.Context, *In) (*Out, error)) (*Out, error) {
	if rehearsed(in) {
		return handler(ctx, in)
	}
	id, err := s.begin(ctx, op, in)
	if err != nil {
		return nil, err
	}
	out, err := handler(ctx, in)
	s.finish(ctx, op, id, err)
	return out, err
}

// rehearsed reports a request that stores nothing.
func rehearsed(in any) bool {
	dry := reflect.ValueOf(in).Elem().FieldByName("DryRun")
	return dry.IsValid() && dry.Kind() == reflect.Bool && dry.Bool()
}

// begin notes what a request is about to do. A store that cannot be reached is an error: nothing is changed without a record.
func (s *Server) begin(ctx context.Context, op *huma.Operation, in any) (id string, err error) {
	limit := longestRequest + 2*recordLimit
	if op.Metadata[lastsKey] != nil {
		limit = longestLast + 2*recordLimit
	}
	body := asked(in)
	r := signed(rating.AuditRecord{Action: op.OperationID, Object: named(pathFrom(ctx), body), After: asJSON(body)}, ctx)
	id, err = s.deps.AuditLog.Begin(ctx, r, limit)
	if err != nil && !errors.Is(err, rating.ErrUnavailable) && ctx.Err() == nil {
		s.log.Warn("what is about to change is not noted; going on", "by", r.Actor, "operation", r.Action, "object", r.Object, "err", err)
		return "", nil
	}
	return id, err
}

// finish keeps what a request has changed. Where it failed in a way that may hide a change, the note of begin is left to be found.
func (s *Server) finish(ctx context.Context, op *huma.Operation, id string, failed error) {
	told := trailFrom(ctx).told()
	if len(told) == 0 && failed != nil && problemOf(failed).Status >= http.StatusInternalServerError {
		return
	}
	if len(told) == 0 && failed == nil && !trailFrom(ctx).isSpared() {
		told = []alteration{{object: pathFrom(ctx)}}
	}
	var records []rating.AuditRecord
	for part := range slices.Chunk(told, objectsInRecord) {
		r := signed(recordOf(op.OperationID, part), ctx)
		s.log.Info("changed", "by", r.Actor, "address", r.Address, "operation", r.Action, "object", r.Object)
		records = append(records, r)
	}
	kept, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordLimit)
	defer cancel()
	s.missing(kept, s.deps.AuditLog.Finish(kept, id, records), records...)
}

// secretFields are never kept: that they were sent is.
var secretFields = []string{"password", "old_password", "new_password", "sip_password", "secret"}

// asked is what a request asks for, without its secrets; of a file, how large it is.
func asked(in any) map[string]any {
	v := reflect.ValueOf(in).Elem()
	if raw := v.FieldByName("RawBody"); raw.IsValid() {
		return map[string]any{"bytes": raw.Len()}
	}
	body := v.FieldByName("Body")
	if !body.IsValid() {
		return map[string]any{}
	}
	text, err := json.Marshal(body.Interface())
	var fields map[string]any
	if err != nil || json.Unmarshal(text, &fields) != nil || fields == nil {
		return map[string]any{}
	}
	withoutSecrets(fields)
	return fields
}

// namedIn says which field of a body names the objects that its path does not, and of what kind they are.
var namedIn = map[string]struct{ field, kind string }{"extension": {"number", "extension"}, "trunk": {"name", "trunk"}, "token": {"name", "token"}, "recharge": {"extensions", "extension"}}

// named is the object of a request whose path names only its kind: "extension 101, 102".
func named(object string, body map[string]any) string {
	in, unnamed := namedIn[object]
	if !unnamed {
		return object
	}
	many, _ := body[in.field].([]any)
	if object == "extension" && body["numbers"] != nil {
		many, _ = body["numbers"].([]any)
	} else if one, ok := body[in.field].(string); ok {
		many = []any{one}
	}
	var names []string
	for _, name := range many[:min(len(many), objectsInRecord)] {
		if text, ok := name.(string); ok {
			names = append(names, text)
		}
	}
	if len(names) == 0 {
		return object
	}
	return in.kind + " " + strings.Join(names, ", ")
}

func withoutSecrets(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for name, inner := range v {
			if slices.Contains(secretFields, name) {
				v[name] = secret{inner != "" && inner != nil}.text()
				continue
			}
			v[name] = withoutSecrets(inner)
		}
	case []any:
		for i := range v {
			v[i] = withoutSecrets(v[i])
		}
	}
	return value
}
