package admin

import (
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"tollgate/rating"
)

const schemaPrefix = "#/components/schemas/"

// moneySchema and timeOfDaySchema describe types of package rating, which knows nothing of HTTP.
type (
	moneySchema     struct{}
	timeOfDaySchema struct{}
)

// Schema says that money is a string: a JSON number could be rounded on its way.
func (moneySchema) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Pattern: `^-?[0-9]{1,10}(\.[0-9]{1,6})?$`,
		PatternDescription: `an amount as a string with at most six decimals, such as "12.3400"`, Examples: []any{"12.3400"}}
}

// Schema says how a time of day is written.
func (timeOfDaySchema) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Pattern: `^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]$`,
		PatternDescription: "a time of day as HH:MM:SS, such as 08:30:00", Examples: []any{"08:30:00"}}
}

// newRegistry returns a registry that knows the types of package rating.
func newRegistry() huma.Registry {
	r := huma.NewMapRegistry(schemaPrefix, huma.DefaultSchemaNamer)
	r.RegisterTypeAlias(reflect.TypeFor[rating.Money](), reflect.TypeFor[moneySchema]())
	r.RegisterTypeAlias(reflect.TypeFor[rating.TimeOfDay](), reflect.TypeFor[timeOfDaySchema]())
	describe(r, reflect.TypeFor[rating.CallLimits](), map[string]string{
		"concurrent_calls": "Running calls of one extension at once; 0: any number.",
		"call_seconds":     "Longest talk of one call; 0: max_call_seconds only.",
		"daily_spend":      "Of one extension, per day in the installation's time zone; 0.0000: any.",
		"deny_prefixes":    "Of the dialled number; deny wins.",
		"allow_prefixes":   "When not empty, one must match.",
	})
	describe(r, reflect.TypeFor[rating.Webhook](), map[string]string{
		"url":    "http or https; it is sent POST requests.",
		"secret": "Signs what is sent. Never shown; an empty one keeps what is stored for the URL.",
		"events": "balance.low, recharge, call.cut, limit.reached, trunk.down, trunk.up, license.expiring",
	})
	return r
}

// describe adds descriptions to the schema of a type that has no tags for them.
func describe(r huma.Registry, t reflect.Type, fields map[string]string) {
	schema := r.Schema(t, false, "")
	for name, description := range fields {
		schema.Properties[name].Description = description
	}
}

// A resource is one struct with the tags doc, readOnly and writeOnly. What a body may hold follows from it:
//
//	creation[T]     POST: no read-only field; required are those tagged create:"required", everything else has a default
//	edit[T]         PATCH: no read-only field, nothing required
//	replacement[T]  PUT: what GET returned; read-only fields may be there and change nothing
//
// All three keep the body as it came and put it over a value with over.
type (
	creation[T any]    struct{ body }
	edit[T any]        struct{ body }
	replacement[T any] struct{ body }
)

// body is a JSON object as it came.
type body struct{ raw json.RawMessage }

// UnmarshalJSON keeps a copy.
func (b *body) UnmarshalJSON(raw []byte) error {
	b.raw = slices.Clone(raw)
	return nil
}

// MarshalJSON gives the body back as it came.
func (b body) MarshalJSON() ([]byte, error) {
	if b.raw == nil {
		return []byte("null"), nil
	}
	return b.raw, nil
}

// Schema describes the body of a POST.
func (creation[T]) Schema(r huma.Registry) *huma.Schema {
	t := reflect.TypeFor[T]()
	var required []string
	for _, f := range reflect.VisibleFields(t) {
		if f.Tag.Get("create") == "required" {
			required = append(required, jsonName(f))
		}
	}
	return derived(r, t, "New", writable, func(string, *huma.Schema) bool { return false }, required)
}

// Schema describes the body of a PATCH.
func (edit[T]) Schema(r huma.Registry) *huma.Schema {
	return derived(r, reflect.TypeFor[T](), "Edit", writable, func(string, *huma.Schema) bool { return false }, nil)
}

// Schema describes the body of a PUT.
func (replacement[T]) Schema(r huma.Registry) *huma.Schema {
	required := func(_ string, s *huma.Schema) bool { return !s.ReadOnly && !s.WriteOnly }
	return derived(r, reflect.TypeFor[T](), "Replacement", func(*huma.Schema) bool { return true }, required, nil)
}

