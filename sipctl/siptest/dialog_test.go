package siptest

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// talk sets a call up and returns both ends of it.
func (p pair) talk(t *testing.T, plan Plan) (*Call, *Leg) {
	t.Helper()
	plan.Number = "988"
	call := p.phone.Place(plan)
	must[*Message](t)(call.Answered(t.Context()))
	leg := must[*Leg](t)(p.carrier.Await(t.Context(), "988"))
	if err := leg.Acked(t.Context()); err != nil {
		t.Fatal(err)
	}
	return call, leg
}

func TestCarrierHangsUp(t *testing.T) {
	onBoth(t, defaultT1, func(t *testing.T, p pair) {
		p.carrier.On("988", HangUpAfter(30*time.Millisecond, Header{"Reason", "Q.850;cause=16"}))
		call, leg := p.talk(t, Plan{})
		end := must[End](t)(call.Ended(t.Context()))
		if end.By != Remote || end.Reason != "Q.850;cause=16" {
			t.Errorf("the phone has %+v", end)
		}
		if end := must[End](t)(leg.Ended(t.Context())); end.By != Local || end.Reason != "Q.850;cause=16" {
			t.Errorf("the carrier has %+v", end)
		}
		if row := p.row(t, ended); row.Talked < 30*time.Millisecond || row.Talked > time.Second {
			t.Errorf("talked %s", row.Talked)
		}
	})
}

func TestHangUpWaitsForTheAck(t *testing.T) {
	p := newPair(t, "udp", defaultT1, nil)
	p.carrier.On("988", HangUpAfter(0))
	call := p.phone.Place(Plan{Number: "988", AckAfter: 60 * time.Millisecond})
	must[End](t)(call.Ended(t.Context()))
	if row := p.row(t, ended); row.Talked < 60*time.Millisecond || row.AckedAt.After(row.EndedAt) {
		t.Errorf("hung up %s after the answer, acknowledged at %s", row.Talked, row.AckedAt.Sub(row.AnsweredAt))
	}
}

func TestBothSidesHangUpAtOnce(t *testing.T) {
	onBoth(t, defaultT1, func(t *testing.T, p pair) {
		p.carrier.On("988", Answer(0))
		call, leg := p.talk(t, Plan{})
		var both sync.WaitGroup
		both.Go(func() {
			if m, err := call.Bye(t.Context()); err != nil || m.Code != 200 {
				t.Errorf("the phone's BYE: %v %v", m, err)
			}
		})
		both.Go(func() {
			if m, err := leg.Request(t.Context(), "BYE", Body{}); err != nil || m.Code != 200 {
				t.Errorf("the carrier's BYE: %v %v", m, err)
			}
		})
		both.Wait()
		if total := p.carrier.Totals(); total.Ended != 1 || p.carrier.Live() != 0 {
			t.Errorf("the carrier has %+v", total)
		}
	})
}

func TestTheFirstByeIsTheEnd(t *testing.T) {
	onBoth(t, defaultT1, func(t *testing.T, p pair) {
		p.carrier.On("988", Answer(0))
		call, leg := p.talk(t, Plan{})
		leg.HangUp(Header{"Reason", "first"})
		must[End](t)(call.Ended(t.Context()))
		if m := must[*Message](t)(call.Bye(t.Context(), Header{"Reason", "second"})); m.Code != 200 {
			t.Errorf("the second BYE got %s", m)
		}
		if row := p.row(t, ended); row.EndedBy != Local || row.Reason != "first" || p.carrier.Totals().Ended != 1 {
			t.Errorf("%d ended, row %+v", p.carrier.Totals().Ended, row)
		}
		if end := must[End](t)(call.Ended(t.Context())); end.By != Remote || end.Reason != "first" {
			t.Errorf("the phone has %+v", end)
		}
	})
}

