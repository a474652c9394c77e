package digest

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Algorithm is a hash function, as the parameter "algorithm" writes it (RFC 7616 §3.3).
type Algorithm string

// The algorithms that we know. Those that end in -sess are not among them: nothing that speaks SIP needs them.
const (
	SHA256 Algorithm = "SHA-256"
	MD5    Algorithm = "MD5"
)

// algorithms in the order of their strength.
var algorithms = [...]Algorithm{SHA256, MD5}

// algorithmOf reads the parameter. Without it the algorithm is MD5 (RFC 7616 §3.3).
func algorithmOf(param string, given bool) (Algorithm, bool) {
	if !given {
		return MD5, true
	}
	for _, a := range algorithms {
		if strings.EqualFold(param, string(a)) {
			return a, true
		}
	}
	return "", false
}

// Size is the number of hexadecimal digits of a hash.
func (a Algorithm) Size() int {
	if a == SHA256 {
		return 2 * sha256.Size
	}
	return 2 * md5.Size
}

// hash is H(parts joined by colons) in lower-case hexadecimal digits.
func (a Algorithm) hash(parts ...string) string {
	var room [512]byte
	text := room[:0]
	for i, part := range parts {
		if i > 0 {
			text = append(text, ':')
		}
		text = append(text, part...)
	}
	return a.sum(text)
}

func (a Algorithm) sum(text []byte) string {
	if a == SHA256 {
		h := sha256.Sum256(text)
		return hex.EncodeToString(h[:])
	}
	h := md5.Sum(text)
	return hex.EncodeToString(h[:])
}

// HA1 is H(username:realm:password) (RFC 7616 §3.4.2): all that a server has to know of a password.
func HA1(a Algorithm, username, realm, password string) string {
	return a.hash(username, realm, password)
}

// The qualities of protection: what else the answer vouches for.
const (
	Auth    = "auth"     // method and URI
	AuthInt = "auth-int" // and the body
)

// proof is what an answer is computed from, but for the secret.
type proof struct {
	nonce, nc, cnonce string
	qop               string // "": as RFC 2069 had it
	method, uri       string
	body              []byte // counts with AuthInt only
}

// response is the proof of the secret (RFC 7616 §3.4.1).
func (a Algorithm) response(ha1 string, p proof) string {
	ha2 := ""
	if p.qop == AuthInt {
		ha2 = a.hash(p.method, p.uri, a.sum(p.body))
	} else {
		ha2 = a.hash(p.method, p.uri)
	}
	if p.qop == "" {
		return a.hash(ha1, p.nonce, ha2)
	}
	return a.hash(ha1, p.nonce, p.nc, p.cnonce, p.qop, ha2)
}
