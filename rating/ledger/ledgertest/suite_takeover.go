package ledgertest

import (
	"time"

	"tollgate/rating"
)

// taken is a talking call that another node has taken over from one that was gone: by itself, or standing still.
type taken struct {
	call      rating.CallID
	extension string
	from, to  owner
}

// owner is a node with its ledger.
type owner = *world

func (w *world) node(name string) owner { return &world{w.T, ledgerOf(w.redis, name), w.redis} }

func (w *world) takenOver() taken {
	w.Helper()
	e := w.account(100 * rating.Unit)
	k := taken{extension: e, from: w.node("from-" + e), to: &world{w.T, hastyLedger(w.redis, "to-"+e), w.redis}}
	w.must(k.from.Heartbeat(w.Context()))
	a := authorization(e, perSecond)
	a.Node, k.call = k.from.Node, a.Call
	_, err := k.from.Authorize(w.Context(), a)
	w.must(err)
	said := answer(a.Call, e)
	said.Node = k.from.Node
	_, err = k.from.Answer(w.Context(), said)
	w.must(err)
	w.within("taken over", func() bool {
		w.must(k.to.Heartbeat(w.Context()))
		gone, err := k.to.Gone(w.Context())
		w.must(err)
		if _, ok := gone[k.from.Node]; !ok {
			return false
		}
		_, err = k.to.Adopt(w.Context(), k.call, k.to.Node)
		w.must(err)
		return true
	})
	return k
}

func (k taken) settlement(by owner, seconds int64, ended rating.EndedBy) rating.Settlement {
	s := settlement(k.call, k.extension, seconds)
	s.Node, s.CDR.Node, s.CDR.EndedBy = by.Node, by.Node, ended
	return s
}

// A node that stood still may get the caller's BYE before it knows that it lost the call: that is the end, and the only one.
func byeCountsAnywhere(w *world) {
	k := w.takenOver()
	settled, err := k.from.Settle(w.Context(), k.settlement(k.from, 3, rating.ByCaller))
	w.must(err)
	if settled.Cost != perSecond.Cost(3) {
		w.Errorf("settled %+v", settled)
	}
	over, elsewhere, err := k.to.Touch(w.Context(), []rating.CallID{k.call})
	if err != nil || len(over) != 1 || len(elsewhere) != 0 {
		w.Errorf("its owner hears %v, %v, %v", over, elsewhere, err)
	}
	again, err := k.to.Settle(w.Context(), k.settlement(k.to, 9, rating.ByCaller))
	if err != nil || again != settled {
		w.Errorf("settled again: %+v, %v", again, err)
	}
	w.wantMoney(k.extension, 100*rating.Unit-settled.Cost, 0, 0)
}

// But a ringing call that was taken over by the same INVITE is ended by nobody else: there the caller cancels at each node.
func ringingIsFenced(w *world) {
	e := w.account(100 * rating.Unit)
	from, to := w.node("from-"+e), &world{w.T, hastyLedger(w.redis, "to-"+e), w.redis}
	a := authorization(e, perSecond)
	a.Node = from.Node
	w.must(from.Heartbeat(w.Context()))
	_, err := from.Authorize(w.Context(), a)
	w.must(err)
	again := a
	again.Node = to.Node
	w.within("taken over", func() bool { _, err = to.Authorize(w.Context(), again); return err == nil })
	late := settlement(a.Call, e, 0)
	late.Node = from.Node
	_, err = from.Settle(w.Context(), late)
	w.wantRefused(err, rating.ErrOwnedElsewhere)
	said := answer(a.Call, e)
	said.Node = from.Node
	_, err = from.Answer(w.Context(), said)
	w.wantRefused(err, rating.ErrOwnedElsewhere)
	w.wantMoney(e, 100*rating.Unit, 10_000, 1)
	s := settlement(a.Call, e, 0)
	s.Node = to.Node
	_, err = to.Settle(w.Context(), s)
	w.must(err)
	w.wantMoney(e, 100*rating.Unit, 0, 0)
}

// The messages of a call may still go to the node that it was taken from: that one may have it back, nobody else may.
func claimBack(w *world) {
	k := w.takenOver()
	third := w.node("third-" + k.extension)
	w.must(third.Heartbeat(w.Context()))
	if h, _, err := third.Claim(w.Context(), k.call); err == nil || time.Since(h.Seen) > 10*time.Second {
		w.Errorf("a third node claims %+v, %v", h, err)
	}
	if h, taken, err := k.from.Claim(w.Context(), k.call); err != nil || !taken || h.Node != k.from.Node || string(h.Dialog) != "both\x00legs" {
		w.Fatalf("claimed %+v, %v", h, err)
	}
	_, err := k.to.Extend(w.Context(), rating.Extend{Call: k.call, Extension: k.extension, Node: k.to.Node, HaveUnits: 1})
	w.wantRefused(err, rating.ErrOwnedElsewhere)
	if h, taken, err := k.from.Claim(w.Context(), k.call); err != nil || taken || h.Node != k.from.Node {
		w.Errorf("claimed twice: %+v, %v", h, err)
	}
	if h, _, err := k.to.Claim(w.Context(), k.call); err != nil || h.Node != k.to.Node { // its messages may go there as well
		w.Errorf("claimed again: %+v, %v", h, err)
	}
	_, err = k.to.Settle(w.Context(), k.settlement(k.to, 2, rating.ByCredit))
	w.must(err)
	_, _, err = k.from.Claim(w.Context(), k.call)
	w.wantRefused(err, rating.ErrSettled)
}

// Whoever is new here, or was cut off from the store himself, takes nothing: the owner may be about to come back.
func newcomerTakesNothing(w *world) {
	e := w.account(rating.Unit)
	a := authorization(e, perMinute)
	a.Node = "never seen " + e
	_, err := w.Authorize(w.Context(), a)
	w.must(err)
	fresh := &world{w.T, hastyLedger(w.redis, "fresh-"+e), w.redis}
	fresh.Steady = time.Hour
	_, err = fresh.Adopt(w.Context(), a.Call, fresh.Node)
	w.wantRefused(err, rating.ErrOwnedElsewhere)
	w.must(fresh.Heartbeat(w.Context()))
	_, err = fresh.Adopt(w.Context(), a.Call, fresh.Node)
	w.wantRefused(err, rating.ErrOwnedElsewhere)
	fresh.Steady = time.Millisecond
	w.within("adopted", func() bool {
		w.must(fresh.Heartbeat(w.Context()))
		_, err = fresh.Adopt(w.Context(), a.Call, fresh.Node)
		return err == nil
	})
	s := settlement(a.Call, e, 0)
	s.Node = fresh.Node
	_, err = fresh.Settle(w.Context(), s)
	w.must(err)
}
