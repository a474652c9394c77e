package catalog

import (
	"fmt"
	"strings"

	"tollgate/rating"
)

// maxFaults bounds how many faults of one batch are listed.
const maxFaults = 50

// Fault is what is wrong with one field of one row of a batch.
type Fault struct {
	Row int // counted from 0
	rating.FieldError
}

// Faults lists what is wrong with the rows of a batch, of which nothing was stored. They are also a rating.Invalid,
// whose fields then begin with the row: "[2].credit".
type Faults []Fault

// Error joins the faults.
func (f Faults) Error() string {
	parts := make([]string, len(f))
	for i, fault := range f {
		parts[i] = fmt.Sprintf("[%d].%s: %s", fault.Row, fault.Field, fault.Message)
	}
	return strings.Join(parts, "; ")
}

// Unwrap gives the faults as a rating.Invalid.
func (f Faults) Unwrap() error {
	bad := make(rating.Invalid, len(f))
	for i, fault := range f {
		bad[i] = rating.FieldError{Field: fmt.Sprintf("[%d].%s", fault.Row, fault.Field), Message: fault.Message}
	}
	return bad
}

func (f *Faults) add(row int, bad rating.Invalid) {
	for _, e := range bad {
		*f = append(*f, Fault{row, e})
	}
}

// err is f as an error: nil when nothing was found wrong.
func (f Faults) err() error {
	if len(f) == 0 {
		return nil
	}
	return f
}

// alone gives the faults of a batch of one without the row.
func alone(err error) error {
	f, ok := err.(Faults)
	if !ok {
		return err
	}
	bad := make(rating.Invalid, len(f))
	for i, fault := range f {
		bad[i] = fault.FieldError
	}
	return bad
}
