package license

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A License is permanent, and for the devices it lists: an installation is licensed while one of its live nodes is one
// of them.
type License struct {
	Number  string // made at random, to speak about it
	Issued  time.Time
	Holder  string // whom it was issued to; may be empty
	Devices []Device
}

// MaxDevices is how many devices one licence may list.
const MaxDevices = 16

const (
	licenseTitle = "Tollgate licence, version 1"
	maxHolder    = 200 // bytes
)

// Issue signs a licence for the devices of one to sixteen requests.
func Issue(key SigningKey, requests []Request, holder string, at time.Time) ([]byte, error) {
	if len(requests) == 0 || len(requests) > MaxDevices {
		return nil, fmt.Errorf("a licence lists 1 to %d devices, not %d", MaxDevices, len(requests))
	}
	if len(holder) > maxHolder || strings.ContainsFunc(holder, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0xfffd }) {
		return nil, fmt.Errorf("the holder is one line of at most %d bytes", maxHolder)
	}
	if at.Year() < 2000 || at.Year() > 9999 {
		return nil, errors.New("the clock of this computer is wrong")
	}
	d := document{title: licenseTitle}
	d.add("product", product)
	d.add("number", rand.Text()[:16])
	d.add("issued", at.UTC().Format(time.RFC3339))
	d.add("holder", holder)
	d.add("devices", strconv.Itoa(len(requests)))
	for i, r := range requests {
		d.add("device", strconv.Itoa(i+1))
		d.lines = append(d.lines, r.Device.lines()...)
	}
	d.add("key", key.Public().ID())
	signature := ed25519.Sign(key.private, d.text())
	d.add("signature", base64.StdEncoding.EncodeToString(signature))
	return d.text(), nil
}
