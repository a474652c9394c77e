package sipctl

import (
	"math/rand/v2"
	"testing"
)

// want says what every event does in every state; "" is nothing at all: the event is late, repeated or crossed another.
type want struct {
	next state
	todo action
}

var whole = map[state]map[happening]want{
	authorizing: {
		onAuthorized: {calling, dial},
		onRefused:    {over, refuse | file},
		onCancel:     {withdrawn, refuse},
		onGiveUp:     {withdrawn, refuse},
	},
	withdrawn: {
		onAuthorized: {over, settle}, // the hold that came too late is given back
		onRefused:    {over, file},
	},
	calling: {
		onRinging:   {ringing, ring},
		onAccepted:  {storing, store},
		onDeclined:  {calling, dial},
		onExhausted: {over, refuse | settle},
		onCancel:    {over, refuse | abandon | settle},
		onGiveUp:    {over, refuse | abandon | settle},
	},
	ringing: {
		onRinging:   {ringing, ring},
		onAccepted:  {storing, store},
		onDeclined:  {over, refuse | settle}, // never another trunk after an 18x
		onExhausted: {over, refuse | settle},
		onCancel:    {over, refuse | abandon | settle},
		onGiveUp:    {over, refuse | abandon | settle},
	},
	storing: {
		onStored:   {answered, connect},
		onCancel:   {over, refuse | hangUpTrunk | settle}, // before our 200: nobody pays
		onGiveUp:   {over, refuse | hangUpTrunk | settle},
		onStop:     {over, refuse | hangUpTrunk | settle},
		onTrunkBye: {over, refuse | settle},
	},
	answered: {
		onAck:       {talking, confirm},
		onNoAck:     {ending, byeCaller | byeTrunk},
		onCallerBye: {ending, confirm | byeTrunk},
		onTrunkBye:  {ending, byeCaller},
		onStop:      {ending, byeCaller | byeTrunk},
	},
	talking: {
		onAck:       {talking, confirm},
		onCallerBye: {ending, confirm | byeTrunk},
		onTrunkBye:  {ending, byeCaller},
		onStop:      {ending, byeCaller | byeTrunk},
	},
	ending: {
		onAck:      {ending, confirm},
		onNoAck:    {ending, byeCaller},
		onByesDone: {over, settle},
	},
	over: {},
}

func TestEveryEventInEveryState(t *testing.T) {
	for s := range states {
		row, ok := whole[s]
		if !ok {
			t.Errorf("state %d is not in the table", s)
		}
		for h := range happenings {
			w, ok := row[h]
			if !ok {
				w = want{next: s}
			}
			if next, todo := step(s, h); next != w.next || todo != w.todo {
				t.Errorf("state %d, event %d: goes to %d and does %b, want %d and %b", s, h, next, todo, w.next, w.todo)
			}
		}
	}
}

// FuzzLife drives a call through any events: whatever comes, in whatever order, it is closed at most once, the caller gets
// one final answer, and no trunk is left with an answer that nobody hangs up.
func FuzzLife(f *testing.F) {
	f.Add([]byte{0, 2, 3, 8, 9, 11, 14})
	f.Add([]byte{0, 2, 3, 6, 8})
	f.Add([]byte{6, 0})
	f.Add([]byte{0, 3, 8, 10, 14, 14})
	f.Fuzz(func(t *testing.T, events []byte) { checkLife(t, events) })
}

func TestAnyLife(t *testing.T) {
	for range 200_000 {
		events := make([]byte, 3+rand.IntN(20))
		for i := range events {
			events[i] = byte(rand.IntN(int(happenings)))
		}
		checkLife(t, events)
	}
}

func checkLife(t *testing.T, events []byte) {
	s := authorizing
	var closed, finals, trunkUp int
	for _, e := range events {
		before := s
		var todo action
		s, todo = step(s, happening(e%byte(happenings)))
		if before == over && (s != over || todo != 0) {
			t.Fatalf("%v: a call that is over does %b", events, todo)
		}
		if todo&(settle|file) != 0 {
			closed++
		}
		if todo&refuse != 0 {
			finals++
		}
		if todo&connect != 0 {
			finals++
		}
		if todo&store != 0 {
			trunkUp++
		}
		if todo&(hangUpTrunk|byeTrunk) != 0 || happening(e%byte(happenings)) == onTrunkBye {
			trunkUp = 0
		}
	}
	if closed > 1 || finals > 1 {
		t.Fatalf("%v: closed %d times, %d final answers", events, closed, finals)
	}
	if s == over && (closed != 1 || finals != 1 || trunkUp > 0) {
		t.Fatalf("%v: over with %d records, %d final answers, %d answers of trunks left", events, closed, finals, trunkUp)
	}
}
