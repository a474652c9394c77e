package main

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"tollgate/sipctl/siptest"
)

// What strangers will try: the program from outside, real sockets, a real store, the carrier's own record as evidence.

// office is a node with one trunk, a rate and extensions: 101 rich, 102 poor, 103 without money, 104 locked, 105 unbilled.
type office struct {
	*node
	carrier *siptest.Carrier
	phone   *siptest.Phone
	ladder  *siptest.Ladder

	sippTrunk int // port of the trunk in tests with sipp
}

const (
	rich, poor, broke, lockedUp, unbilled = "101", "102", "103", "104", "105"
	number                                = "988360046"
)

func newOffice(t *testing.T, extra string) *office {
	t.Helper()
	return newOfficeOf(t, newNode(t, extra))
}

func newOfficeOf(t *testing.T, n *node) *office {
	t.Helper()
	return newOfficeAt(t, n, netip.MustParseAddr("127.0.0.1"))
}

// newOfficeAt has its carrier at an address.
func newOfficeAt(t *testing.T, n *node, carrier netip.Addr) *office {
	t.Helper()
	o := &office{node: n, ladder: &siptest.Ladder{}}
	o.carrier = newCarrier(t, siptest.Config{LocalIP: carrier, Ladder: o.ladder})
	o.phone = o.newPhone(rich)
	o.configure()
	t.Cleanup(func() {
		const readable = 150 // lines
		if ladder := o.ladder.String(); t.Failed() && strings.Count(ladder, "\n") < readable {
			t.Logf("ladder:\n%s", ladder)
		}
	})
	return o
}

