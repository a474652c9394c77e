package main

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// The load generator is its own carrier: every call that it places is answered, billed, and over on both sides when it ends.
func TestSimulatedCallsAreBilled(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "")
	at := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	o.call("POST", "/trunks", object{"name": "simulated", "uri": "sip:" + at + ";transport=udp"}, nil, 201)
	o.call("POST", "/dial-rules", object{"position": 1, "prefix": "96", "strip": 1, "trunks": []string{"simulated"}}, nil, 201)
	out, code := o.tollgate("simulate", "--target", o.sip, "--carrier", at, "--number", "966600001", "--from", rich, "--rate", "20", "--calls", "20", "--hold", "100ms")
	if code != 0 || !strings.Contains(out, "20 placed, 20 answered, 20 completed, 0 failed, 0 cut, 0 left out") {
		t.Fatalf("exit %d\n%s", code, out)
	}
	for _, c := range o.calls(20) {
		if c.Disposition != "answered" || c.EndedBy != "caller" || c.Trunk != "simulated" || c.Cost != "0.1000" {
			t.Errorf("CDR %+v", c)
		}
	}
	if balance, held := o.balance(rich); balance != "98.0000" || held != "0.0000" {
		t.Errorf("balance %s, held %s after twenty calls of 0.1000", balance, held)
	}

	if out, code := o.tollgate("simulate", "--target", o.sip, "--carrier", at, "--number", "966600001", "--from", broke, "--calls", "2"); code != 1 || !strings.Contains(out, "2 calls with 402") {
		t.Errorf("of calls without money: exit %d\n%s", code, out)
	}
	if out, code := o.tollgate("simulate", "--target", "nowhere"); code == 0 || !strings.Contains(out, "127.0.0.1:5060") {
		t.Errorf("no target: exit %d\n%s", code, out)
	}
	o.proved(10 * time.Second)
}