// orNull is an object that may be missing: null then.
type orNull[T any] struct{ value *T }

// MarshalJSON prints the object, or null.
func (o orNull[T]) MarshalJSON() ([]byte, error) { return json.Marshal(o.value) }

// Schema describes both.
func (orNull[T]) Schema(r huma.Registry) *huma.Schema {
	return &huma.Schema{AnyOf: []*huma.Schema{r.Schema(reflect.TypeFor[T](), true, ""), {Type: "null"}}}
}

func writable(s *huma.Schema) bool { return !s.ReadOnly }

// derived registers a variant of a resource's schema under the resource's name and a suffix.
func derived(r huma.Registry, t reflect.Type, suffix string, has func(*huma.Schema) bool, required func(string, *huma.Schema) bool, also []string) *huma.Schema {
	name := huma.DefaultSchemaNamer(t, "") + suffix
	if r.Map()[name] == nil {
		s := *r.Schema(t, false, "")
		s.Properties, s.Required = maps.Clone(s.Properties), slices.Clone(also)
		maps.DeleteFunc(s.Properties, func(_ string, p *huma.Schema) bool { return !has(p) })
		for _, field := range slices.Sorted(maps.Keys(s.Properties)) {
			if required(field, s.Properties[field]) {
				s.Required = append(s.Required, field)
			}
		}
		s.PrecomputeMessages()
		r.Map()[name] = &s
	}
	return &huma.Schema{Ref: schemaPrefix + name}
}

// schemaOf describes a type by reference.
func schemaOf[T any](r huma.Registry) *huma.Schema { return r.Schema(reflect.TypeFor[T](), true, "") }

func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}

// readOnly names the fields of a resource that no body changes.
func readOnly(t reflect.Type) map[string]bool {
	names := map[string]bool{}
	for _, f := range reflect.VisibleFields(t) {
		if f.Tag.Get("readOnly") == "true" {
			names[jsonName(f)] = true
		}
	}
	return names
}

// over puts the fields of the body over a value: what the body leaves out, or may not change, stays as it is. The value is copied first,
// down to its lists, so that nothing that the catalog shares is written to.
func over[T any](b body, value T) (T, error) {
	var merged T
	copied, err := json.Marshal(value)
	if err == nil {
		err = json.Unmarshal(copied, &merged)
	}
	if err != nil {
		return merged, err
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(b.raw, &fields); err != nil {
		return merged, malformed
	}
	var wrong rating.Invalid
	fixed := readOnly(reflect.TypeFor[T]())
	maps.DeleteFunc(fields, func(name string, _ json.RawMessage) bool { return fixed[name] })
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if string(fields[name]) == "null" {
			wrong = append(wrong, rating.FieldError{Field: name, Message: "must not be null; leave the field out to keep what is there"})
			continue
		}
		one, err := json.Marshal(map[string]json.RawMessage{name: fields[name]})
		if err == nil {
			err = json.Unmarshal(one, &merged)
		}
		if err != nil {
			wrong = append(wrong, misfit(name, err))
		}
	}
	if len(wrong) > 0 {
		return merged, wrong
	}
	return merged, nil
}

// has reports whether the body names the field.
func (b body) has(field string) bool {
	var fields map[string]json.RawMessage
	_ = json.Unmarshal(b.raw, &fields) // a body that is no object names nothing
	_, ok := fields[field]
	return ok
}

// misfit says what is wrong with a field without Go's words for it. A value of the wrong kind does not get here: it is too large, or a
// whole number that is written with a point or an exponent.
func misfit(name string, err error) rating.FieldError {
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) {
		if digits, number := strings.CutPrefix(wrongType.Value, "number "); number && strings.ContainsAny(digits, ".eE") {
			return rating.FieldError{Field: cmp.Or(wrongType.Field, name), Message: "must be a whole number, in digits"}
		}
		return rating.FieldError{Field: cmp.Or(wrongType.Field, name), Message: "is out of range"}
	}
	return rating.FieldError{Field: name, Message: err.Error()}
}
