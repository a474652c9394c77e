package ledgertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"tollgate/rating"
)

func contextWithStop(w *world) (context.Context, context.CancelFunc) {
	return context.WithCancel(w.Context())
}

func oneRecord(w *world) {
	e := w.account(rating.Unit)
	call, _ := w.talk(e, perMinute)
	w.settle(call, e, 61)
	f := w.filed(e)[1]
	if f.Entry == nil || f.CDR == nil {
		w.Fatalf("filed %+v", f)
	}
	if f.Entry.Kind != rating.ChargeEntry || f.Entry.Amount != -100_000 || f.Entry.Before != rating.Unit || f.Entry.After != 900_000 ||
		f.Entry.Seq != 2 || f.Entry.Ref != string(call) || f.Entry.Username != "User"+e || time.Since(f.Entry.At).Abs() > time.Minute {
		w.Errorf("journal line %+v", f.Entry)
	}
	if f.CDR.ID != call || f.CDR.Cost != 100_000 || f.CDR.Units != 0 || f.CDR.Duration != 60 || f.CDR.AnsweredAt == nil || f.CDR.EndedAt == nil ||
		f.CDR.Disposition != rating.Answered || f.CDR.Count != 1 {
		w.Errorf("CDR %+v", f.CDR)
	}
}

func refusalIsFiledOnce(w *world) {
	cdr := rating.CDR{ID: newCall("refused"), Extension: "refused", Disposition: rating.Rejected, Reason: rating.ReasonNoCredit, SIPCode: 402, StartedAt: time.Now()}
	for range 3 {
		w.must(w.File(w.Context(), cdr))
	}
	f := w.filed("refused")
	if len(f) != 1 || f[0].Entry != nil || f[0].CDR.Reason != rating.ReasonNoCredit || f[0].CDR.Count != 1 {
		w.Errorf("filed %+v", f)
	}
	a := authorization("refused", perMinute)
	a.Call = cdr.ID
	_, err := w.Authorize(w.Context(), a)
	w.wantRefused(err, rating.ErrSettled)
	cdr.ID, cdr.Cost = newCall("refused"), 1
	w.wantRefused(w.File(w.Context(), cdr), rating.ErrConflict)
}

func runningIsNotFiled(w *world) {
	e := w.account(rating.Unit)
	call, _ := w.ring(e, perMinute)
	w.wantRefused(w.File(w.Context(), rating.CDR{ID: call, Extension: e}), rating.ErrConflict)
}

func callsAreListed(w *world) {
	e := w.account(100 * rating.Unit)
	ringing, _ := w.ring(e, perMinute)
	talking, g := w.talk(e, perSix)
	for _, list := range []func() ([]rating.Hold, error){
		func() ([]rating.Hold, error) { return w.Calls(w.Context()) },
		func() ([]rating.Hold, error) { return w.CallsOf(w.Context(), "gw1") },
	} {
		all, err := list()
		w.must(err)
		found := make(map[rating.CallID]rating.Hold)
		for _, h := range all {
			if h.Extension == e {
				found[h.Call] = h
			}
		}
		r, t := found[ringing], found[talking]
		if len(found) != 2 || !r.Answered.IsZero() || r.Amount != 100_000 || r.Tariff != perMinute || r.Dialog != nil || r.Draft.Dialled != "9"+e {
			w.Errorf("%d calls; ringing %+v", len(found), r)
		}
		if t.Answered.IsZero() || t.Amount != g.Held || t.Units != g.Units || string(t.Dialog) != "both\x00legs" || t.Draft.Trunk != "FXO-1" || t.Node != "gw1" {
			w.Errorf("talking %+v", t)
		}
	}
	if none, err := w.CallsOf(w.Context(), "nobody"); err != nil || len(none) != 0 {
		w.Errorf("nobody has %d calls, %v", len(none), err)
	}
	h, err := w.Call(w.Context(), talking)
	w.must(err)
	if time.Until(h.Lease) <= 0 || h.Started.IsZero() {
		w.Errorf("talking %+v", h)
	}
}

func dialogsAreExchanged(w *world) {
	e := w.account(rating.Unit)
	call, _ := w.talk(e, perMinute)
	for _, dialog := range [][]byte{[]byte("1:new{}"), bytes.Repeat([]byte{0, 255, ':'}, 2000), {}} {
		w.must(w.SaveDialog(w.Context(), call, dialog))
		h, err := w.Call(w.Context(), call)
		w.must(err)
		if !bytes.Equal(h.Dialog, dialog) || h.Draft.Trunk != "FXO-1" {
			w.Errorf("%d bytes came back as %d, draft %+v", len(dialog), len(h.Dialog), h.Draft)
		}
	}
}

