package license

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Why a licence is refused, in words for who has uploaded it.
var (
	ErrNotLicense   = errors.New("this file is not a Tollgate licence; a licence begins with \"" + licenseTitle + "\"")
	ErrRequestFile  = errors.New("this is the billing source file itself: send it to your vendor, and upload the licence that you get for it")
	ErrWrongProduct = errors.New("this licence is for another product")
	ErrOtherKey     = errors.New("this licence was signed by another vendor's key than the one this program was built with")
	ErrAltered      = errors.New("this licence was altered after it was signed: get the file again, and send it as an attachment, not as text")
	ErrOtherDevice  = errors.New("this licence is for another device: download the billing source file here, and have the licence issued for it")
)

// Verify checks that a licence was made with the secret half of the key, and has not been altered since by as much as a
// byte. Whether this device is listed is Lists.
func Verify(key PublicKey, text []byte) (License, error) {
	d, err := parseDocument(licenseTitle, text)
	switch {
	case err != nil && strings.HasPrefix(string(text), requestTitle):
		return License{}, ErrRequestFile
	case err != nil:
		return License{}, fmt.Errorf("%w (%w)", ErrNotLicense, err)
	}
	if i := slices.IndexFunc(d.lines, func(l line) bool { return l.name == "product" }); i >= 0 && d.lines[i].value != product {
		return License{}, ErrWrongProduct
	}
	signature, signed, err := d.proof("signature")
	if err != nil {
		return License{}, fmt.Errorf("%w (its signature is missing)", ErrAltered)
	}
	if n := len(d.lines); n > 0 && d.lines[n-1].name == "key" && d.lines[n-1].value != key.ID() {
		return License{}, fmt.Errorf("%w (%s, not %s)", ErrOtherKey, d.lines[n-1].value, key.ID())
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(signature)
	if err != nil || base64.StdEncoding.EncodeToString(raw) != signature || !ed25519.Verify(key.public, signed, raw) {
		return License{}, ErrAltered
	}
	l, err := readLicense(d.lines)
	if err != nil {
		return License{}, fmt.Errorf("%w (%w)", ErrNotLicense, err)
	}
	return l, nil
}

func readLicense(lines []line) (License, error) {
	var l License
	r := reader{lines: lines}
	r.next("product")
	l.Number = r.next("number")
	l.Issued = parse(&r, "issued", parseTime)
	l.Holder = r.next("holder")
	count := parse(&r, "devices", strconv.Atoi)
	if r.err == nil && (count < 1 || count > MaxDevices) {
		return l, fmt.Errorf("%w: it lists %d devices", errNotDocument, count)
	}
	for i := 1; i <= count && r.err == nil; i++ {
		r.next("device")
		l.Devices = append(l.Devices, readDevice(&r))
	}
	r.next("key")
	return l, r.end()
}

// Lists reports whether the licence is for the device.
func (l License) Lists(d Device) bool { return slices.ContainsFunc(l.Devices, d.Matches) }
