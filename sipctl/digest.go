package sipctl

import (
	"cmp"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
	xrate "golang.org/x/time/rate"

	"tollgate/rating"
	"tollgate/sipctl/digest"
	"tollgate/sipctl/grammar"
)

const (
	nonceLife  = 5 * time.Minute
	maxNonces  = 65536 // in use at a time; past it those of the phones that were here first are outdated early
	logBurst   = 10    // lines about refused passwords at once, then one a second
	maxLogName = 64
)

// authenticator decides who a stranger is: the extension whose SIP password he has (RFC 7616, RFC 8760). All that a stranger
// can tell from outside is right or not right: a name that nobody has, one without a password, a wrong password, and a right
// one at a source that has guessed too often are answered with the same bytes, after the same work.
type authenticator struct {
	realm      string
	algorithms []digest.Algorithm // as offered, in this order
	nonces     *digest.Nonces
	throttle   *throttle
	nobody     rating.Digest // the hashes that names without a password are compared with: of nothing that anybody knows
	tagKey     []byte
	lines      *xrate.Limiter // of the log
}

// judgement is what came of a request's credentials.
type judgement uint8

const (
	unproven judgement = iota // none for us, none right, or none that count now
	outdated                  // right, but the nonce is too old, of another place or process, or used: no fault of the user's
	proven
)

