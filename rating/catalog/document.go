package catalog

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"tollgate/rating"
)

// A document is stored as its version, a space and its JSON: "3 {…}", so that a script can compare versions without
// reading JSON. A version alone is what is left of a deleted extension: a number used again goes on counting, so that
// the ledger can tell an old life from a new one.

// maxDocument bounds one document, in bytes: a rate that names MaxNamed extensions fits.
const maxDocument = 8 << 20

// form says how documents of one type are stored.
type form[T any] struct {
	kind     kind
	id       func(*T) string // under which it is stored
	version  func(*T) *int64
	validate func(T) error
	none     func() T // what there is where nothing is stored; nil = nothing
}

var (
	extensionForm = form[rating.Extension]{extensionKind, func(e *rating.Extension) string { return e.Number }, func(e *rating.Extension) *int64 { return &e.Version }, rating.Extension.Validate, nil}
	rateForm      = form[rating.Rate]{rateKind, func(r *rating.Rate) string { return formatID(r.ID) }, func(r *rating.Rate) *int64 { return &r.Version }, rating.Rate.Validate, nil}
	trunkForm     = form[rating.Trunk]{trunkKind, func(t *rating.Trunk) string { return t.Name }, func(t *rating.Trunk) *int64 { return &t.Version }, rating.Trunk.Validate, nil}
	dialRuleForm  = form[rating.DialRule]{dialRuleKind, func(r *rating.DialRule) string { return formatID(r.ID) }, func(r *rating.DialRule) *int64 { return &r.Version }, rating.DialRule.Validate, nil}
	settingsForm  = form[rating.Settings]{installationKind, func(*rating.Settings) string { return settingsID }, func(s *rating.Settings) *int64 { return &s.Version }, rating.Settings.Validate, rating.DefaultSettings}
	billingForm   = form[rating.Billing]{installationKind, func(*rating.Billing) string { return billingID }, func(b *rating.Billing) *int64 { return &b.Version }, validBilling, defaultBilling}
	userForm      = form[rating.User]{userKind, func(u *rating.User) string { return u.Name }, func(u *rating.User) *int64 { return &u.Version }, rating.User.Validate, nil}
)

// The documents of installationKind.
const (
	settingsID = "settings"
	billingID  = "billing"
)

func formatID(id int64) string { return strconv.FormatInt(id, 10) }

var errForeign = errors.New("is not in our form")

// splitValue takes a stored value apart. A value without a version has -1, as the scripts see it.
func splitValue(value string) (version int64, text string) {
	digits, text, _ := strings.Cut(value, " ")
	version, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || len(digits) > 15 || digits[0] < '0' {
		return -1, value
	}
	return version, text
}

// encode writes a document with its version.
func (f form[T]) encode(doc *T) (string, error) {
	text, err := json.Marshal(doc)
	if err != nil {
		return "", fmt.Errorf("encode %s %s: %w", f.kind, f.id(doc), err)
	}
	if len(text) > maxDocument {
		return "", fmt.Errorf("%s %s: %d bytes are more than %d", f.kind, f.id(doc), len(text), maxDocument)
	}
	return formatID(*f.version(doc)) + " " + string(text), nil
}

// decode reads a stored document, which may be of any age and of anybody's making. Fields that are not known are left
// out, so that nodes of different releases can share a store.
func (f form[T]) decode(id, value string) (*T, error) {
	version, text := splitValue(value)
	if version < 1 || len(text) > maxDocument {
		return nil, errForeign
	}
	doc := new(T)
	if err := json.Unmarshal([]byte(text), doc); err != nil {
		return nil, fmt.Errorf("%w: %w", errForeign, err)
	}
	*f.version(doc) = version
	if f.id(doc) != id {
		return nil, fmt.Errorf("says that it is %q", shorten(f.id(doc)))
	}
	if err := f.validate(*doc); err != nil {
		return nil, err
	}
	return doc, nil
}

// shorten bounds a hostile value before it is shown.
func shorten(s string) string {
	const most = 60
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
