package license

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"slices"
	"strconv"
	"time"
)

// A record is what is remembered of trial and licence. It is kept in the store, in data_dir and in license.state_dir; any
// one that survives restores the others.
type record struct {
	Started  time.Time // oldest start of the trial; zero = never
	Highest  time.Time // highest time ever seen
	Places   []string  // names of the places that have had a record, sorted: one of them that is empty was wiped
	Attempts Attempts
	License  []byte // the text of the licence
}

// Attempts counts what was done to make the trial longer.
type Attempts struct {
	Wiped   int64 // a place was emptied
	Altered int64 // a record was altered
	Clock   int64 // the clock was set back
}

// Total is all of them.
func (a Attempts) Total() int64 { return a.Wiped + a.Altered + a.Clock }

const (
	recordTitle = "Tollgate licence record, version 1"
	maxPlaces   = 200
)

var errAlteredRecord = errors.New("the record was altered")

// text writes the record, with a check that is not made by hand.
func (r record) text() []byte {
	d := document{title: recordTitle}
	if !r.Started.IsZero() {
		d.add("started", r.Started.UTC().Format(time.RFC3339))
	}
	d.add("highest", r.Highest.UTC().Format(time.RFC3339))
	d.add("wiped", strconv.FormatInt(r.Attempts.Wiped, 10))
	d.add("altered", strconv.FormatInt(r.Attempts.Altered, 10))
	d.add("clock", strconv.FormatInt(r.Attempts.Clock, 10))
	for _, p := range r.Places {
		d.add("place", p)
	}
	if len(r.License) > 0 {
		d.add("license", base64.StdEncoding.EncodeToString(r.License))
	}
	d.add("check", recordCheck(d.text()))
	return d.text()
}

// recordCheck keeps honest people honest: the key is in the program, so who wants to can make a record. Three places that
// must agree are the rest.
func recordCheck(text []byte) string {
	mac := hmac.New(sha256.New, []byte("tollgate licence record"))
	mac.Write(text)
	return base32Text.EncodeToString(mac.Sum(nil)[:15])
}

// parseRecord reads a record. The error is errAlteredRecord, however it was altered.
func parseRecord(text []byte) (record, error) {
	d, err := parseDocument(recordTitle, text)
	if err != nil {
		return record{}, errAlteredRecord
	}
	check, proved, err := d.proof("check")
	if err != nil || !hmac.Equal([]byte(check), []byte(recordCheck(proved))) {
		return record{}, errAlteredRecord
	}
	var out record
	r := reader{lines: d.lines}
	if len(r.lines) > 0 && r.lines[0].name == "started" {
		out.Started = parse(&r, "started", parseTime)
	}
	out.Highest = parse(&r, "highest", parseTime)
	number := func(s string) (int64, error) { return strconv.ParseInt(s, 10, 64) }
	out.Attempts = Attempts{parse(&r, "wiped", number), parse(&r, "altered", number), parse(&r, "clock", number)}
	for len(out.Places) < maxPlaces {
		place, ok := r.optional("place")
		if !ok {
			break
		}
		out.Places = append(out.Places, place)
	}
	if len(r.lines) > 0 {
		out.License = parse(&r, "license", base64.StdEncoding.Strict().DecodeString)
	}
	if r.end() != nil {
		return record{}, errAlteredRecord
	}
	return out, nil
}

// merge joins what two places remember: the oldest start, the highest time, every place and attempt that one of them knows
// of. Of two licences prefer decides.
func merge(a, b record, prefer func(a, b []byte) []byte) record {
	out := record{Started: a.Started, Highest: a.Highest, License: a.License}
	if out.Started.IsZero() || !b.Started.IsZero() && b.Started.Before(out.Started) {
		out.Started = b.Started
	}
	if b.Highest.After(out.Highest) {
		out.Highest = b.Highest
	}
	if len(a.License) == 0 {
		out.License = b.License
	} else if len(b.License) > 0 && !bytes.Equal(a.License, b.License) {
		out.License = prefer(a.License, b.License)
	}
	out.Places = slices.Concat(a.Places, b.Places)
	slices.Sort(out.Places)
	out.Places = slices.Compact(out.Places)
	out.Places = out.Places[:min(len(out.Places), maxPlaces)]
	out.Attempts = Attempts{max(a.Attempts.Wiped, b.Attempts.Wiped), max(a.Attempts.Altered, b.Attempts.Altered), max(a.Attempts.Clock, b.Attempts.Clock)}
	return out
}
