package guard

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const options = "OPTIONS sip:gw.example.com SIP/2.0\r\n" +
	"Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1\r\n" +
	"From: <sip:101@pbx.example.com>;tag=1\r\n" +
	"To: <sip:gw.example.com>\r\n" +
	"Call-ID: 1@192.0.2.1\r\n" +
	"CSeq: 1 OPTIONS\r\n" +
	"Content-Length: 0\r\n\r\n"

// with returns the request with one more header line.
func with(line string) string {
	return strings.Replace(options, "Call-ID:", line+"\r\nCall-ID:", 1)
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		sentence string
		datagram string
		want     Reason
	}{
		{"a plain request passes", options, Passed},
		{"a response passes", "SIP/2.0 200 OK\r\nCSeq: 1 OPTIONS\r\n\r\n", Passed},
		{"a folded header passes", with("Subject: a\r\n\tb"), Passed},
		{"a tab in a value passes", with("Subject: a\tb"), Passed},
		{"UTF-8 in a value passes", with("Subject: Grüße"), Passed},
		{"a body may hold anything", options + "\x00\n\r\x01", Passed},
		{"an extension method in mixed case is a method of its own", strings.ReplaceAll(options, "OPTIONS", "Newmethod"), Passed},
		{"an empty datagram keeps a mapping alive", "", Keepalive},
		{"a line end keeps it alive", "\r\n", Keepalive},
		{"so does a double line end", "\r\n\r\n", Keepalive},
		{"so do the NULs of old phones", "\x00\x00\x00\x00", Keepalive},
		{"STUN is not SIP and no error either", "\x00\x01\x00\x00\x21\x12\xa4\x42123456789012", STUN},
		{"a few bytes are no message", "INVITE sip:a SIP/2", TooShort},
		{"more than 16384 bytes are refused", options + strings.Repeat("x", MaxMessage), TooLong},
		{"16384 bytes are not", options + strings.Repeat("x", MaxMessage-len(options)), Passed},
		{"a message begins with a token", " " + options, NotSIP},
		{"a TLS hello is no message", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("\x7f", 40), NotSIP},
		{"an empty line must end the header section", strings.TrimSuffix(options, "\r\n"), NoHeaderEnd},
		{"a LF alone is no line end", strings.ReplaceAll(options, "\r\n", "\n"), BareLineEnd},
		{"nor inside a value", with("Subject: a\nP-Asserted-Identity: <sip:vip@example.com>"), BareLineEnd},
		{"a CR alone neither", with("Subject: a\rP-Asserted-Identity: <sip:vip@example.com>"), BareLineEnd},
		{"nor CR CR LF", with("Subject: a\r"), BareLineEnd},
		{"NUL is refused", with("Subject: a\x00b"), Control},
		{"ESC is refused", with("Subject: \x1b[2J"), Control},
		{"DEL is refused", with("Subject: a\x7f"), Control},
		{"128 lines are the limit", with(strings.Repeat("X: 1\r\n", 120) + "X: 1"), Passed},
		{"129 are too many", with(strings.Repeat("X: 1\r\n", 121) + "X: 1"), TooManyLines},
		{"a line may have 4096 bytes", with("X: " + strings.Repeat("1", 4093)), Passed},
		{"but not 4097", with("X: " + strings.Repeat("1", 4094)), LineTooLong},
		{"a line that never ends is too long too", "OPTIONS sip:" + strings.Repeat("x", 5000), LineTooLong},
		{"a header has a name", with(": value"), HeaderName},
		{"and a colon", with("Subject"), HeaderName},
		{"a name is a token", with("Sub ject: x"), HeaderName},
		{"also where Unicode has a space", with("Content-Length\u00a0: 5"), HeaderName},
		{"spaces before the colon are legal", with("Subject  \t: x"), Passed},
		{"a start line is not continued", strings.Replace(options, "\r\n", "\r\n ", 1), HeaderName},
		{"a known method in small letters is refused", strings.ReplaceAll(options, "OPTIONS", "options"), MethodCase},
		{"also in mixed ones", strings.ReplaceAll(options, "OPTIONS", "OPTIONs"), MethodCase},
	} {
		if got := Check([]byte(c.datagram)); got != c.want {
			t.Errorf("%s: got %s, want %s", c.sentence, got, c.want)
		}
	}
}

// The torture messages of RFC 4475: the guard lets through what a parser can judge, and stops what could be read in two ways.
func TestCheckTortureMessages(t *testing.T) {
	stopped := map[string]Reason{
		"intmeth": Control, // quoted NUL, BEL and DEL in a display name: legal, and a line end to somebody
	}
	files, err := filepath.Glob("../testdata/rfc4475/*.dat")
	if err != nil || len(files) != 49 {
		t.Fatalf("%d messages, want 49: %v", len(files), err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".dat")
		if got := Check(b); got != stopped[name] {
			t.Errorf("%s: got %s, want %s", name, got, stopped[name])
		}
	}
}

func TestCheckAllocatesNothing(t *testing.T) {
	for _, message := range []string{options, with("Subject: a\nb"), with("X: " + strings.Repeat("1", 5000)), "\r\n\r\n"} {
		b := []byte(message)
		if n := testing.AllocsPerRun(100, func() { Check(b) }); n != 0 {
			t.Errorf("%.30q: %v allocations", message, n)
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	invite := []byte(with("User-Agent: Phone 1.0") + strings.Repeat("a=rtpmap:0 PCMU/8000\r\n", 10))
	for b.Loop() {
		if Check(invite) != Passed {
			b.Fatal("refused")
		}
	}
}

// What passes has a header section without a line end, NUL or control character that is not part of a CRLF.
func FuzzCheck(f *testing.F) {
	files, _ := filepath.Glob("../testdata/rfc4475/*.dat")
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(with("Subject: a\nb")))
	f.Add([]byte("\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		before := bytes.Clone(b)
		r := Check(b)
		if !bytes.Equal(b, before) {
			t.Fatal("the datagram was changed")
		}
		if r != Passed {
			return
		}
		section, _, found := bytes.Cut(b, []byte("\r\n\r\n"))
		if !found || len(b) > MaxMessage || len(b) < MinMessage {
			t.Fatalf("passed without an end, or with %d bytes", len(b))
		}
		for _, line := range bytes.Split(section, []byte("\r\n")) {
			if i := bytes.IndexFunc(line, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }); i >= 0 {
				t.Fatalf("passed with %q", line)
			}
		}
	})
}
