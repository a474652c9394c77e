package rating

import (
	"errors"
	"strings"
)

// Why a call is refused, or an operation on an account fails. Callers compare with errors.Is.
var (
	ErrNoCredit         = errors.New("the money available does not cover the charge")
	ErrLocked           = errors.New("the extension is locked")
	ErrUnknownExtension = errors.New("the extension is unknown")
	ErrNoRate           = errors.New("no rate matches the number")
	ErrLimit            = errors.New("a limit of the extension is reached")
	ErrBadNumber        = errors.New("the number is not understood")
	ErrNoRoute          = errors.New("no dial rule matches the number")
	ErrTrunk            = errors.New("no trunk took the call")
	ErrUnavailable      = errors.New("the service is not available")
	ErrRingTimeout      = errors.New("the call was not answered in time")

	ErrNoCall         = errors.New("the call is not known to the ledger")
	ErrSettled        = errors.New("the call is settled already")
	ErrOwnedElsewhere = errors.New("the call belongs to another live node")
	ErrAccountExists  = errors.New("the extension exists already")
	ErrActiveCalls    = errors.New("the extension has calls up")
	ErrRange          = errors.New("the amount leaves the range of ±9007199254.740991")
	ErrKeyReused      = errors.New("the idempotency key was used with another body")
	ErrVersion        = errors.New("the resource was changed by somebody else in the meantime")
	ErrNotFound       = errors.New("not found")
	ErrConflict       = errors.New("in conflict with what exists")
)

// FieldError says what is wrong with one field, and how to mend it.
type FieldError struct {
	Field   string // JSON name, with a path where the field is inside another: "limits.call_seconds"
	Message string
}

// Invalid lists everything that is wrong with a value. It is never empty when returned as an error.
type Invalid []FieldError

// Error joins the field errors: "prefix: may hold …; rate: must not be negative".
func (v Invalid) Error() string {
	parts := make([]string, len(v))
	for i, e := range v {
		parts[i] = e.Field + ": " + e.Message
	}
	return strings.Join(parts, "; ")
}

// add notes a fault of a field unless it is fine.
func (v *Invalid) add(fine bool, field, message string) {
	if !fine {
		*v = append(*v, FieldError{field, message})
	}
}

// within notes the faults of an inner value under its own path.
func (v *Invalid) within(field string, err error) {
	var inner Invalid
	if !errors.As(err, &inner) {
		return
	}
	for _, e := range inner {
		*v = append(*v, FieldError{field + "." + e.Field, e.Message})
	}
}

// err is v as an error: nil when nothing was found wrong.
func (v Invalid) err() error {
	if len(v) == 0 {
		return nil
	}
	return v
}
