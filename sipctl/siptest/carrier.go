package siptest

import (
	"context"
	"sync"
)

// CarrierConfig says how a carrier treats its calls.
type CarrierConfig struct {
	Config
	Default     Behaviour                // for numbers without one of their own
	Choose      func(*Message) Behaviour // if set: chooses instead of Default, for numbers without one of their own
	Registrar   func(*Message) Reply     // if set: answers REGISTER
	RecordLimit int                      // calls that the record keeps, the newest; default 20 000, with Lean 1000
}

const (
	defaultRecordLimit = 20_000
	leanRecordLimit    = 1000
	maxUnclaimed       = 4096 // calls that Await may still find
)

// Carrier takes calls as scripted and keeps its own record of them.
type Carrier struct {
	ua
	config CarrierConfig
	bell   bell // something in the record has changed

	table     sync.Mutex // guards what follows; a leaf: nothing is called with it held
	numbers   map[string]Behaviour
	invites   map[string]*Leg // by branch of the INVITE
	record    []*Leg          // in order of arrival, at most RecordLimit
	dropped   int             // how many the record has lost
	unclaimed []*Leg          // not yet given out by Await
	totals    Totals
}

// NewCarrier opens the socket. Close it in the end.
func NewCarrier(c CarrierConfig) (*Carrier, error) {
	c.Config = c.Config.withDefaults("carrier")
	switch {
	case c.RecordLimit == 0 && c.Lean:
		c.RecordLimit = leanRecordLimit
	case c.RecordLimit == 0:
		c.RecordLimit = defaultRecordLimit
	}
	k := &Carrier{config: c, numbers: map[string]Behaviour{}, invites: map[string]*Leg{}}
	if err := k.open(c.Config, k, right); err != nil {
		return nil, err
	}
	return k, nil
}

// On sets the behaviour for a called number, from the next INVITE on.
func (k *Carrier) On(number string, b Behaviour) {
	k.table.Lock()
	defer k.table.Unlock()
	k.numbers[number] = b
}

func (k *Carrier) behaviour(m *Message) Behaviour {
	k.table.Lock()
	b, listed := k.numbers[User(m.URI)]
	k.table.Unlock()
	switch {
	case !listed && k.config.Choose != nil:
		b = k.config.Choose(m)
	case !listed:
		b = k.config.Default
	}
	if !b.Demand.satisfied(m) {
		return Reject(b.Demand.Code, "Unauthorized", b.Demand.Header)
	}
	return b
}

// outOfDialog takes new INVITEs and what belongs to them, and OPTIONS. Anything else has lost its way.
func (k *Carrier) outOfDialog(m *Message) {
	switch m.Method {
	case "INVITE", "CANCEL":
		leg := k.leg(m.Branch())
		switch {
		case leg != nil:
			leg.receive(m)
		case m.Method == "INVITE" && m.ToTag() == "":
			k.take(m)
		default:
			k.stray(m)
		}
	case "OPTIONS", "REGISTER":
		if m.ToTag() != "" {
			k.stray(m)
			return
		}
		if m.Method == "REGISTER" && k.config.Registrar != nil {
			k.answer(m, k.config.Registrar(m))
			return
		}
		k.answer(m, k.reply(m.Method))
	default:
		k.stray(m)
	}
}

func (k *Carrier) ackedRefusal(ack *Message) bool {
	leg := k.leg(ack.Branch())
	return leg != nil && leg.ackedRefusal()
}

func (k *Carrier) stray(m *Message) {
	k.count.strayRequests.Add(1)
	k.answer(m, Reply{Code: 481})
}

func (k *Carrier) leg(branch string) *Leg {
	k.table.Lock()
	defer k.table.Unlock()
	return k.invites[branch]
}

// take begins a new call.
func (k *Carrier) take(m *Message) {
	l := k.newLeg(m, k.behaviour(m))
	k.table.Lock()
	if k.invites[l.branch] != nil { // two copies at once
		k.table.Unlock()
		return
	}
	k.invites[l.branch] = l
	k.table.Unlock()
	if err := k.enlist(&l.first); err != nil {
		k.table.Lock()
		delete(k.invites, l.branch)
		k.table.Unlock()
		k.answer(m, Reply{Code: 503, Reason: "Full"})
		return
	}
	k.table.Lock()
	k.totals.Calls++
	k.record = append(k.record, l)
	if excess := len(k.record) - k.config.RecordLimit; excess > 0 {
		k.record[0], k.record = nil, k.record[excess:]
		k.dropped += excess
	}
	if !k.conf.Lean {
		k.unclaimed = append(k.unclaimed, l)
		if len(k.unclaimed) > maxUnclaimed {
			k.unclaimed = k.unclaimed[1:]
		}
	}
	k.table.Unlock()
	l.begin()
	k.bell.ring()
}

// Await waits for a call to this number that it has not yet returned, the oldest first. An empty number means any.
func (k *Carrier) Await(ctx context.Context, number string) (*Leg, error) {
	var found *Leg
	err := k.wait(ctx, &k.bell, func() bool {
		k.table.Lock()
		defer k.table.Unlock()
		for i, l := range k.unclaimed {
			if number == "" || l.number == number {
				found = l
				k.unclaimed = append(k.unclaimed[:i:i], k.unclaimed[i+1:]...)
				return true
			}
		}
		return false
	}, "a call to "+number, k.state)
	return found, err
}

// WaitLive waits until exactly n dialogs are answered and not ended.
func (k *Carrier) WaitLive(ctx context.Context, n int) error {
	return k.wait(ctx, &k.bell, func() bool { return k.Live() == n }, "a number of live calls", k.state)
}

// Live counts the dialogs that are answered and not ended.
func (k *Carrier) Live() int {
	k.table.Lock()
	defer k.table.Unlock()
	return k.totals.Answered - k.totals.Ended
}

// HangUpAll hangs up every live call.
func (k *Carrier) HangUpAll(script ...Header) {
	k.table.Lock()
	legs := make([]*Leg, 0, len(k.invites))
	for _, l := range k.invites {
		legs = append(legs, l)
	}
	k.table.Unlock()
	for _, l := range legs {
		l.HangUp(script...)
	}
}

func (k *Carrier) note(change func(*Totals)) {
	k.table.Lock()
	change(&k.totals)
	k.table.Unlock()
	k.bell.ring()
}
