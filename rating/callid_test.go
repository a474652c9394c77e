package rating

import "testing"

func TestCallIDIsTheSameForTheSameINVITEOnly(t *testing.T) {
	id := NewCallID("101", "a84b4c76e66710", "1928301774", 314159)
	if again := NewCallID("101", "a84b4c76e66710", "1928301774", 314159); again != id {
		t.Fatalf("the same INVITE is %s and %s", id, again)
	}
	for name, other := range map[string]CallID{
		"another extension":              NewCallID("102", "a84b4c76e66710", "1928301774", 314159),
		"another Call-ID":                NewCallID("101", "a84b4c76e66711", "1928301774", 314159),
		"another tag":                    NewCallID("101", "a84b4c76e66710", "1928301775", 314159),
		"another CSeq":                   NewCallID("101", "a84b4c76e66710", "1928301774", 314160),
		"the same text cut elsewhere":    NewCallID("101", "a84b4c76e667101", "928301774", 314159),
		"text moved between the columns": NewCallID("101a", "84b4c76e66710", "1928301774", 314159),
	} {
		if other == id {
			t.Errorf("%s has the same id", name)
		}
	}
}

func TestCallIDNamesTheShardOfItsExtension(t *testing.T) {
	for _, extension := range []string{"101", "102", "103", "bob", "+4930", "*#._-", ""} {
		id := NewCallID(extension, "x@y", "tag", 1)
		if shard, ok := id.Shard(); !ok || shard != ShardOf(extension) {
			t.Errorf("shard of %s = %d, %v; that of %q is %d", id, shard, ok, extension, ShardOf(extension))
		}
	}
	if got := ShardOf("101"); got != 15 { // stored data depend on it
		t.Errorf("ShardOf(101) = %d, want 15", got)
	}
}

func TestOtherTextIsNoCallID(t *testing.T) {
	good := string(NewCallID("101", "x@y", "tag", 1))
	for _, id := range []string{"", "1", good[:31], good + "0", "16" + good[2:], "a5" + good[2:], good[:31] + "}", good[:31] + "A"} {
		if shard, ok := CallID(id).Shard(); ok {
			t.Errorf("%q passes as a call of shard %d", id, shard)
		}
	}
}
