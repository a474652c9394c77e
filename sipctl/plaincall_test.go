package sipctl_test

import (
	"testing"
	"time"

	"tollgate/rating"
)

func TestPlainCallIsBilledOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 10*rating.Unit)
	call := w.phone.Call("95551234")
	if _, err := call.Answered(t.Context()); err != nil {
		t.Fatal(err)
	}
	time.Sleep(1300 * time.Millisecond)
	if _, err := call.Bye(t.Context()); err != nil {
		t.Fatal(err)
	}
	cdr := w.cdrs(1)[0]
	if cdr.Duration != 2 || cdr.Cost != 20_000 || cdr.Disposition != rating.Answered || cdr.EndedBy != rating.ByCaller {
		t.Errorf("the record says %+v", cdr)
	}
	if cdr.Dialled != "95551234" || cdr.Sent != "5551234" || cdr.Trunk != "T1" || cdr.SIPCode != 200 || len(cdr.Attempts) != 1 || cdr.Attempts[0].Code != 200 {
		t.Errorf("the record says %+v", cdr)
	}
	if got := w.balance("101"); got != 10*rating.Unit-20_000 {
		t.Errorf("balance %s", got)
	}
	w.agreed(cdr)
}
