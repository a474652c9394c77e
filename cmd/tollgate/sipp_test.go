package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Calls as sipp makes them: an agent that shares nothing with us, not even its authors.

const scenarios = "../../sipctl/testdata/sipp"

// sipp is one run of a scenario.
type sipp struct {
	scenario  string
	replace   []string // old, new … in the scenario's text
	port      int
	args      []string
	transport string // u1 or t1
}

// start runs sipp; wait returns its output and whether every call went as the scenario says.
func (s sipp) start(t *testing.T) (wait func() (string, bool)) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(scenarios, s.scenario+".xml"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, s.scenario+".xml")
	if err := os.WriteFile(file, []byte(strings.NewReplacer(s.replace...).Replace(string(text))), 0o600); err != nil {
		t.Fatal(err)
	}
	transport := s.transport
	if transport == "" {
		transport = "u1"
	}
	args := append([]string{"-sf", file, "-i", "127.0.0.1", "-p", fmt.Sprint(s.port), "-t", transport, "-nostdin", "-timeout", "60s", "-timeout_error",
		"-trace_err", "-error_file", filepath.Join(dir, "errors"), "-trace_msg", "-message_file", filepath.Join(dir, "messages")}, s.args...)
	command := exec.Command("sipp", args...)
	command.Dir = dir
	command.Env = append(os.Environ(), "TERM=xterm")
	if err := command.Start(); err != nil {
		t.Fatalf("sipp: %v; install sip-tester", err)
	}
	done := make(chan error, 1)
	go func() { done <- command.Wait() }()
	t.Cleanup(func() { command.Process.Kill() })
	return func() (string, bool) {
		select {
		case err := <-done:
			failures, _ := os.ReadFile(filepath.Join(dir, "errors"))
			messages, _ := os.ReadFile(filepath.Join(dir, "messages"))
			return fmt.Sprintf("%v\n%s\n%s", err, failures, messages[max(0, len(messages)-6000):]), err == nil
		case <-time.After(70 * time.Second):
			return "sipp did not end", false
		}
	}
}

// between runs a caller and a trunk against each other through the node; a trunk of "" must not be reached.
func (o *office) between(t *testing.T, extension, number string, caller, trunk sipp) {
	t.Helper()
	var answered func() (string, bool)
	if trunk.scenario != "" {
		trunk.port = o.sippTrunk
		trunk.args = append(trunk.args, "-m", "1")
		answered = trunk.start(t)
		time.Sleep(200 * time.Millisecond) // sipp says nowhere that it listens
	}
	who := filepath.Join(t.TempDir(), "who.csv")
	if err := os.WriteFile(who, []byte("SEQUENTIAL\n"+extension+";\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	caller.port = freePort(t)
	caller.args = append([]string{o.sip, "-s", number, "-inf", who, "-m", "1"}, caller.args...)
	if report, ok := caller.start(t)(); !ok {
		t.Errorf("caller %s: %s", caller.scenario, report)
	}
	if answered == nil {
		return
	}
	if report, ok := answered(); !ok {
		t.Errorf("trunk %s: %s", trunk.scenario, report)
	}
}

func TestSipp(t *testing.T) {
	if _, err := exec.LookPath("sipp"); err != nil {
		t.Fatal("sipp is not installed: apt-get install sip-tester")
	}
	o := newOffice(t, "")
	o.useSippTrunk()
	const limited = "106"
	o.call("POST", "/extensions", map[string]any{"number": limited, "billing_enabled": true, "limits": map[string]any{"deny_prefixes": []string{"98"}}}, nil, 201)
	o.call("POST", "/dial-rules", map[string]any{"position": 2, "prefix": "8", "trunks": []string{"FXO-1"}}, nil, 201)
	for _, c := range []struct {
		name, extension, number string
		caller, trunk           sipp
	}{
		{"a plain call", rich, number, sipp{scenario: "uac_call", args: []string{"-d", "1200"}}, sipp{scenario: "uas_answer"}},
		{"a plain call over TCP", rich, number, sipp{scenario: "uac_call", args: []string{"-d", "200"}, transport: "t1"}, sipp{scenario: "uas_answer"}},
		{"hold, resume, INFO", rich, number, sipp{scenario: "uac_hold", args: []string{"-d", "200"}}, sipp{scenario: "uas_hold"}},
		{"cut when the credit is exhausted", poor, "951", sipp{scenario: "uac_cut"}, sipp{scenario: "uas_cut"}},
		{"no credit", broke, number, refused(402, "Q.850;cause=21;text=.insufficient balance"), sipp{}},
		{"locked", lockedUp, number, refused(403, "Q.850;cause=21;text=.extension locked"), sipp{}},
		{"unknown extension", "999", number, refused(403, "Q.850;cause=21;text=.unknown extension"), sipp{}},
		{"no rate", rich, "8123", refused(403, "Q.850;cause=21;text=.no rate for destination"), sipp{}},
		{"a deny list", limited, number, refused(403, "Q.850;cause=21;text=.limit reached"), sipp{}},
		{"bad number", rich, "9abc", refused(484, "Q.850;cause=28"), sipp{}},
		{"no dial rule", rich, "12345", refused(404, "Q.850;cause=3"), sipp{}},
		{"busy", rich, number, failed(486), sipp{scenario: "uas_busy"}},
		{"all trunks failed", rich, number, failed(503), sipp{scenario: "uas_503"}},
		{"cancelled while ringing", rich, number, sipp{scenario: "uac_cancel"}, sipp{scenario: "uas_ring"}},
		{"CANCEL crosses the 200", rich, number, sipp{scenario: "uac_cancel"}, sipp{scenario: "uas_200_on_cancel"}},
		{"CANCEL in the same breath", rich, number, sipp{scenario: "uac_cancel_now"}, sipp{}},
		{"30 times 183", rich, number, sipp{scenario: "uac_call", args: []string{"-d", "100"}}, sipp{scenario: "uas_many_18x"}},
		{"forked 200", rich, number, sipp{scenario: "uac_call", args: []string{"-d", "1000"}}, sipp{scenario: "uas_fork"}},
		{"OPTIONS of a trusted peer", rich, number, sipp{scenario: "uac_options"}, sipp{}},
	} {
		t.Run(c.name, func(t *testing.T) { o.between(t, c.extension, c.number, c.caller, c.trunk) })
	}
	if os.Getenv("TOLLGATE_SLOW") != "" {
		t.Run("no ACK", func(t *testing.T) {
			o.between(t, rich, number, sipp{scenario: "uac_no_ack"}, sipp{scenario: "uas_answer"})
		})
	}
	o.proved(30 * time.Second)
}

func refused(code int, reason string) sipp {
	return sipp{scenario: "uac_refused", replace: []string{"CODE", fmt.Sprint(code), "REASON", reason}}
}

// failed is the answer of a trunk that was passed on.
func failed(code int) sipp {
	return sipp{scenario: "uac_failed", replace: []string{"CODE", fmt.Sprint(code)}}
}

// useSippTrunk points the trunk at a port where sipp will be. It is not probed: sipp answers no OPTIONS.
func (o *office) useSippTrunk() {
	o.t.Helper()
	o.sippTrunk = freePort(o.t)
	uri := "sip:" + net.JoinHostPort("127.0.0.1", fmt.Sprint(o.sippTrunk))
	o.call("PATCH", "/trunks/FXO-1", map[string]any{"uri": uri, "probe_interval": 0}, nil, 200)
}
