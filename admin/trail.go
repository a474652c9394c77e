package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"reflect"
	"sync"
)

// trail is what a request changes, as the audit log keeps it. Whoever makes a change tells it; a request that tells
// nothing is recorded all the same, with the object that its path names.
type trail struct {
	mu          sync.Mutex
	alterations []alteration
	at          map[string]int // by object
	spared      bool
}

// alteration is one object that was changed.
type alteration struct {
	object        string // such as "extension 101"
	before, after any    // nil: it was not there, or is gone. Never a secret.
}

// trailFrom returns the trail of a request; nil where nobody follows it.
func trailFrom(ctx context.Context) *trail {
	t, _ := ctx.Value(trailKey).(*trail)
	return t
}

// tell adds a change; told again, of the same object, it takes the place of what was told first.
func (t *trail) tell(object string, before, after any) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if i, again := t.at[object]; again {
		t.alterations[i] = alteration{object, before, after}
		return
	}
	if t.at == nil {
		t.at = map[string]int{}
	}
	t.at[object] = len(t.alterations)
	t.alterations = append(t.alterations, alteration{object, before, after})
}

// spare says that the request changes nothing, though its operation may: there is nothing to record.
func (t *trail) spare() {
	if t != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.spared = true
	}
}

func (t *trail) isSpared() bool {
	if t == nil {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.spared
}

func (t *trail) told() []alteration {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.alterations
}

// secret is a value that must not be shown: a change of it says that it changed, and not to what.
type secret struct{ set bool }

func (s secret) text() string {
	if s.set {
		return "(set)"
	}
	return ""
}

// secretChange describes a secret before and after: equal texts where it stayed.
func secretChange(before, after any) (string, string) {
	b, a := secret{!reflect.ValueOf(before).IsZero()}.text(), secret{!reflect.ValueOf(after).IsZero()}.text()
	if b == a && !reflect.DeepEqual(before, after) {
		a = "(changed)"
	}
	return b, a
}

// fields is a resource without what only reads, such as money and health: what operators edit.
func fields(resource any, more map[string]any) map[string]json.RawMessage {
	text, err := json.Marshal(resource)
	var all map[string]json.RawMessage
	if err != nil || json.Unmarshal(text, &all) != nil {
		return nil // made of our own types: it cannot be
	}
	t := reflect.TypeOf(resource)
	for _, f := range reflect.VisibleFields(t) {
		if name := jsonName(f); f.Tag.Get("readOnly") == "true" && name != "id" {
			delete(all, name)
		}
	}
	for name, value := range more {
		if text, err := json.Marshal(value); err == nil {
			all[name] = text
		}
	}
	return all
}

// differing keeps of both sides what is not the same on the other.
func differing(before, after map[string]json.RawMessage) (was, is map[string]json.RawMessage) {
	was, is = map[string]json.RawMessage{}, map[string]json.RawMessage{}
	for name, value := range before {
		if !bytes.Equal(value, after[name]) {
			was[name] = value
		}
	}
	for name, value := range after {
		if !bytes.Equal(value, before[name]) {
			is[name] = value
		}
	}
	return was, is
}