func takeover(w *world) {
	e := w.account(100 * rating.Unit)
	owner, second, third := ledgerOf(w.redis, "owner-"+e), hastyLedger(w.redis, "second-"+e), ledgerOf(w.redis, "third-"+e)
	a := authorization(e, perSix)
	a.Node = owner.Node
	w.must(owner.Heartbeat(w.Context()))
	_, err := owner.Authorize(w.Context(), a)
	w.must(err)
	said := answer(a.Call, e)
	said.Node = owner.Node
	g, err := owner.Answer(w.Context(), said)
	w.must(err)
	_, err = third.Adopt(w.Context(), a.Call, third.Node)
	w.wantRefused(err, rating.ErrOwnedElsewhere)
	w.within("the owner's heartbeat is gone", func() bool {
		w.must(second.Heartbeat(w.Context()))
		w.must(third.Heartbeat(w.Context()))
		h, err := second.Adopt(w.Context(), a.Call, second.Node)
		return err == nil && h.Node == second.Node && string(h.Dialog) == "both\x00legs"
	})
	_, err = third.Adopt(w.Context(), a.Call, third.Node)
	w.wantRefused(err, rating.ErrOwnedElsewhere)
	_, err = owner.Extend(w.Context(), rating.Extend{Call: a.Call, Extension: e, Node: owner.Node, HaveUnits: g.Units})
	w.wantRefused(err, rating.ErrOwnedElsewhere)
	_, err = second.Extend(w.Context(), rating.Extend{Call: a.Call, Extension: e, Node: second.Node, HaveUnits: g.Units})
	w.must(err)
	if over, taken, err := owner.Touch(w.Context(), []rating.CallID{a.Call}); err != nil || len(over) != 0 || !slices.Equal(taken, []rating.CallID{a.Call}) {
		w.Errorf("the old owner still looks after %v, %v, %v", over, taken, err)
	}
	w.wantRefused(owner.SaveDialog(w.Context(), a.Call, []byte("old")), rating.ErrOwnedElsewhere)
	cut := settlement(a.Call, e, 6) // what the old owner decides counts no more
	cut.Node, cut.CDR.EndedBy = owner.Node, rating.ByCredit
	_, err = owner.Settle(w.Context(), cut)
	w.wantRefused(err, rating.ErrOwnedElsewhere)
	w.must(owner.Heartbeat(w.Context()))
	_, err = owner.Adopt(w.Context(), a.Call, owner.Node)
	w.wantRefused(err, rating.ErrOwnedElsewhere)
	nodes, err := w.Nodes(w.Context())
	w.must(err)
	if time.Since(nodes[third.Node]).Abs() > time.Minute {
		w.Errorf("nodes %v", nodes)
	}
}

func inviteTakesOver(w *world) {
	e := w.account(100 * rating.Unit)
	owner, patient, second := ledgerOf(w.redis, "a-"+e), ledgerOf(w.redis, "p-"+e), hastyLedger(w.redis, "b-"+e)
	w.must(owner.Heartbeat(w.Context()))
	a := authorization(e, perSix)
	a.Node = owner.Node
	_, err := owner.Authorize(w.Context(), a)
	w.must(err)
	again := a
	again.Node, again.Tariff = second.Node, perSecond // the rate was changed meanwhile
	_, err = patient.Authorize(w.Context(), again)
	w.wantRefused(err, rating.ErrOwnedElsewhere)
	var g rating.Grant
	w.within("taken over", func() bool {
		g, err = second.Authorize(w.Context(), again)
		return err == nil
	})
	if g.Tariff != perSix || g.Held != 60_000 || g.Units != 1 || g.Answered {
		w.Errorf("taken over with %+v", g)
	}
	w.wantMoney(e, 100*rating.Unit, 60_000, 1)
}

func touchKeeps(w *world) {
	e := w.account(rating.Unit)
	kept, _ := w.talk(e, perMinute)
	over, _ := w.talk(e, perMinute)
	w.settle(over, e, 1)
	before, err := w.Call(w.Context(), kept)
	w.must(err)
	time.Sleep(20 * time.Millisecond)
	gone, taken, err := w.Touch(w.Context(), []rating.CallID{kept, over, "no call"})
	w.must(err)
	slices.Sort(gone)
	if !slices.Equal(gone, []rating.CallID{over, "no call"}) || len(taken) != 0 {
		w.Errorf("gone: %v, taken: %v", gone, taken)
	}
	if time.Since(before.Seen).Abs() > 10*time.Second {
		w.Errorf("seen at %s", before.Seen)
	}
	after, err := w.Call(w.Context(), kept)
	w.must(err)
	if after.Lease.Sub(before.Lease) < 10*time.Millisecond {
		w.Errorf("the lease ended at %s, and now at %s", before.Lease, after.Lease)
	}
}