func TestReinviteFromEitherSide(t *testing.T) {
	onBoth(t, defaultT1, func(t *testing.T, p pair) {
		p.carrier.On("988", Answer(0))
		call, leg := p.talk(t, Plan{})
		hold := Body{Text: strings.Replace(SDP(p.phone.Addr()).Text, "sendrecv", "sendonly", 1)}
		if m := must[*Message](t)(call.Reinvite(t.Context(), hold)); m.Code != 200 || m.Body != SDP(p.carrier.Addr()).Text {
			t.Errorf("the phone's re-INVITE got %s with %q", m, m.Body)
		}
		if m := must[*Message](t)(leg.WaitRequest(t.Context(), "INVITE")); m.Body != hold.Text {
			t.Errorf("the carrier got %q", m.Body)
		}
		eventually(t, "an ACK to the re-INVITE", func() bool { return p.carrier.Counters().Acks >= 2 })
		if m := must[*Message](t)(leg.Request(t.Context(), "INVITE", SDP(p.carrier.Addr()))); m.Code != 200 || m.Body == "" {
			t.Errorf("the carrier's re-INVITE got %s", m)
		}
		eventually(t, "an ACK to the carrier's", func() bool { return p.phone.Counters().Acks >= 1 })
		must[*Message](t)(call.Bye(t.Context()))
		p.row(t, ended)
	})
}

func TestTargetsAreRefreshed(t *testing.T) {
	p := newPair(t, "udp", defaultT1, nil)
	p.carrier.On("988", Answer(0))
	call, leg := p.talk(t, Plan{})
	moved := Header{"Contact", "<sip:moved@" + p.phone.Addr().String() + ">"}
	must[*Message](t)(call.Reinvite(t.Context(), SDP(p.phone.Addr()), moved))
	must[*Message](t)(leg.Request(t.Context(), "INFO", Body{}))
	if m := call.Requests()[0]; User(m.URI) != "moved" {
		t.Errorf("the carrier still writes to %s", m.URI)
	}
	moved.Value = "<sip:there@" + p.carrier.Addr().String() + ">"
	must[*Message](t)(leg.Request(t.Context(), "INVITE", SDP(p.carrier.Addr()), moved))
	must[*Message](t)(call.Info(t.Context(), Body{}))
	if got := leg.Requests(); User(got[len(got)-1].URI) != "there" {
		t.Errorf("the phone still writes to %s", got[len(got)-1].URI)
	}
}

func TestGlare(t *testing.T) {
	p := newPair(t, "udp", defaultT1, func(c *PhoneConfig, _ *CarrierConfig) {
		c.Replies = Replies{"INVITE": {After: 60 * time.Millisecond}}
	})
	p.carrier.On("988", Answer(0))
	call, leg := p.talk(t, Plan{})
	theirs := make(chan *Message, 1)
	go func() {
		m, _ := leg.Request(t.Context(), "INVITE", SDP(p.carrier.Addr()))
		theirs <- m
	}()
	must[*Message](t)(call.WaitRequest(t.Context(), "INVITE"))
	if m := must[*Message](t)(call.Reinvite(t.Context(), SDP(p.phone.Addr()))); m.Code != 491 {
		t.Errorf("a re-INVITE that crosses another got %s", m)
	}
	if m := <-theirs; m == nil || m.Code != 200 || m.Body == "" {
		t.Errorf("the other got %v", m)
	}
}

func TestRequestsInADialog(t *testing.T) {
	onBoth(t, defaultT1, func(t *testing.T, p pair) {
		p.carrier.On("988", Behaviour{Script: Answer(0).Script, Replies: Replies{"INFO": {Code: 415, Headers: []Header{{"Accept", "x/y"}}}}})
		call, leg := p.talk(t, Plan{Replies: Replies{"OPTIONS": {Code: 481}}})
		dtmf := Body{"application/dtmf-relay", "Signal=5\r\nDuration=160\r\n"}
		if m := must[*Message](t)(call.Info(t.Context(), dtmf)); m.Code != 415 || m.Get("accept") != "x/y" {
			t.Errorf("INFO got %s", m)
		}
		if got := leg.Requests(); len(got) != 1 || got[0].Body != dtmf.Text || got[0].Get("c") != dtmf.Type {
			t.Errorf("the carrier got %v", got)
		}
		if m := must[*Message](t)(leg.Request(t.Context(), "OPTIONS", Body{})); m.Code != 481 {
			t.Errorf("OPTIONS got %s", m)
		}
		if m := must[*Message](t)(leg.Request(t.Context(), "MESSAGE", Body{"text/plain", "hello"})); m.Code != 200 {
			t.Errorf("MESSAGE got %s", m)
		}
	})
}

