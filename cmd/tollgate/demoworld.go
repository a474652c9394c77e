package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"tollgate/rating"
	"tollgate/sipctl/siptest"
)

// world is the demo: a controller, two carriers, a phone per person.
type world struct {
	app      *app
	password string
	carriers [2]*siptest.Carrier
	phones   map[string]*siptest.Phone
}

const demoPassword = "demo-demo"

// openWorld starts everything on free ports of 127.0.0.1, with the private store in dir.
func openWorld(ctx context.Context, dir string, log *slog.Logger) (_ *world, err error) {
	w := &world{password: demoPassword, phones: map[string]*siptest.Phone{}}
	defer func() {
		if err != nil {
			w.close()
			if w.app != nil {
				w.app.close()
			}
		}
	}()
	for i := range w.carriers {
		w.carriers[i], err = siptest.NewCarrier(siptest.CarrierConfig{Config: siptest.Config{Name: fmt.Sprintf("FXO-%d", i+1), Linger: 5 * time.Second}, Default: siptest.Answer(300 * time.Millisecond)})
		if err != nil {
			return nil, err
		}
	}
	behave(w.carriers[0], w.carriers[1])
	if w.app, err = newDemoApp(ctx, dir, w.password, log); err != nil {
		return nil, err
	}
	for _, p := range cast {
		w.phones[p.number], err = siptest.NewPhone(siptest.PhoneConfig{Config: siptest.Config{Name: p.name, Linger: 5 * time.Second}, Server: w.app.sip.Addrs()[0], User: p.number, Display: p.name})
		if err != nil {
			return nil, err
		}
	}
	return w, w.furnish(ctx)
}

// newDemoApp opens the controller; where another program is faster to take a port, on other ones.
func newDemoApp(ctx context.Context, dir, password string, log *slog.Logger) (a *app, err error) {
	for _, config := range []Config{demoConfig(dir, usualSIP, usualAPI), demoConfig(dir, freeAddress(), "127.0.0.1:0"), demoConfig(dir, freeAddress(), "127.0.0.1:0")} {
		if a, err = newApp(ctx, config, password, func(string) {}, log); !errors.Is(err, syscall.EADDRINUSE) {
			return a, err
		}
	}
	return a, err
}

// The ports that the demo takes where they are free.
const (
	usualSIP = "127.0.0.1:5060"
	usualAPI = "127.0.0.1:8080"
)

// demoConfig listens on two addresses of loopback, or on others where these are taken.
func demoConfig(dir, sip, api string) Config {
	c := defaultConfig()
	c.Node, c.DataDir, c.License.StateDir = "demo", dir, dir
	if listenOnce("udp", sip) != nil || listenOnce("tcp", sip) != nil {
		sip = freeAddress()
	}
	if c.Admin.Listen = api; listenOnce("tcp", api) != nil {
		c.Admin.Listen = "127.0.0.1:0"
	}
	c.SIP.Listen = []string{"udp://" + sip, "tcp://" + sip}
	c.SIP.Trusted = []Trusted{{Net: "127.0.0.0/8", Identity: "from"}}
	c.Store.Ephemeral, c.Store.transient = !redisInstalled(), true
	return c
}

func redisInstalled() bool {
	for _, name := range []string{"redis-server", "valkey-server"} {
		if _, err := exec.LookPath(name); err == nil {
			return true
		}
	}
	return false
}

// freeAddress is a port of 127.0.0.1 that is free for TCP and UDP.
func freeAddress() string {
	for range 20 {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			break
		}
		address := listener.Addr().String()
		listener.Close()
		if listenOnce("udp", address) == nil {
			return address
		}
	}
	return "127.0.0.1:0"
}

// furnish enters what an operator would: trunks, dial rules, rates, extensions and their money.
func (w *world) furnish(ctx context.Context) error {
	for i, carrier := range w.carriers {
		t := rating.NewTrunk()
		t.Name, t.URI = fmt.Sprintf("FXO-%d", i+1), fmt.Sprintf("sip:%s;transport=udp", carrier.Addr())
		if _, err := w.app.catalog.AddTrunk(ctx, t); err != nil {
			return err
		}
	}
	rule := rating.NewDialRule()
	rule.Position, rule.Prefix, rule.Strip, rule.Trunks = 1, "9", 1, []string{"FXO-1", "FXO-2"}
	if _, err := w.app.catalog.AddDialRule(ctx, rule); err != nil {
		return err
	}
	for _, rate := range demoRates() {
		if _, err := w.app.catalog.AddRate(ctx, rate); err != nil {
			return err
		}
	}
	for _, p := range cast {
		e := rating.NewExtension(p.number)
		e.Username, e.BillingEnabled = p.name, true
		if _, err := w.app.catalog.AddExtension(ctx, e, "demo"); err != nil {
			return err
		}
		if err := w.pay(ctx, p, p.money); err != nil {
			return err
		}
	}
	trial, err := w.app.license.Activate(ctx)
	if err != nil {
		return err
	}
	_, err = w.app.catalog.EditBilling(ctx, func(b rating.Billing) (rating.Billing, error) {
		b.Active, b.FirstActivatedAt = true, &trial.Started
		return b, nil
	})
	return err
}

// pay recharges an account; nothing where there is nothing to pay.
func (w *world) pay(ctx context.Context, p person, amount rating.Money) error {
	if amount == 0 {
		return nil
	}
	_, err := w.app.ledger.Recharge(ctx, rating.Recharge{Key: fmt.Sprintf("demo-%s-%d", p.number, time.Now().UnixNano()),
		Payees: []rating.Payee{{Extension: p.number, Username: p.name}}, Amount: amount, By: "demo", At: time.Now().UTC()})
	return err
}

// introduce says what is where.
func (w *world) introduce(out io.Writer) {
	fmt.Fprintf(out, "Tollgate demo: phones → 127.0.0.1 → carriers, real SIP over UDP, on this machine only.\n")
	fmt.Fprintf(out, "  controller  sip:%s   carriers FXO-1 %s, FXO-2 %s\n", w.app.sip.Addrs()[0], w.carriers[0].Addr(), w.carriers[1].Addr())
	fmt.Fprintf(out, "  API         http://%s/docs   user admin, password %s\n", w.app.admin.Addr(), w.password)
	if w.app.store.Ephemeral {
		fmt.Fprintln(out, "  STORE       in memory: redis-server is not installed, so balances would not survive a restart")
	} else {
		fmt.Fprintf(out, "  store       private %s, every write on disk before it is acknowledged\n", w.app.store.Report().Server)
	}
	var prices []string
	for _, r := range demoRates() {
		prices = append(prices, fmt.Sprintf("%s… %s: %s for %d s, then %s per %d s", r.Prefix, r.Remark, r.InitialCost, r.InitialTime, r.PerUnit, r.BillingUnit))
	}
	fmt.Fprintf(out, "  prices      %s\n\n", strings.Join(prices, "; "))
}

// close ends phones and carriers; the controller ends by itself.
func (w *world) close() {
	for _, p := range w.phones {
		p.Close()
	}
	for _, c := range w.carriers {
		if c != nil {
			c.Close()
		}
	}
}
