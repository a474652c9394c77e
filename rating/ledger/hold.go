package ledger

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"tollgate/rating"
)

// States of a call's hash.
const (
	stateRinging = "0"
	stateTalking = "1"
)

// callFields are the fields of a call's hash, in the order in which decodeHold reads them: state, extension, node,
// tariff, units, hold, unbilled, started µs, answered µs, length of the newest lease ms.
var callFields = []string{"s", "e", "w", "t", "k", "h", "x", "z", "a", "v"}

// decodeHold reads a running call. Whatever the store holds, it returns a hold or an error that names the field.
func decodeHold(id rating.CallID, fields []any, blob string, lease float64) (rating.Hold, error) {
	f := fieldReader{fields: fields, names: callFields}
	state := f.text(0)
	h := rating.Hold{Call: id, Extension: f.text(1), Node: f.text(2), Units: f.number(4), Amount: rating.Money(f.number(5)),
		Unbilled: rating.Unbilled(f.text(6)), Started: unix(f.number(7)), Lease: time.UnixMilli(int64(lease)).UTC()}
	tariff, err := decodeTariff(f.text(3))
	if f.err == nil && err != nil {
		f.err = err
	}
	h.Tariff = tariff
	if state == stateTalking {
		h.Answered = unix(f.number(8))
		if lease != 0 {
			h.Seen = h.Lease.Add(-time.Duration(f.number(9)) * time.Millisecond)
		}
	} else if state != stateRinging && f.err == nil {
		f.err = fmt.Errorf("state %q is none", shorten(state))
	}
	if f.err != nil {
		return h, f.err
	}
	if !rating.ValidExtension(h.Extension) {
		return h, fmt.Errorf("%q is no extension number", shorten(h.Extension))
	}
	h.Draft, h.Dialog, err = decodeBlob(blob)
	return h, err
}

// fieldReader reads the values of HMGET and keeps the first fault.
type fieldReader struct {
	fields []any
	names  []string
	err    error
}

func (f *fieldReader) text(i int) string {
	if i < len(f.fields) {
		if s, ok := f.fields[i].(string); ok {
			return s
		}
	}
	if f.err == nil {
		f.err = fmt.Errorf("field %q is missing", f.names[i])
	}
	return ""
}

func (f *fieldReader) number(i int) int64 {
	s := f.text(i)
	n, err := strconv.ParseInt(s, 10, 64)
	if f.err == nil && err != nil {
		f.err = fmt.Errorf("field %q: %q is no number", f.names[i], shorten(s))
	}
	return n
}

// money reads an amount within the range that the scripts keep.
func (f *fieldReader) money(i int) rating.Money {
	m := rating.Money(f.number(i))
	if f.err == nil && !m.InRange() {
		f.err = fmt.Errorf("field %q: %w", f.names[i], rating.ErrRange)
	}
	return m
}

// decodeTariff reads "initial cost:initial time:billing unit:price of a unit".
func decodeTariff(s string) (rating.Tariff, error) {
	n, err := parseNumbers(s, 4)
	if err != nil {
		return rating.Tariff{}, fmt.Errorf("tariff: %w", err)
	}
	return rating.Tariff{InitialCost: rating.Money(n[0]), InitialTime: n[1], BillingUnit: n[2], PerUnit: rating.Money(n[3])}, nil
}

// decodeBlob reads what encodeBlob wrote.
func decodeBlob(blob string) (draft rating.CDR, dialog []byte, err error) {
	length, rest, ok := strings.Cut(blob, ":")
	n, err := strconv.Atoi(length)
	if !ok || err != nil || n < 0 || n > len(rest) {
		return draft, nil, fmt.Errorf("draft of the CDR: %q does not begin with a length", shorten(blob))
	}
	if err := json.Unmarshal([]byte(rest[:n]), &draft); err != nil {
		return draft, nil, fmt.Errorf("draft of the CDR: %w", err)
	}
	if rest = rest[n:]; rest != "" {
		dialog = []byte(rest)
	}
	return draft, dialog, nil
}

// parseNumbers reads exactly n integers separated by colons.
func parseNumbers(s string, n int) ([]int64, error) {
	parts := strings.SplitN(s, ":", n+1)
	if len(parts) != n {
		return nil, fmt.Errorf("%q is not %d numbers", shorten(s), n)
	}
	out := make([]int64, n)
	for i, p := range parts {
		v, err := strconv.ParseInt(p, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%q is no number", shorten(p))
		}
		out[i] = v
	}
	return out, nil
}