// newCarrier answers every call after 20 ms.
func newCarrier(t *testing.T, config siptest.Config) *siptest.Carrier {
	t.Helper()
	carrier, err := siptest.NewCarrier(siptest.CarrierConfig{Config: config, Default: siptest.Answer(20 * time.Millisecond)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(carrier.Close)
	return carrier
}

func (o *office) newPhone(extension string) *siptest.Phone {
	o.t.Helper()
	phone, err := siptest.NewPhone(siptest.PhoneConfig{Config: siptest.Config{Ladder: o.ladder}, Server: netip.MustParseAddrPort(o.sip), User: extension})
	if err != nil {
		o.t.Fatal(err)
	}
	o.t.Cleanup(phone.Close)
	return phone
}

// configure does what an operator does on the first day, through the API.
func (o *office) configure() {
	o.t.Helper()
	type object = map[string]any
	for _, e := range []string{rich, poor, broke, lockedUp, unbilled} {
		o.call("POST", "/extensions", object{"number": e, "username": "Extension" + e, "billing_enabled": e != unbilled}, nil, 201)
	}
	o.call("PATCH", "/extensions/"+lockedUp, object{"status": "locked"}, nil, 200)
	o.call("POST", "/rates", object{"remark": "city", "prefix": "9", "initial_cost": "0.1000", "initial_time": 60, "rate": "0.0200", "billing_unit": 55, "extensions": []string{"*"}}, nil, 201)
	o.call("POST", "/rates", object{"remark": "by the second", "prefix": "95", "rate": "0.0100", "billing_unit": 1, "extensions": []string{"*"}}, nil, 201)
	o.call("POST", "/trunks", object{"name": "FXO-1", "uri": fmt.Sprintf("sip:%s;transport=udp", o.carrier.Addr())}, nil, 201)
	o.call("POST", "/dial-rules", object{"position": 1, "prefix": "9", "strip": 1, "trunks": []string{"FXO-1"}}, nil, 201)
	o.call("PUT", "/billing", object{"active": true}, nil, 200)
	o.recharge(rich, "100.0000")
	o.recharge(poor, "0.0300")
}

// talk is a call that is answered, and hung up by its caller after a while.
func (o *office) talk(extension, dialled string, d time.Duration) {
	o.t.Helper()
	call := o.newPhone(extension).Call(dialled)
	if m, err := call.Answered(within(o.t, 10*time.Second)); err != nil || m.Code != 200 {
		o.t.Fatalf("%s calls %s: %v %v", extension, dialled, m, err)
	}
	time.Sleep(d)
	if _, err := call.Bye(within(o.t, 10*time.Second)); err != nil {
		o.t.Fatalf("%s hangs up: %v", extension, err)
	}
}

// notAnswered is a call that must not be answered.
func (o *office) notAnswered(extension, dialled string) {
	o.t.Helper()
	if _, err := o.newPhone(extension).Call(dialled).Answered(within(o.t, 5*time.Second)); err == nil {
		o.t.Errorf("%s: a call to %s was answered", extension, dialled)
	}
}

func (o *office) recharge(extension, amount string) {
	o.t.Helper()
	o.call("POST", "/recharges", map[string]any{"extensions": []string{extension}, "amount": amount, "note": ""}, nil, 201)
}

func (o *office) balance(extension string) (balance, held string) {
	o.t.Helper()
	var e struct{ Balance, Held string }
	o.call("GET", "/extensions/"+extension, nil, &e, 200)
	return e.Balance, e.Held
}

// record is a CDR as the API shows it.
type record struct {
	ID, Extension, Dialled, Sent, Trunk, Cost, Disposition, Reason string
	Duration                                                       int64
	Unbilled                                                       *string
	EndedBy                                                        string `json:"ended_by"`
	SIPCode                                                        int    `json:"sip_code"`
	CallIDA                                                        string `json:"call_id_a"`
	Attempts                                                       []struct {
		Trunk string
		Code  int
	}
}

// calls waits for n CDRs of any disposition, newest first.
func (o *office) calls(n int) []record {
	o.t.Helper()
	var list struct {
		Items []record
		Total int
	}
	o.await(fmt.Sprintf("in the call log with %d calls", n), 15*time.Second, func() bool {
		o.call("GET", "/calls?disposition=any&per_page=200", nil, &list, 200)
		return list.Total >= n
	})
	if list.Total != n {
		o.t.Fatalf("%d CDRs, want %d: %+v", list.Total, n, list.Items)
	}
	return list.Items
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestABilledCall(t *testing.T) {
	o := newOffice(t, "")
	call := o.phone.Call(number)
	if _, err := call.Answered(within(t, 5*time.Second)); err != nil {
		t.Fatal(err)
	}
	time.Sleep(1200 * time.Millisecond) // two begun seconds of talk
	if _, err := call.Bye(within(t, 5*time.Second)); err != nil {
		t.Fatal(err)
	}
	c := o.calls(1)[0]
	rows, _ := o.carrier.Record()
	if c.Cost != "0.1000" || c.Disposition != "answered" || c.EndedBy != "caller" || c.Sent != number[1:] || c.Trunk != "FXO-1" || c.CallIDA != call.ID() {
		t.Errorf("CDR %+v", c)
	}
	if len(rows) != 1 || rows[0].Seconds() != c.Duration || rows[0].Number != c.Sent {
		t.Errorf("the carrier saw %+v, the CDR says %d s to %s", rows, c.Duration, c.Sent)
	}
	if balance, held := o.balance(rich); balance != "99.9000" || held != "0.0000" {
		t.Errorf("balance %s, held %s", balance, held)
	}
	for name, want := range map[string]string{"tollgate_charged_total": "0.1", "tollgate_recharged_total": "100.03", "tollgate_store_up": "1", "tollgate_store_ephemeral": "0", "tollgate_spool_entries": "0", "tollgate_calls_active": "0"} {
		if value, ok := o.metric(name); !ok || value != want {
			t.Errorf("%s is %q (%v), want %s", name, value, ok, want)
		}
	}
	o.proved(10 * time.Second)
}

func TestRefusals(t *testing.T) {
	o := newOffice(t, "")
	for _, c := range []struct {
		extension, number string
		code              int
		reason            string
	}{
		{broke, number, 402, `Q.850;cause=21;text="insufficient balance"`},
		{lockedUp, number, 403, `Q.850;cause=21;text="extension locked"`},
		{"999", number, 403, `Q.850;cause=21;text="unknown extension"`},
		{rich, "9abc", 484, "Q.850;cause=28"},
		{rich, "12345", 404, "Q.850;cause=3"},
	} {
		final, err := o.newPhone(c.extension).Call(c.number).Final(within(t, 5*time.Second))
		if err != nil || final.Code != c.code || final.Get("Reason") != c.reason {
			t.Errorf("%s calls %s: %v, %v with Reason %q; want %d with %q", c.extension, c.number, final, err, final.Get("Reason"), c.code, c.reason)
		}
	}
	if n := o.carrier.Counters().Invites; n != 0 {
		t.Errorf("%d refused calls reached the carrier", n)
	}
	for _, c := range o.calls(5) {
		if c.Disposition != "rejected" || c.Cost != "0.0000" || c.Reason == "" {
			t.Errorf("CDR of a refusal: %+v", c)
		}
	}
	o.proved(10 * time.Second)
}

func TestTheCallIsCutWhenTheMoneyEnds(t *testing.T) {
	o := newOffice(t, "")
	call := o.newPhone(poor).Call("951") // 0.03 at 0.01 a second: three seconds
	if _, err := call.Answered(within(t, 5*time.Second)); err != nil {
		t.Fatal(err)
	}
	end, err := call.Ended(within(t, 10*time.Second))
	if err != nil || end.By == siptest.Local || !strings.Contains(end.Reason, `SIP;cause=402;text="credit exhausted"`) {
		t.Fatalf("ended %+v, %v", end, err)
	}
	c := o.calls(1)[0]
	if c.Cost != "0.0300" || c.Duration != 3 || c.EndedBy != "credit" {
		t.Errorf("CDR %+v", c)
	}
	rows, _ := o.carrier.Record()
	if late := rows[0].Talked - 3*time.Second; late < 0 || late > 250*time.Millisecond {
		t.Errorf("cut %v after the instant", late)
	}
	if balance, _ := o.balance(poor); balance != "0.0000" {
		t.Errorf("balance %s", balance)
	}
	o.proved(10 * time.Second)
}

func TestARechargeInMidCallExtendsIt(t *testing.T) {
	o := newOffice(t, "")
	call := o.newPhone(poor).Call("951")
	if _, err := call.Answered(within(t, 5*time.Second)); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second)
	o.recharge(poor, "0.0200")
	if _, err := call.Ended(within(t, 10*time.Second)); err != nil {
		t.Fatal(err)
	}
	if c := o.calls(1)[0]; c.Duration != 5 || c.Cost != "0.0500" {
		t.Errorf("CDR %+v, want 5 s for 0.0500", c)
	}
	o.proved(10 * time.Second)
}

func TestAnEmergencyCallNeedsNoMoney(t *testing.T) {
	o := newOffice(t, "")
	for i, extension := range []string{broke, lockedUp, "999"} {
		call := o.newPhone(extension).Call("9112")
		if _, err := call.Answered(within(t, 5*time.Second)); err != nil {
			t.Fatalf("%s calls 112: %v", extension, err)
		}
		if _, err := call.Bye(within(t, 5*time.Second)); err != nil {
			t.Fatal(err)
		}
		if c := o.calls(i + 1)[0]; c.Unbilled == nil || *c.Unbilled != "emergency" || c.Cost != "0.0000" || c.Sent != "112" {
			t.Errorf("CDR %+v", c)
		}
	}
	o.proved(10 * time.Second)
}

func TestRaces(t *testing.T) {
	o := newOffice(t, "")
	o.carrier.On("81", siptest.Many18x(30, 10*time.Millisecond))
	o.carrier.On("82", siptest.Forked(2))
	o.carrier.On("83", siptest.AnswerOnCancel())
	o.carrier.On("84", siptest.RingForever())
	talk := func(number string, plan siptest.Plan) *siptest.Call {
		t.Helper()
		plan.Number = number
		call := o.phone.Place(plan)
		if _, err := call.Answered(within(t, 10*time.Second)); err != nil {
			t.Fatalf("%s: %v", number, err)
		}
		time.Sleep(300 * time.Millisecond)
		if _, err := call.Bye(within(t, 10*time.Second)); err != nil {
			t.Fatalf("%s: %v", number, err)
		}
		return call
	}
	talk("981", siptest.Plan{})
	talk("982", siptest.Plan{})
	talk("988", siptest.Plan{AckAfter: time.Second}) // the first ACK is lost
	for _, number := range []string{"983", "984"} {
		call := o.phone.Call(number)
		if _, err := call.Ringing(within(t, 5*time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := call.Cancel(within(t, 5*time.Second)); err != nil {
			t.Fatal(err)
		}
		if final, err := call.Final(within(t, 5*time.Second)); err != nil || final.Code != 487 {
			t.Errorf("%s: %v, %v; want 487", number, final, err)
		}
	}
	if err := o.carrier.WaitLive(within(t, 5*time.Second), 0); err != nil {
		t.Errorf("the carrier still has calls: %v", err)
	}
	rows, _ := o.carrier.Record()
	seconds := map[string]int64{}
	for _, r := range rows {
		if r.Fork == 0 {
			seconds[r.Number] = r.Seconds()
		}
	}
	for _, c := range o.calls(5) {
		if c.Disposition == "answered" && c.Duration != seconds[c.Sent] {
			t.Errorf("%s: the CDR says %d s, the carrier %d s", c.Dialled, c.Duration, seconds[c.Sent])
		}
		if cancelled := c.Dialled == "983" || c.Dialled == "984"; cancelled && (c.Disposition != "cancelled" || c.Cost != "0.0000") {
			t.Errorf("%s: %+v", c.Dialled, c)
		}
	}
	o.proved(10 * time.Second)
}

func TestINVITEAndCANCELBackToBackLeaveNothing(t *testing.T) {
	o := newOffice(t, "")
	const pairs = 200
	calls := make([]*siptest.Call, pairs)
	for i := range calls {
		calls[i] = o.phone.Place(siptest.Plan{Number: number, CancelAtOnce: true})
	}
	for _, c := range calls {
		if _, err := c.Final(within(t, 40*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	if err := o.carrier.WaitLive(within(t, 40*time.Second), 0); err != nil {
		t.Errorf("calls left at the carrier: %v", err)
	}
	o.await("free of holds", 40*time.Second, func() bool {
		_, held := o.balance(rich)
		return held == "0.0000"
	})
	if balance, _ := o.balance(rich); balance != "100.0000" {
		t.Errorf("balance %s: a cancelled call cost something", balance)
	}
	o.proved(10 * time.Second)
}
