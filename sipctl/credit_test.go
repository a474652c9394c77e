package sipctl

import (
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tollgate/rating"
)

// bank is the ledger as the guard sees it: it sells units while there is money, and may be away.
type bank struct {
	mu     sync.Mutex
	tariff rating.Tariff
	money  rating.Money
	units  int64
	most   int64                     // units sold at once
	away   func(time.Duration) error // how it fails at a time, nil = it does not
	delay  time.Duration
	bought []time.Duration
}

func (b *bank) extend(have int64, now time.Duration) (rating.Grant, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.away != nil {
		if err := b.away(now); err != nil {
			return rating.Grant{}, err
		}
	}
	if b.units > have {
		return rating.Grant{Units: b.units, Available: b.money}, nil
	}
	n := min(b.most, int64(b.money/b.tariff.PerUnit))
	if n < 1 {
		return rating.Grant{Units: b.units, Available: b.money}, rating.ErrNoCredit
	}
	b.units += n
	b.money -= rating.Money(n) * b.tariff.PerUnit
	b.bought = append(b.bought, now)
	return rating.Grant{Units: b.units, Available: b.money}, nil
}

// live runs a guard against the clock as a call does, and returns when it cut, and why.
func live(g *credit, b *bank, talk time.Duration) (time.Duration, cause) {
	start := time.Now()
	type answer struct {
		grant rating.Grant
		err   error
		asked time.Duration
	}
	answers := make(chan answer, 100)
	for {
		step, when := g.next()
		var timer <-chan time.Time
		if step != creditNothing {
			timer = time.After(when - time.Since(start))
		}
		select {
		case <-time.After(talk - time.Since(start)):
			return 0, causeNone
		case a := <-answers:
			now := time.Since(start)
			if a.err == nil {
				g.granted(a.grant, now)
			} else if a.asked == g.asked {
				g.refused(a.err, a.grant, now)
			}
		case <-timer:
			now := time.Since(start)
			if step == creditCut {
				return now, g.why()
			}
			g.ask(step, now)
			have, asked := g.units, g.asked
			go func() {
				time.Sleep(b.delay)
				grant, err := b.extend(have, time.Since(start))
				if errors.Is(err, errHang) {
					return
				}
				answers <- answer{grant, err, asked}
			}()
		}
	}
}

var (
	errAway = errors.New("connection refused")
	errHang = errors.New("no reply at all")
)

var minute = rating.Tariff{PerUnit: 60_000, BillingUnit: 60}

func TestTheCutIsExact(t *testing.T) {
	const s = time.Second
	always := func(err error) func(time.Duration) error { return func(time.Duration) error { return err } }
	from := func(at time.Duration, err error) func(time.Duration) error {
		return func(now time.Duration) error {
			if now >= at {
				return err
			}
			return nil
		}
	}
	for _, c := range []struct {
		name  string
		bank  *bank
		start int64 // units held at the answer
		limit int64
		want  time.Duration // the cut; 0 = none within an hour
		why   cause
	}{
		{"money for what is held only", &bank{tariff: minute, most: 1}, 1, 0, 60 * s, causeCredit},
		{"money for two more", &bank{tariff: minute, most: 1, money: 120_000}, 1, 0, 180 * s, causeCredit},
		{"bought ten at a time", &bank{tariff: minute, most: 10, money: 600_000}, 1, 0, 660 * s, causeCredit},
		{"a little less than a unit left", &bank{tariff: minute, most: 1, money: 59_999}, 1, 0, 60 * s, causeCredit},
		{"a limit before the money ends", &bank{tariff: minute, most: 1}, 1, 30, 30 * s, causeLimit},
		{"a limit where it ends", &bank{tariff: minute, most: 1}, 1, 60, 60 * s, causeLimit},
		{"a limit after many units", &bank{tariff: minute, most: 1, money: 6_000_000}, 1, 90, 90 * s, causeLimit},
		{"daily spend", &bank{tariff: minute, most: 1, away: always(rating.ErrLimit)}, 1, 0, 60 * s, causeLimit},
		{"a store that is away", &bank{tariff: minute, most: 1, money: 600_000, away: always(errAway)}, 1, 0, 60 * s, causeStoreLost},
		{"a store that never replies", &bank{tariff: minute, most: 1, money: 600_000, away: always(errHang)}, 1, 0, 60*s + replyWait, causeStoreLost},
		{"a store that goes away in mid-call", &bank{tariff: minute, most: 1, money: 600_000, away: from(100*s, errAway)}, 1, 0, 120 * s, causeStoreLost},
		{"a slow store", &bank{tariff: minute, most: 1, money: 60_000, delay: 100 * time.Millisecond}, 1, 0, 120*s + 100*time.Millisecond, causeCredit},
		{"a flat fee", &bank{tariff: rating.Tariff{InitialCost: 1}, most: 1}, 0, 0, 0, causeNone},
		{"a flat fee with a limit", &bank{tariff: rating.Tariff{InitialCost: 1}, most: 1}, 0, 77, 77 * s, causeLimit},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := c.bank
				b.units = c.start
				g := credit{tariff: b.tariff, billed: true, limit: c.limit}
				g.granted(rating.Grant{Units: c.start, Available: b.money}, 0)
				if got, why := live(&g, b, time.Hour); got != c.want || why != c.why {
					t.Errorf("cut at %v by %s, want %v by %s", got, why, c.want, c.why)
				}
			})
		})
	}
}

func TestARechargeAtTheLastMomentCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bank{tariff: minute, most: 1, units: 1}
		g := credit{tariff: minute, billed: true}
		g.granted(rating.Grant{Units: 1}, 0)
		time.AfterFunc(60*time.Second-10*time.Millisecond, func() {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.money = 60_000
		})
		if got, why := live(&g, b, time.Hour); got != 120*time.Second || why != causeCredit {
			t.Errorf("cut at %v by %s", got, why)
		}
	})
}

func TestTheRichAskEarlyAndThePoorLate(t *testing.T) {
	for _, c := range []struct {
		name  string
		known rating.Money // that the account has, as far as the call knows
		want  time.Duration
	}{{"rich", 120_000, 40 * time.Second}, {"poor", 59_999, 60*time.Second - poorLead}} {
		synctest.Test(t, func(t *testing.T) {
			b := &bank{tariff: minute, most: 1, units: 1, money: 120_000}
			g := credit{tariff: minute, billed: true}
			g.granted(rating.Grant{Units: 1, Available: c.known}, 0)
			_, _ = live(&g, b, 90*time.Second)
			if len(b.bought) != 1 || b.bought[0] != c.want || poorLead <= 0 {
				t.Errorf("%s: bought at %v, want %v", c.name, b.bought, c.want)
			}
		})
	}
}

func TestARichCallOutlastsAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bank{tariff: minute, most: 1, units: 1, money: 6_000_000}
		b.away = func(now time.Duration) error {
			if now > 30*time.Second && now < 59*time.Second {
				return errAway
			}
			return nil
		}
		g := credit{tariff: minute, billed: true}
		g.granted(rating.Grant{Units: 1, Available: b.money}, 0)
		if got, _ := live(&g, b, 5*time.Minute); got != 0 {
			t.Errorf("cut at %v", got)
		}
	})
}

// However the money, the tariff and the store are: never a cut before what is paid has been talked, and never one later
// than a quarter of a second after.
func TestNeverEarlyNeverLate(t *testing.T) {
	for range 300 {
		synctest.Test(t, func(t *testing.T) {
			tariff := rating.Tariff{InitialCost: rating.Money(rand.IntN(3)), InitialTime: int64(rand.IntN(90)), PerUnit: 1 + rating.Money(rand.IntN(5)), BillingUnit: 1 + int64(rand.IntN(70))}
			b := &bank{tariff: tariff, units: tariff.FirstUnits(), money: rating.Money(rand.IntN(200)), most: 1 + int64(rand.IntN(9)), delay: time.Duration(rand.IntN(140)) * time.Millisecond}
			flaky := rand.IntN(3) == 0
			b.away = func(time.Duration) error {
				if flaky && rand.IntN(4) == 0 {
					return errAway
				}
				return nil
			}
			g := credit{tariff: tariff, billed: true}
			g.units = -1
			g.granted(rating.Grant{Units: b.units, Available: b.money}, 0)
			got, why := live(&g, b, 24*time.Hour)
			end, _ := g.boundary()
			if late := got - end; late < 0 || late > 250*time.Millisecond {
				t.Fatalf("%+v: cut at %v by %s, but paid to %v", tariff, got, why, end)
			}
			if why == causeCredit && b.money >= tariff.PerUnit {
				t.Fatalf("%+v: cut for want of money, but %s is left", tariff, b.money)
			}
		})
	}
}
