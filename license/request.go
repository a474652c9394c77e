package license

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"
)

// A Request is the billing source file, billing.ac: it describes a device to its vendor, and holds nothing else.
type Request struct {
	Device Device
	Made   time.Time
}

const (
	requestTitle = "Tollgate billing source file, version 1"
	product      = "tollgate"
)

// ErrNotRequest: the file is no billing.ac, or was altered on its way.
var ErrNotRequest = errors.New("this is not a billing source file (billing.ac), or it was altered on its way: download it again and send it as an attachment, not as text")

// Text returns the file: readable text with a checksum.
func (r Request) Text() []byte {
	d := document{title: requestTitle}
	d.add("product", product)
	d.add("made", r.Made.UTC().Format(time.RFC3339))
	if r.Device.Container != "" {
		d.add("container", r.Device.Container)
	}
	d.add("rests-on", fmt.Sprintf("%d of %d: %s", needed(len(r.Device.Identifiers)), len(r.Device.Identifiers), strings.Join(r.Device.Kinds(), ", ")))
	d.lines = append(d.lines, r.Device.lines()...)
	d.add("check", checksum(d.text()))
	return d.text()
}

// ParseRequest reads a billing.ac. The error wraps ErrNotRequest.
func ParseRequest(text []byte) (Request, error) {
	d, err := parseDocument(requestTitle, text)
	if err != nil {
		return Request{}, fmt.Errorf("%w (%w)", ErrNotRequest, err)
	}
	check, proved, err := d.proof("check")
	if err != nil || check != checksum(proved) {
		return Request{}, fmt.Errorf("%w (its checksum is wrong)", ErrNotRequest)
	}
	var q Request
	r := reader{lines: d.lines}
	if r.next("product") != product && r.err == nil {
		return Request{}, fmt.Errorf("%w (it is for another product)", ErrNotRequest)
	}
	q.Made = parse(&r, "made", parseTime)
	q.Device.Container, _ = r.optional("container")
	r.next("rests-on")
	devices := readDevice(&r)
	q.Device.Identifiers = devices.Identifiers
	if err := r.end(); err != nil {
		return Request{}, fmt.Errorf("%w (%w)", ErrNotRequest, err)
	}
	return q, nil
}

// checksum finds what a mail program or an editor has done to a file; it proves nothing against who wants to deceive.
func checksum(text []byte) string {
	sum := sha256.Sum256(text)
	return base32Text.EncodeToString(sum[:15])
}

// parseTime reads a time of whole seconds in UTC, and only in the form in which it is written here.
func parseTime(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, s)
	if err == nil && (t.UTC().Format(time.RFC3339) != s || t.Year() < 2000 || t.Year() > 9999) {
		err = errors.New("a time is written as 2019-05-29T17:14:57Z")
	}
	return t.UTC(), err
}
