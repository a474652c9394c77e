package sipctl

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/rating"
	"tollgate/sipctl/digest"
	"tollgate/sipctl/grammar"
)

// asked is an authenticator with a snapshot in which 101 has a password and 102 has none, and requests for it.
func asked(t testing.TB) (a *authenticator, s *rating.Snapshot, with func(user, password string) *sip.Request) {
	t.Helper()
	a, err := newAuthenticator("tollgate", nil, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	extensions := make([]rating.Extension, 0, 2000)
	for i := range cap(extensions) {
		e := rating.NewExtension(string([]byte{'1', byte('0' + i/1000), byte('0' + i/100%10), byte('0' + i/10%10), byte('0' + i%10)}))
		e.Digest = rating.Digest{SHA256: digest.HA1(digest.SHA256, e.Number, "tollgate", "secret"), MD5: digest.HA1(digest.MD5, e.Number, "tollgate", "secret")}
		extensions = append(extensions, e)
	}
	extensions[1].Digest = rating.Digest{}
	s = rating.NewSnapshot(rating.Documents{Settings: rating.DefaultSettings(), Extensions: extensions})
	parser := grammar.NewParser()
	return a, s, func(user, password string) *sip.Request {
		c := digest.Challenge{Realm: "tollgate", Nonce: a.nonces.New(time.Now(), place(here).String()), Algorithm: digest.SHA256, QOP: []string{digest.Auth}}
		value, err := c.Answer(digest.Credentials{Username: user, Password: password}, "INVITE", "sip:91@gw", 1, "0a4f113b", nil)
		if err != nil {
			t.Fatal(err)
		}
		m, err := parser.ParseSIP([]byte("INVITE sip:91@gw SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:1@h>;tag=1\r\nTo: <sip:91@gw>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n" +
			"Authorization: " + value + "\r\nContent-Length: 0\r\n\r\n"))
		if err != nil {
			t.Fatal(err)
		}
		return m.(*sip.Request)
	}
}

// Nobody learns from the time that a refusal takes which extensions there are. Samples of both kinds are taken in turn, so
// that whatever else the machine does strikes both; what is compared is how often one is slower than the other (the
// Mann-Whitney statistic), which a few slow samples cannot move. 0.5 is no difference; without the hash for a name that
// nobody has it is above 0.9.
func TestRefusalsTakeTheSameTime(t *testing.T) {
	a, s, with := asked(t)
	wrong := with("10000", "wrong!")
	source := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}) }
	next := 0
	sample := func(req *sip.Request) time.Duration {
		next++
		at := source(next) // each at a source of its own, or the throttle would answer
		began := time.Now()
		_, v, refused := a.check(req, at, s, began)
		took := time.Since(began)
		if v != unproven || !refused {
			t.Fatalf("judged %v, refused %v", v, refused)
		}
		return took
	}
	for name, other := range map[string]*sip.Request{"an unknown name": with("55555", "wrong!"), "a name without a password": with("10001", "wrong!")} {
		distance := 1.0
		for round := 0; round < 5 && distance > 0.1; round++ { // a machine under load may need another round
			distance = slower(sample, wrong, other) - 0.5
			if distance < 0 {
				distance = -distance
			}
		}
		if distance > 0.1 {
			t.Errorf("%s takes another time than a wrong password: the odds are off by %.3f", name, distance)
		}
	}
	early := func(req *sip.Request) time.Duration { // what the test must be able to see: one without the hash
		if req == wrong {
			return sample(req)
		}
		began := time.Now()
		_, _, _ = a.answerIn(req)
		a.throttle.closed(here, "55555", began)
		return time.Since(began)
	}
	if odds := slower(early, wrong, with("55555", "wrong!")); odds < 0.7 {
		t.Errorf("a refusal without a hash is not told from one with it: odds %.3f", odds)
	}
}

// slower is how often a sample of x took longer than one of y; equals count half.
func slower(sample func(*sip.Request) time.Duration, x, y *sip.Request) float64 {
	const n = 3000
	xs, ys := make([]time.Duration, n), make([]time.Duration, n)
	for i := range n {
		if i%2 == 0 {
			xs[i] = sample(x)
			ys[i] = sample(y)
		} else {
			ys[i] = sample(y)
			xs[i] = sample(x)
		}
	}
	slices.Sort(ys)
	above := 0.0
	for _, d := range xs {
		low, _ := slices.BinarySearch(ys, d)
		high, _ := slices.BinarySearch(ys, d+1)
		above += (float64(low) + float64(high)) / 2
	}
	return above / n / n
}

func BenchmarkDigestCheck(b *testing.B) {
	a, s, with := asked(b)
	wrong := with("10000", "wrong!")
	b.ReportAllocs()
	for b.Loop() {
		a.check(wrong, here, s, time.Now())
	}
}

func BenchmarkDigestChallenge(b *testing.B) {
	a, _, _ := asked(b)
	b.ReportAllocs()
	for b.Loop() {
		a.challenges(here, false, time.Now())
	}
}