// sweeper is a node that has been here long enough to sweep, and keeps sweeping until a call is over.
func (w *world) sweepUntilOver(call rating.CallID) {
	w.Helper()
	sweeper := dyingLedger(w.redis, "sweeper-"+string(call))
	w.within("swept", func() bool {
		w.must(sweeper.Heartbeat(w.Context()))
		_, err := sweeper.Sweep(w.Context())
		w.must(err)
		_, err = w.Call(w.Context(), call)
		return err != nil
	})
}

func sweepRinging(w *world) {
	e := w.account(rating.Unit)
	a := authorization(e, perMinute)
	a.Node, a.Ring = "dies", 100*time.Millisecond
	_, err := w.Authorize(w.Context(), a)
	w.must(err)
	w.sweepUntilOver(a.Call)
	w.wantMoney(e, rating.Unit, 0, 0)
	cdr := w.filed(e)[1].CDR
	if cdr.Disposition != rating.Failed || cdr.EndedBy != rating.BySystem || cdr.AnsweredAt != nil || cdr.EndedAt == nil || cdr.Duration != 0 || cdr.Dialled != "9"+e {
		w.Errorf("filed %+v", cdr)
	}
	if s := w.settle(a.Call, e, 0); s.Cost != 0 { // its node comes back after all
		w.Errorf("settled %+v", s)
	}
}

func sweepTalking(w *world) {
	e := w.account(100 * rating.Unit)
	dies := dyingLedger(w.redis, "dies-"+e)
	a := authorization(e, perSecond)
	a.Node = dies.Node
	_, err := dies.Authorize(w.Context(), a)
	w.must(err)
	said := answer(a.Call, e)
	said.Node, said.At = dies.Node, time.Now().Add(-10*time.Second) // ten seconds of talk until the last proof of life
	_, err = dies.Answer(w.Context(), said)
	w.must(err)
	w.sweepUntilOver(a.Call)
	cdr := w.filed(e)[1].CDR
	if cdr.Disposition != rating.Answered || cdr.EndedBy != rating.BySystem || cdr.Duration < 10 || cdr.Duration > 12 || cdr.Cost != perSecond.Cost(cdr.Duration) {
		w.Errorf("filed %+v", cdr)
	}
	w.wantMoney(e, 100*rating.Unit-cdr.Cost, 0, 0)
}

func newcomerDoesNotSweep(w *world) {
	e := w.account(rating.Unit)
	a := authorization(e, perMinute)
	a.Node, a.Ring = "dies", time.Millisecond
	_, err := w.Authorize(w.Context(), a)
	w.must(err)
	time.Sleep(5 * time.Millisecond)
	stranger := ledgerOf(w.redis, "new-"+e)
	stranger.Calm = time.Hour
	swept, err := stranger.Sweep(w.Context())
	w.must(err)
	w.must(stranger.Heartbeat(w.Context()))
	more, err := stranger.Sweep(w.Context())
	w.must(err)
	if len(swept)+len(more) != 0 {
		w.Errorf("swept %v, %v", swept, more)
	}
}

func brokenAccount(w *world) {
	good, bad := w.account(rating.Unit), "broken"
	w.must(w.SetTerms(w.Context(), bad, prepaid, 1, "U", "test"))
	key := fmt.Sprintf("{%02d}a:%s", rating.ShardOf(bad), bad)
	w.must(w.redis.HSet(w.Context(), key, "bal", "1.5").Err())
	accounts, err := w.Accounts(w.Context(), []string{bad, good})
	if len(accounts) != 1 || accounts[0].Extension != good || err == nil || !strings.Contains(err.Error(), "account broken") {
		w.Errorf("read %+v, %v", accounts, err)
	}
	if _, err := w.Account(w.Context(), bad); err == nil || errors.Is(err, rating.ErrUnknownExtension) {
		w.Errorf("a broken account is %v", err)
	}
	w.must(w.redis.HSet(w.Context(), key, "bal", "0").Err())
}

func brokenCall(w *world) {
	e := w.account(rating.Unit)
	a := authorization(e, perMinute)
	a.Ring = 50 * time.Millisecond
	_, err := w.Authorize(w.Context(), a)
	w.must(err)
	key := "{" + string(a.Call[:2]) + "}c:" + string(a.Call)
	good, err := w.redis.HGet(w.Context(), key, "t").Result()
	w.must(err)
	w.must(w.redis.HSet(w.Context(), key, "t", "nonsense").Err())
	w.within("set aside", func() bool {
		w.must(w.Heartbeat(w.Context()))
		_, err := w.Sweep(w.Context())
		w.must(err)
		return w.redis.ZScore(w.Context(), "{"+string(a.Call[:2])+"}leases", string(a.Call)).Err() == redis.Nil
	})
	w.must(w.redis.HSet(w.Context(), key, "t", good).Err())
	w.settle(a.Call, e, 0) // mended
	w.wantMoney(e, rating.Unit, 0, 0)
}
