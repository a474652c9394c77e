package main

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tollgate/sipctl/siptest"
)

// Five times the load that a node is rated for: what is more is refused at once, what it is rated for is served, and nothing
// but new calls is refused.
func TestFiveTimesTheRatedLoad(t *testing.T) {
	const rated, flood = 40, 8 * time.Second // calls a second
	o := newOfficeOf(t, newNodeFor(t, fromAnybodyHere+fmt.Sprintf("  max_cps: %d\n", rated), "log: { level: warn }\n"))
	callers := make([]string, 50)
	for i := range callers {
		callers[i] = fmt.Sprint(1000 + i)
		o.call("POST", "/extensions", map[string]any{"number": callers[i], "billing_enabled": true}, nil, 201)
	}
	o.call("POST", "/recharges", map[string]any{"extensions": callers, "amount": "1000.0000"}, nil, 201)
	load := func(rate float64, d time.Duration) *siptest.Summary {
		t.Helper()
		s, err := siptest.Load{Server: netip.MustParseAddrPort(o.sip), Rate: rate, Duration: d, Hold: 200 * time.Millisecond, Plan: func(n int) siptest.Plan {
			return siptest.Plan{Number: number, From: callers[n%len(callers)]}
		}}.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	talking := o.newPhone(rich).Call(number)
	if _, err := talking.Answered(within(t, 5*time.Second)); err != nil {
		t.Fatal(err)
	}
	ctx, over := context.WithCancel(t.Context())
	var meanwhile sync.WaitGroup
	var infos, emergencies atomic.Int64
	meanwhile.Go(func() { // in the flood, what is up and who calls for help is heard
		phone := o.newPhone(broke)
		for ctx.Err() == nil {
			if m, err := talking.Info(within(t, 5*time.Second), siptest.Body{Type: "application/dtmf-relay", Text: "Signal=1\r\n"}); err != nil || m.Code != 200 {
				t.Errorf("INFO in the flood: %v %v", m, err)
			}
			infos.Add(1)
			help := phone.Call("112")
			if m, err := help.Answered(within(t, 5*time.Second)); err != nil || m.Code != 200 {
				t.Errorf("112 in the flood: %v %v", m, err)
			} else if m, err := help.Bye(within(t, 5*time.Second)); err != nil || m.Code != 200 {
				t.Errorf("BYE in the flood: %v %v", m, err)
			}
			emergencies.Add(1)
			time.Sleep(200 * time.Millisecond)
		}
	})
	s := load(5*rated, flood)
	over()
	meanwhile.Wait()
	served := float64(s.Answered) / flood.Seconds()
	t.Logf("rated %d calls/s, offered %.0f, served %.1f; refused %v; %d INFOs and %d emergency calls served meanwhile; answer %s", rated, s.Rate(), served, s.Failures, infos.Load(), emergencies.Load(), &s.AnswerTime)
	if served < 0.8*rated || s.Failures[503] != s.Failed || s.ByeFailed > 0 || s.Cut > 0 {
		t.Errorf("served %.1f of %d calls/s\n%s", served, rated, s)
	}
	after := load(0.8*rated, 5*time.Second) // begins at once, so it recovers within less than ten seconds
	t.Logf("afterwards, at %.0f calls/s: %d of %d served", after.Rate(), after.Completed, after.Placed)
	if after.Completed < after.Placed*95/100 {
		t.Errorf("has not recovered:\n%s", after)
	}
	if m, err := talking.Bye(within(t, 5*time.Second)); err != nil || m.Code != 200 {
		t.Errorf("BYE: %v %v", m, err)
	}
	o.proved(60 * time.Second)
}
