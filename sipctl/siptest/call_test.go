package siptest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestPlainCall(t *testing.T) {
	onBoth(t, defaultT1, func(t *testing.T, p pair) {
		p.carrier.On("988", Answer(30*time.Millisecond))
		call := p.phone.Call("988")
		must[*Message](t)(call.Ringing(t.Context()))
		answer := must[*Message](t)(call.Answered(t.Context()))
		if answer.Body != SDP(p.carrier.Addr()).Text {
			t.Errorf("the answer's body is %q", answer.Body)
		}
		leg := must[*Leg](t)(p.carrier.Await(t.Context(), "988"))
		if err := leg.Acked(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
		if bye := must[*Message](t)(call.Bye(t.Context(), Header{"Reason", "Q.850;cause=16"})); bye.Code != 200 {
			t.Errorf("the BYE got %s", bye)
		}
		row := p.row(t, ended)
		if row.EndedBy != Remote || row.Reason != "Q.850;cause=16" || row.Code != 200 || row.Number != "988" || row.From != "101" {
			t.Errorf("row %+v", row)
		}
		if off := (row.Talked - call.Talked()).Abs(); off > 10*time.Millisecond || row.Talked < 50*time.Millisecond {
			t.Errorf("the carrier has %s, the phone %s", row.Talked, call.Talked())
		}
		if row.Seconds() != 1 || row.Live() || p.carrier.Live() != 0 {
			t.Errorf("%d seconds, live %t, %d live", row.Seconds(), row.Live(), p.carrier.Live())
		}
		if n := p.carrier.Counters(); n.Invites != 1 || n.Acks != 1 || n.Byes != 1 || n.StrayRequests+n.StrayResponses+n.Malformed != 0 {
			t.Errorf("carrier counted %+v", n)
		}
	})
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		why  string
		b    Behaviour
		code int
		name string // a header that must come along
		want string
	}{
		{"busy", Busy(), 486, "", ""},
		{"overloaded with a time to come back", Overloaded("30"), 503, "Retry-After", "30"},
		{"redirected", Redirect("sip:1@192.0.2.1"), 302, "Contact", "<sip:1@192.0.2.1>"},
		{"refused with a cause", Reject(404, "", Header{"Reason", "Q.850;cause=1"}), 404, "Reason", "Q.850;cause=1"},
		{"refused after ringing", RejectAfter(20*time.Millisecond, 480, "Away"), 480, "", ""},
		{"challenged with no answer to it", Challenged("here", Busy()), 401, "WWW-Authenticate",
			`Digest realm="here", nonce="4f9b1c", algorithm=MD5, qop="auth"`},
	} {
		t.Run(c.why, func(t *testing.T) {
			onBoth(t, fastT1, func(t *testing.T, p pair) {
				p.carrier.On("988", c.b)
				call := p.phone.Call("988")
				_, err := call.Answered(t.Context())
				var rejected *Rejected
				if !errors.As(err, &rejected) || rejected.Response.Code != c.code || rejected.Response.Get(c.name) != c.want {
					t.Fatalf("got %v", err)
				}
				if row := p.row(t, func(Row) bool { return true }); row.Code != c.code || row.Answered() || row.Talked != 0 {
					t.Errorf("row %+v", row)
				}
				eventually(t, "an ACK to the refusal", func() bool { return p.carrier.Counters().Acks > 0 })
				sent := p.carrier.Counters().Retransmitted
				time.Sleep(4 * fastT1)
				if n := p.carrier.Counters(); n.Retransmitted != sent || n.StrayRequests != 0 {
					t.Errorf("after the ACK the carrier has counted %+v", n)
				}
			})
		})
	}
}

func TestCancel(t *testing.T) {
	onBoth(t, defaultT1, func(t *testing.T, p pair) {
		p.carrier.On("988", RingForever())
		call := p.phone.Call("988")
		if got := must[*Message](t)(call.Cancel(t.Context())); got.Code != 200 {
			t.Errorf("the CANCEL got %s", got)
		}
		if final := must[*Message](t)(call.Final(t.Context())); final.Code != 487 {
			t.Errorf("the INVITE got %s", final)
		}
		if row := p.row(t, func(r Row) bool { return r.Code == 487 }); row.Cancelled.IsZero() || row.Answered() {
			t.Errorf("row %+v", row)
		}
		eventually(t, "an ACK to the 487", func() bool { return p.carrier.Counters().Acks == 1 })
	})
}

