package sipctl

import (
	"strings"
	"testing"
	"time"

	"tollgate/rating"
)

func TestAStandstillMakesCallsDoubtful(t *testing.T) {
	at := time.Now()
	p := newPulse(at)
	p.last.Store(int64(time.Second))
	s := &Server{pulse: p}
	c := &Call{server: s, state: talking, sure: at}
	if c.doubtful(at.Add(time.Second + standstill)) {
		t.Error("a late tick is no standstill")
	}
	woken := at.Add(2*time.Second + standstill)
	if !c.doubtful(woken) {
		t.Error("nobody has noticed the standstill")
	}
	fresh := &Call{server: s, state: talking, sure: woken.Add(time.Millisecond)}
	if fresh.doubtful(woken.Add(time.Second)) {
		t.Error("a call that was asked for afterwards is sure")
	}
	if ringing := (&Call{server: s, state: ringing, sure: at}); ringing.doubtful(woken) {
		t.Error("a ringing call has nothing to lose")
	}
	p.doubt(woken.Add(2 * time.Second)) // the store is back
	if !fresh.doubtful(woken.Add(3 * time.Second)) {
		t.Error("after an outage of the store every call is asked for")
	}
}

func TestATagNamesItsCall(t *testing.T) {
	id := rating.NewCallID("101", "call", "tag", 1)
	tag := newCallTag(id)
	if got, ok := callOfTag(tag); !ok || got != id {
		t.Errorf("%s names %s, %v", tag, got, ok)
	}
	if newCallTag(id) == tag {
		t.Error("two tags of a call are equal, so one tells the other")
	}
	for _, none := range []string{"", string(id), "nonsense", strings.Repeat("z", 48), strings.ToUpper(tag), "99" + tag[2:]} {
		if got, ok := callOfTag(none); ok {
			t.Errorf("%q names %s", none, got)
		}
	}
}