func TestNobodyAnswersTheBye(t *testing.T) {
	t.Parallel()
	p := newPair(t, "udp", fastT1, nil)
	p.carrier.On("988", DeafToBye())
	call, _ := p.talk(t, Plan{})
	if _, err := call.Bye(t.Context()); !errors.Is(err, ErrTimeout) {
		t.Errorf("got %v", err)
	}
	if n := p.carrier.Counters(); n.Byes < 8 || n.Repeats < n.Byes-1 { // RFC 3261 §17.1.2: at 0, 1, 3, 7, 15, 23, … 63 T1
		t.Errorf("the BYE came %d times, repeated %d", n.Byes, n.Repeats)
	}
	if row := p.row(t, ended); row.Talked > fastT1*16 {
		t.Errorf("the call is closed at the first BYE, not after %s", row.Talked)
	}
}

func TestVanish(t *testing.T) {
	t.Parallel()
	t.Run("phone", func(t *testing.T) {
		t.Parallel()
		p := newPair(t, "udp", fastT1, nil)
		p.carrier.On("988", Answer(0))
		call, leg := p.talk(t, Plan{})
		call.Vanish()
		if _, err := leg.Request(t.Context(), "OPTIONS", Body{}); !errors.Is(err, ErrTimeout) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("leg", func(t *testing.T) {
		t.Parallel()
		p := newPair(t, "udp", fastT1, nil)
		p.carrier.On("988", Answer(0))
		call, leg := p.talk(t, Plan{})
		leg.Vanish()
		if _, err := call.Bye(t.Context()); !errors.Is(err, ErrTimeout) {
			t.Errorf("got %v", err)
		}
		if p.carrier.Live() != 1 {
			t.Error("the carrier has heard the BYE")
		}
	})
	t.Run("carrier", func(t *testing.T) {
		t.Parallel()
		p := newPair(t, "udp", fastT1, nil)
		p.carrier.On("988", CrashAfter(50*time.Millisecond))
		call, _ := p.talk(t, Plan{})
		time.Sleep(60 * time.Millisecond)
		if _, err := call.Bye(t.Context()); !errors.Is(err, ErrTimeout) {
			t.Errorf("got %v", err)
		}
	})
}

func TestHijack(t *testing.T) {
	p := newPair(t, "udp", defaultT1, nil)
	p.carrier.On("988", Answer(0))
	call, leg := p.talk(t, Plan{})
	thief, err := NewPhone(PhoneConfig{Server: p.carrier.Addr(),
		Config: Config{Name: "thief", LocalIP: netip.MustParseAddr("127.0.0.66"), Ladder: p.ladder}})
	if err != nil {
		t.Fatal(err)
	}
	defer thief.Close()
	if m := must[*Message](t)(thief.Hijack(t.Context(), call, "BYE", nil, Body{})); m.Code != 200 {
		t.Errorf("the stolen BYE got %s from a carrier that checks nothing", m)
	}
	must[End](t)(leg.Ended(t.Context()))
	if got := leg.Requests(); len(got) != 1 || got[0].Source != thief.Addr() || got[0].CallID() != call.ID() {
		t.Errorf("the carrier got %v from %s", got, got[0].Source)
	}
	if m := must[*Message](t)(call.Bye(t.Context())); m.Code != 500 { // its CSeq has been used by the thief
		t.Errorf("the honest BYE got %s", m)
	}
}

func TestRepeatedRequestsGetTheStoredAnswer(t *testing.T) {
	p := newPair(t, "udp", defaultT1, nil)
	p.carrier.On("987", RingForever())
	call := p.phone.Call("987")
	must[*Message](t)(call.Ringing(t.Context()))
	if err := call.Retransmit(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the same 180 again", func() bool { return len(call.Responses()) == 3 })
	rows, _ := p.carrier.Record()
	if got := call.Responses(); got[2].Code != 180 || got[2].ToTag() != got[1].ToTag() || len(rows) != 1 {
		t.Errorf("%v, %d rows", got, len(rows))
	}
	must[*Message](t)(call.Cancel(t.Context()))

	p.carrier.On("988", Answer(0))
	call, leg := p.talk(t, Plan{})
	before := len(call.Responses())
	if err := call.Retransmit(); err != nil {
		t.Fatal(err)
	}
	must[*Message](t)(call.Info(t.Context(), Body{"text/plain", "x"})) // and the INVITE came before it
	if got := call.Responses()[before:]; len(got) != 0 {
		t.Errorf("an INVITE that has its 2xx is absorbed, not answered with %v", got)
	}
	leg.first.receive(leg.Requests()[0])
	eventually(t, "the 200 to the INFO again", func() bool { return p.phone.Counters().Repeats == 1 })
	if len(leg.Requests()) != 1 {
		t.Error("a repeated INFO is a second one")
	}
}

func TestRouteSets(t *testing.T) {
	p := newPair(t, "udp", defaultT1, nil)
	hop := func(to netip.AddrPort, n string) string { return "<sip:" + to.String() + ";lr;n=" + n + ">" }
	there, back := p.carrier.Addr(), p.phone.Addr()
	b := Answer(0)
	b.Headers = []Header{{"Record-Route", hop(there, "1") + ", " + hop(there, "2")}, {"Record-Route", hop(there, "3")}}
	p.carrier.On("988", b)
	// The carrier copies the Record-Route of the INVITE as well: a proxy's that lies nearer to the phone.
	call, leg := p.talk(t, Plan{Headers: []Header{{"Record-Route", hop(back, "4") + "," + hop(back, "5")}}})
	must[*Message](t)(call.Info(t.Context(), Body{"text/plain", "x"}))
	must[*Message](t)(leg.Request(t.Context(), "INFO", Body{"text/plain", "y"}))
	for _, c := range []struct {
		m    *Message
		want []string
	}{
		{leg.Requests()[0], []string{hop(there, "3"), hop(there, "2"), hop(there, "1"), hop(back, "5"), hop(back, "4")}},
		{call.Requests()[0], []string{hop(back, "4"), hop(back, "5")}},
	} {
		if got := c.m.All("Route"); !slices.Equal(got, c.want) {
			t.Errorf("%s has the routes %q, want %q", c.m, got, c.want)
		}
	}
}

func TestChallengeIsAnsweredOnce(t *testing.T) {
	onBoth(t, defaultT1, func(t *testing.T, p pair) {
		asked := 0
		auth := func(m *Message, method, uri string) (Header, bool) {
			asked++
			return Header{"Authorization", `Digest username="101", uri="` + uri + `"`}, strings.HasPrefix(m.Get("WWW-Authenticate"), "Digest")
		}
		p.carrier.On("988", Challenged("here", Answer(0)))
		call := p.phone.Place(Plan{Number: "988", Auth: auth})
		answer := must[*Message](t)(call.Answered(t.Context()))
		if n, _ := answer.CSeq(); n != 2 || asked != 1 {
			t.Errorf("answered CSeq %d, asked %d times", n, asked)
		}
		rows, _ := p.carrier.Record()
		if len(rows) != 2 || rows[0].Code != 401 || rows[1].Code != 200 || rows[0].CallID != rows[1].CallID {
			t.Errorf("rows %+v", rows)
		}
		refused := Challenged("here", Answer(0))
		refused.Demand.Accept = func(*Message) bool { return false }
		p.carrier.On("989", refused)
		if m := must[*Message](t)(p.phone.Place(Plan{Number: "989", Auth: auth}).Final(t.Context())); m.Code != 401 {
			t.Errorf("wrong credentials got %s", m)
		}
	})
}

func TestLateAnswerAfterARefusal(t *testing.T) {
	p := newPair(t, "udp", defaultT1, nil)
	p.carrier.On("988", RingForever())
	call := p.phone.Call("988")
	leg := must[*Leg](t)(p.carrier.Await(t.Context(), "988"))
	must[*Message](t)(call.Cancel(t.Context()))
	must[*Message](t)(call.Final(t.Context()))
	leg.AcceptFork()
	eventually(t, "the contradiction ended", func() bool { return p.carrier.Totals().Ended == 1 })
	if n := p.phone.Counters(); n.LateAnswers != 1 {
		t.Errorf("counted %+v", n)
	}
}

func TestEarlyBye(t *testing.T) {
	p := newPair(t, "udp", defaultT1, nil)
	p.carrier.On("988", RingForever())
	call := p.phone.Call("988")
	must[*Message](t)(call.Ringing(t.Context()))
	must[*Message](t)(call.Bye(t.Context()))
	if m := must[*Message](t)(call.Final(t.Context())); m.Code != 487 {
		t.Errorf("the INVITE got %s", m)
	}
	if total := p.carrier.Totals(); total.Answered != 0 || total.Ended != 0 {
		t.Errorf("the carrier has %+v", total)
	}
}