func TestCancelInTheSameBreath(t *testing.T) {
	onBoth(t, defaultT1, func(t *testing.T, p pair) {
		p.carrier.On("988", Answer(time.Second))
		call := p.phone.Place(Plan{Number: "988", CancelAtOnce: true})
		if final := must[*Message](t)(call.Final(t.Context())); final.Code != 487 {
			t.Errorf("the INVITE got %s", final)
		}
		if n := p.carrier.Counters(); n.Cancels != 1 || n.StrayRequests != 0 {
			t.Errorf("carrier counted %+v", n)
		}
	})
}

func TestAnswerThatCrossesCancelIsEnded(t *testing.T) {
	for why, b := range map[string]Behaviour{
		"at the CANCEL":    AnswerOnCancel(),
		"after the CANCEL": AnswerDespiteCancel(40 * time.Millisecond),
	} {
		t.Run(why, func(t *testing.T) {
			onBoth(t, defaultT1, func(t *testing.T, p pair) {
				p.carrier.On("988", b)
				call := p.phone.Call("988")
				must[*Message](t)(call.Cancel(t.Context()))
				row := p.row(t, ended)
				if !row.Answered() || row.AckedAt.IsZero() || row.EndedBy != Remote || row.Cancelled.IsZero() {
					t.Errorf("row %+v", row)
				}
				if end := must[End](t)(call.Ended(t.Context())); end.By != Local {
					t.Errorf("the phone ended by %s", end.By)
				}
			})
		})
	}
}