func newAuthenticator(realm string, offered []string, begin time.Time) (*authenticator, error) {
	a := &authenticator{realm: cmp.Or(realm, "tollgate"), throttle: newThrottle(begin), lines: xrate.NewLimiter(1, logBurst),
		nobody: rating.Digest{SHA256: digest.HA1(digest.SHA256, rand.Text(), realm, rand.Text()), MD5: digest.HA1(digest.MD5, rand.Text(), realm, rand.Text())}}
	if strings.ContainsAny(a.realm, `"\`) || grammar.HasControl(a.realm) {
		return nil, fmt.Errorf("realm %q: it must have no quote, backslash or control character", realm)
	}
	if len(offered) == 0 {
		offered = []string{"sha-256", "md5"}
	}
	for _, name := range offered {
		algorithm := digest.Algorithm(strings.ToUpper(name))
		if algorithm != digest.SHA256 && algorithm != digest.MD5 {
			return nil, fmt.Errorf("digest %q: write sha-256 or md5", name)
		}
		a.algorithms = append(a.algorithms, algorithm)
	}
	keys := make([]byte, 64)
	_, _ = rand.Read(keys) // never fails
	a.nonces, a.tagKey = digest.NewNonces(keys[:32], begin, nonceLife, maxNonces), keys[32:]
	return a, nil
}

// place is what a nonce is bound to and wrong passwords are counted by: the address, and of IPv6 the /64, all of which is
// one subscriber's.
func place(source netip.Addr) netip.Addr {
	source = source.Unmap().WithZone("")
	if source.Is6() {
		if network, err := source.Prefix(64); err == nil {
			return network.Addr()
		}
	}
	return source
}

// check judges the credentials of a request. Without any, or with none for our realm, nothing is counted; wrong ones count
// against the name at its source. The extension is only told when it is proven.
func (a *authenticator) check(req *sip.Request, source netip.Addr, s *rating.Snapshot, now time.Time) (extension string, v judgement, wrong bool) {
	answer, given, err := a.answerIn(req)
	if !given {
		return "", unproven, false
	}
	at := place(source)
	right := a.proves(answer, req, s) && err == nil
	closed := a.throttle.closed(at, answer.Username, now)
	switch {
	case closed:
		return "", unproven, true
	case !right:
		a.throttle.wrong(at, answer.Username, now)
		return "", unproven, true
	}
	if !a.nonces.Use(now, answer.Nonce, at.String(), answer.Count) {
		return "", outdated, false
	}
	a.throttle.right(at, answer.Username, now)
	return answer.Username, proven, false
}

// answerIn finds the one Authorization header for our realm. Others may be there for other realms (RFC 3261 §22.3); two for
// ours, or one that cannot be read, prove nothing.
func (a *authenticator) answerIn(req *sip.Request) (answer digest.Answer, given bool, err error) {
	for _, h := range req.Headers() {
		if !strings.EqualFold(h.Name(), "Authorization") {
			continue
		}
		one, e := digest.ParseAnswer(h.Value())
		switch {
		case errors.Is(e, digest.ErrScheme) || e == nil && one.Realm != a.realm: // for somebody else
		case e != nil:
			given, err = true, e
		case given:
			err = errors.New("two answers for one realm")
		default:
			answer, given = one, true
		}
	}
	return answer, given, err
}

// proves reports whether the answer shows the password of the name that it claims. It does the same work whoever is claimed.
func (a *authenticator) proves(answer digest.Answer, req *sip.Request, s *rating.Snapshot) bool {
	ha1, known := a.secret(answer, s)
	right := answer.Verify(ha1, string(req.Method), req.Body())
	return right && known && answer.QOP == digest.Auth && sameTarget(answer.URI, &req.Recipient)
}

// secret returns the hash that the answer is to be checked with; where the name has none, one that nobody can match.
func (a *authenticator) secret(answer digest.Answer, s *rating.Snapshot) (ha1 string, known bool) {
	secrets := a.nobody
	e, found := s.Extension(answer.Username)
	if found && e.Digest.Set() {
		secrets, known = e.Digest, true
	}
	offered := false
	for _, algorithm := range a.algorithms {
		offered = offered || algorithm == answer.Algorithm
	}
	ha1 = secrets.MD5
	if answer.Algorithm == digest.SHA256 {
		ha1 = secrets.SHA256
	}
	if ha1 == "" { // never compare with a hash that everybody knows
		return a.nobody.MD5, false
	}
	return ha1, known && offered
}

// sameTarget reports whether an answer is for this Request-URI (RFC 7616 §3.4.6). Only URI parameters may differ, which some
// phones leave out or write twice: what is rated and dialled is the user part, and who was asked is the host. The texts are
// compared, not what a parser makes of them.
func sameTarget(uri string, target *sip.Uri) bool {
	own := target.String()
	if uri == own {
		return true
	}
	user, host := withoutParameters(uri)
	ownUser, ownHost := withoutParameters(own)
	return user == ownUser && strings.EqualFold(host, ownHost) && !strings.ContainsAny(uri+own, "?")
}

// withoutParameters splits a URI behind its last @, and cuts the parameters off the host.
func withoutParameters(uri string) (user, host string) {
	at := strings.LastIndexByte(uri, '@') + 1
	host, _, _ = strings.Cut(uri[at:], ";")
	return uri[:at], host
}

// challenges are the header lines that ask for a password: one for each algorithm, in the order of our preference
// (RFC 8760 §2.4). They are the same for everybody, but for the nonce.
func (a *authenticator) challenges(source netip.Addr, stale bool, now time.Time) []byte {
	nonce := a.nonces.New(now, place(source).String())
	var h text
	for _, algorithm := range a.algorithms {
		h.header("WWW-Authenticate", digest.Challenge{Realm: a.realm, Nonce: nonce, Stale: stale, Algorithm: algorithm, QOP: []string{digest.Auth}}.String())
	}
	return h
}

// tag is the To tag of an answer without a transaction: the same for every copy of the request (RFC 3261 §8.2.7).
func (a *authenticator) tag(req *sip.Request) string {
	mac := hmac.New(sha256.New, a.tagKey)
	from, _ := req.From().Params.Get("tag")
	branch, _ := req.Via().Params.Get("branch")
	for _, part := range []string{req.CallID().Value(), from, branch, req.CSeq().Value()} {
		mac.Write([]byte(part))
		mac.Write([]byte{0})
	}
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:12])
}
