package license

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Device is described by several weak identifiers, such as its machine id and its network hardware addresses. Any one
// of them may change, by a new network card or a new installation; the device is the same while most of them are there.
type Device struct {
	Identifiers []Identifier // sorted by kind, at most one of a kind
	Hidden      []string     // kinds that this process is not allowed to read; they speak neither for nor against
	Container   string       // the container engine it runs in, as far as can be told; "" = none
}

// Identifier is one property of a device. Where there may be several of its kind, one that is still there is a match.
type Identifier struct {
	Kind    string
	Digests []string // of the values, sorted; never the values themselves
}

const (
	maxIdentifiers = 16 // of a device
	maxDigests     = 16 // of an identifier
	digestLength   = 32 // letters
	digestRounds   = 10_000
)

var base32Text = base32.StdEncoding.WithPadding(base32.NoPadding)

// identifier digests the values of one kind. A hardware address has few enough values to be guessed from a plain hash, so
// guessing is made slow (PBKDF2, RFC 8018). The product is the salt: it must be the same wherever the device is described.
func identifier(kind string, values []string) (Identifier, error) {
	id := Identifier{Kind: kind}
	for _, v := range values[:min(len(values), maxDigests)] {
		sum, err := pbkdf2.Key(sha256.New, v, []byte("tollgate "+kind), digestRounds, digestLength*5/8)
		if err != nil {
			return id, fmt.Errorf("digest of %s: %w", kind, err)
		}
		id.Digests = append(id.Digests, base32Text.EncodeToString(sum))
	}
	slices.Sort(id.Digests)
	id.Digests = slices.Compact(id.Digests)
	return id, nil
}

// Kinds names what the description of the device rests on.
func (d Device) Kinds() []string {
	var kinds []string
	for _, id := range d.Identifiers {
		kinds = append(kinds, id.Kind)
	}
	return kinds
}

// needed is how many of n identifiers must match: more than half of them.
func needed(n int) int { return n/2 + 1 }

// Matches reports whether d, the device that the program runs on, is the one that was described as other: more than half
// of the identifiers of the description are still there, those not counted that this process may not read.
func (d Device) Matches(other Device) bool {
	count, matching := 0, 0
	for _, id := range other.Identifiers {
		if slices.Contains(d.Hidden, id.Kind) {
			continue
		}
		count++
		if d.has(id) {
			matching++
		}
	}
	return count > 0 && matching >= needed(count)
}

func (d Device) has(id Identifier) bool {
	return slices.ContainsFunc(d.Identifiers, func(mine Identifier) bool {
		return mine.Kind == id.Kind && slices.ContainsFunc(mine.Digests, func(s string) bool { return slices.Contains(id.Digests, s) })
	})
}

// text is the identifiers as lines of a document.
func (d Device) lines() []line {
	var lines []line
	for _, id := range d.Identifiers {
		lines = append(lines, line{"identifier", id.Kind + " " + strings.Join(id.Digests, " ")})
	}
	return lines
}

var errBadIdentifier = errors.New("an identifier is a kind and its digests")

func parseIdentifier(s string) (Identifier, error) {
	words := strings.Split(s, " ")
	id := Identifier{Kind: words[0], Digests: words[1:]}
	if len(id.Kind) == 0 || len(id.Kind) > 32 || len(id.Digests) == 0 || len(id.Digests) > maxDigests || !slices.IsSorted(id.Digests) {
		return Identifier{}, errBadIdentifier
	}
	for _, digest := range id.Digests {
		if raw, err := base32Text.DecodeString(digest); err != nil || len(digest) != digestLength || base32Text.EncodeToString(raw) != digest {
			return Identifier{}, errBadIdentifier
		}
	}
	return id, nil
}

// readDevice takes the identifiers of one device.
func readDevice(r *reader) Device {
	var d Device
	for len(d.Identifiers) <= maxIdentifiers {
		value, ok := r.optional("identifier")
		if !ok {
			break
		}
		id, err := parseIdentifier(value)
		if err == nil && slices.ContainsFunc(d.Identifiers, func(other Identifier) bool { return other.Kind >= id.Kind }) {
			err = errors.New("the identifiers are not in order")
		}
		if err != nil && r.err == nil {
			r.err = fmt.Errorf("%w: %w", errNotDocument, err)
		}
		d.Identifiers = append(d.Identifiers, id)
	}
	if r.err == nil && (len(d.Identifiers) == 0 || len(d.Identifiers) > maxIdentifiers) {
		r.err = fmt.Errorf("%w: a device has 1 to %d identifiers", errNotDocument, maxIdentifiers)
	}
	return d
}