func TestForksAreAcknowledgedAndEnded(t *testing.T) {
	onBoth(t, defaultT1, func(t *testing.T, p pair) {
		p.carrier.On("988", Forked(3))
		call := p.phone.Call("988")
		must[*Message](t)(call.Answered(t.Context()))
		if err := p.carrier.WaitLive(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		eventually(t, "two forks ended", func() bool { return p.carrier.Totals().Ended == 2 })
		rows, _ := p.carrier.Record()
		if len(rows) != 3 || !rows[0].Live() || rows[1].Live() || rows[2].Live() || call.Forks() != 2 {
			t.Fatalf("%d forks, %d rows", call.Forks(), len(rows))
		}
		for _, r := range rows {
			if r.AckedAt.IsZero() || r.CallID != call.ID() {
				t.Errorf("fork %d: %+v", r.Fork, r)
			}
		}
		call.mu.Lock()
		for _, m := range call.responses {
			call.onResponse(m) // a fork's 200 that comes again is no further fork
		}
		call.mu.Unlock()
		if call.Forks() != 2 || p.carrier.Counters().Byes != 2 {
			t.Errorf("%d forks, %d BYEs", call.Forks(), p.carrier.Counters().Byes)
		}
		must[*Message](t)(call.Bye(t.Context()))
		if err := p.carrier.WaitLive(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
	})
}

func TestMissingAck(t *testing.T) {
	onBoth(t, fastT1, func(t *testing.T, p pair) {
		p.carrier.On("988", Answer(0))
		call := p.phone.Place(Plan{Number: "988", NoAck: true})
		must[*Message](t)(call.Answered(t.Context()))
		row := p.row(t, ended)
		if limit := timeout * fastT1; row.EndedBy != Local || !row.AckedAt.IsZero() || row.Talked < limit || row.Talked > limit+500*time.Millisecond {
			t.Errorf("the carrier gave up after %s: %+v", row.Talked, row)
		}
		if copies := p.phone.Counters().Repeats; copies < 5 { // T1 doubling up to T2: at 1, 3, 7, 15, 23, … T1
			t.Errorf("the 200 came again %d times", copies)
		}
		if end := must[End](t)(call.Ended(t.Context())); end.By != Remote {
			t.Errorf("the phone ended by %s", end.By)
		}
	})
}

func TestLateAck(t *testing.T) {
	onBoth(t, fastT1, func(t *testing.T, p pair) {
		p.carrier.On("988", Answer(0))
		call := p.phone.Place(Plan{Number: "988", AckAfter: 100 * time.Millisecond})
		answer := must[*Message](t)(call.Answered(t.Context()))
		row := p.row(t, func(r Row) bool { return !r.AckedAt.IsZero() })
		if late := row.AckedAt.Sub(answer.At); late < 100*time.Millisecond {
			t.Errorf("acknowledged after %s", late)
		}
		if p.carrier.Counters().Retransmitted == 0 {
			t.Error("no 200 was repeated")
		}
	})
}

func TestLostAcksAreSentAgain(t *testing.T) {
	onBoth(t, fastT1, func(t *testing.T, p pair) {
		p.carrier.On("988", Answer(0))
		call := p.phone.Place(Plan{Number: "988", LoseAcks: 2})
		must[*Message](t)(call.Answered(t.Context()))
		row := p.row(t, func(r Row) bool { return !r.AckedAt.IsZero() })
		if late := row.AckedAt.Sub(row.AnsweredAt); late < 3*fastT1 { // with the copies at T1 and 3 T1
			t.Errorf("acknowledged after %s", late)
		}
	})
}

func TestSetUps(t *testing.T) {
	for _, c := range []struct {
		why   string
		b     Behaviour
		codes []int
		early bool // a provisional with a body
	}{
		{"answered out of the blue", AnswerSilently(10 * time.Millisecond), []int{200}, false},
		{"early media, then answered", EarlyMedia(10 * time.Millisecond), []int{100, 183, 200}, true},
		{"tried for ever, cancelled", TryingForever(), []int{100, 487}, false},
		{"early media for ever, cancelled", EarlyMediaForever(), []int{100, 183, 487}, true},
	} {
		t.Run(c.why, func(t *testing.T) {
			onBoth(t, defaultT1, func(t *testing.T, p pair) {
				p.carrier.On("988", c.b)
				call := p.phone.Call("988")
				final := c.codes[len(c.codes)-1]
				if final == 487 {
					must[*Message](t)(call.WaitFor(t.Context(), c.codes[len(c.codes)-2]))
					must[*Message](t)(call.Cancel(t.Context()))
					leg := must[*Leg](t)(p.carrier.Await(t.Context(), "988"))
					if err := leg.Cancelled(t.Context()); err != nil {
						t.Error(err)
					}
				}
				must[*Message](t)(call.Final(t.Context()))
				var codes []int
				early := false
				for _, m := range call.Responses() {
					codes = append(codes, m.Code)
					early = early || m.Code < 200 && m.Body != ""
				}
				if !slices.Equal(codes, c.codes) || early != c.early {
					t.Errorf("heard %v, early media %t", codes, early)
				}
				want := errAnswered.Error()
				if final == 487 {
					want = "rejected: 487"
				}
				if _, err := call.WaitFor(t.Context(), 699); !strings.Contains(fmt.Sprint(err), want) {
					t.Errorf("who waits for what cannot come any more is told %v", err)
				}
			})
		})
	}
}

func TestManyProvisionals(t *testing.T) {
	onBoth(t, defaultT1, func(t *testing.T, p pair) {
		p.carrier.On("988", Many18x(30, 2*time.Millisecond))
		call := p.phone.Call("988")
		must[*Message](t)(call.Answered(t.Context()))
		early := 0
		for _, m := range call.Responses() {
			if m.Code == 183 && m.Body != "" {
				early++
			}
		}
		if early != 30 {
			t.Errorf("%d times 183", early)
		}
		if call.RingTime() <= 0 || call.AnswerTime() < call.RingTime() {
			t.Errorf("rang after %s, answered after %s", call.RingTime(), call.AnswerTime())
		}
	})
}

func TestSilentTrunk(t *testing.T) {
	t.Parallel()
	p := newPair(t, "udp", fastT1, nil)
	p.carrier.On("988", Silent())
	call := p.phone.Call("988")
	if _, err := call.Answered(t.Context()); !errors.Is(err, ErrTimeout) {
		t.Fatalf("got %v", err)
	}
	eventually(t, "seven INVITEs", func() bool { // RFC 3261 §17.1.1.2: at 0, 1, 3, 7, 15, 31, 63 T1
		n := p.carrier.Counters()
		return n.Invites == 7 && n.Repeats == 6
	})
	if p.row(t, func(Row) bool { return true }).Code != 0 {
		t.Error("the silent trunk has answered")
	}
}

func TestProvisionalEndsRepetitionAndTimerB(t *testing.T) {
	t.Parallel()
	p := newPair(t, "udp", fastT1, nil)
	p.carrier.On("988", RingForever())
	call := p.phone.Call("988")
	must[*Message](t)(call.Ringing(t.Context()))
	sent := p.phone.Counters().Retransmitted
	time.Sleep((timeout + 4) * fastT1)
	if now := p.phone.Counters().Retransmitted; now != sent {
		t.Errorf("the INVITE was sent %d times more", now-sent)
	}
	must[*Leg](t)(p.carrier.Await(t.Context(), "988")).Accept()
	must[*Message](t)(call.Answered(t.Context()))
}

func TestDeafCarrier(t *testing.T) {
	p := newPair(t, "udp", fastT1, nil)
	p.carrier.On("988", Answer(0))
	p.carrier.Deaf(true)
	call := p.phone.Call("988")
	time.Sleep(2 * fastT1)
	p.carrier.Deaf(false)
	must[*Message](t)(call.Answered(t.Context()))
}
