package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A phone that is not ours: baresip (Debian package baresip-core), without sound devices.

// baresip is one running phone.
type baresip struct {
	process *exec.Cmd
	out     *buffer
	done    chan error
}

// startBaresip runs a phone at 127.0.0.71 that calls a number at once, over a network of SIP.
func (o *office) startBaresip(network, user, password, dialled string) *baresip {
	o.t.Helper()
	path, err := exec.LookPath("baresip")
	if err != nil {
		o.t.Skip("baresip is not installed; .ci/setup installs it")
	}
	dir := o.t.TempDir()
	config := strings.Join([]string{
		"net_interface 127.0.0.71", "sip_listen 127.0.0.71:0", "audio_player aufile," + filepath.Join(dir, "heard.wav"), "audio_source ausine,400", "audio_alert ausine,400",
		"ausrc_srate 8000", "auplay_srate 8000", "module_path " + baresipModules(), "module g711.so", "module ausine.so", "module aufile.so",
		"module_app account.so", "module_app menu.so", ""}, "\n")
	account := fmt.Sprintf("<sip:%s@%s;transport=%s>;auth_user=%s;auth_pass=%s;regint=0\n", user, o.sip, network, user, password)
	for name, text := range map[string]string{"config": config, "accounts": account, "contacts": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			o.t.Fatal(err)
		}
	}
	b := &baresip{out: &buffer{}, done: make(chan error, 1)}
	uri := fmt.Sprintf("sip:%s@%s", dialled, o.sip)
	b.process = exec.Command(path, "-4", "-v", "-s", "-f", dir, "-t", "20", "-e", "/dial "+uri)
	b.process.Env = append(cleanEnvironment(), "HOME="+dir)
	b.process.Stdout, b.process.Stderr = b.out, b.out
	if err := b.process.Start(); err != nil {
		o.t.Fatal(err)
	}
	go func() { b.done <- b.process.Wait() }()
	o.t.Cleanup(func() {
		b.end()
		if o.t.Failed() {
			o.t.Logf("baresip over %s:\n%s", network, b.out.tail(12_000))
		}
	})
	return b
}

// baresipModules is where Debian keeps them.
func baresipModules() string {
	for _, pattern := range []string{"/usr/lib/baresip/modules", "/usr/lib/*/baresip/modules"} {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return found[0]
		}
	}
	return "/usr/lib/baresip/modules"
}

// hangUp makes the phone end its calls and go.
func (b *baresip) hangUp() {
	_ = b.process.Process.Signal(os.Interrupt)
	select {
	case <-b.done:
		b.done <- nil
	case <-time.After(5 * time.Second):
	}
}

// end ends the phone, whatever it does.
func (b *baresip) end() {
	_ = b.process.Process.Kill()
	<-b.done
	b.done <- nil
}

// baresip 1.0 gives up when SHA-256 is among the algorithms offered, wherever it stands: it is for sip.digest: [md5].
func TestBaresipPlacesABilledCall(t *testing.T) {
	o := newOpenOffice(t, "[md5]")
	const password = "baresip-secret" // its accounts file has no quotes
	o.call("PATCH", "/extensions/"+rich, map[string]any{"sip_password": password}, nil, 200)
	for i, network := range []string{"udp", "tcp"} {
		t.Run(network, func(t *testing.T) {
			phone := o.startBaresip(network, rich, password, number)
			o.await("talking", 10*time.Second, func() bool { rows, _ := o.carrier.Record(); return len(rows) == i+1 && rows[i].Live() })
			time.Sleep(1200 * time.Millisecond)
			phone.hangUp()
			o.billed(i+1, rich)
		})
	}
	t.Run("a wrong password", func(t *testing.T) {
		o.startBaresip("udp", rich, "guess", number)
		o.await("refusing it", 10*time.Second, func() bool { n, _ := o.metric("tollgate_auth_failures_total"); return n != "0" })
		if rows, _ := o.carrier.Record(); len(rows) != 2 {
			t.Errorf("the carrier saw %d calls, want the two with the password", len(rows))
		}
	})
	o.proved(20 * time.Second)
}
