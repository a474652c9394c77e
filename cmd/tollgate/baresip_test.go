package main

import (
	"bytes"
	endian "encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tollgate/sipctl/siptest"
)

// A phone that is not ours: baresip (Debian package baresip-core), without sound devices.

// baresip is one running phone.
type baresip struct {
	process *exec.Cmd
	out     *buffer
	done    chan error
}

// startBaresip runs a phone at 127.0.0.71 that calls a number at once, by way of a server: host:port;transport=network. ca signs
// the server's certificate.
func (o *office) startBaresip(server, user, password, dialled string, ca *siptest.Authority) *baresip {
	o.t.Helper()
	path, err := exec.LookPath("baresip")
	if err != nil {
		o.t.Skip("baresip is not installed; .ci/setup installs it")
	}
	dir := o.t.TempDir()
	config := strings.Join([]string{
		"net_interface 127.0.0.71", "sip_listen 127.0.0.71:0", "sip_cafile " + filepath.Join(dir, "ca.pem"), "audio_player aufile," + filepath.Join(dir, "heard.wav"), "audio_source aufile," + filepath.Join(dir, "said.wav"),
		"ausrc_srate 8000", "auplay_srate 8000", "module_path " + baresipModules(), "module g711.so", "module aufile.so",
		"module_app account.so", "module_app menu.so", ""}, "\n")
	account := fmt.Sprintf("<sip:%s@%s>;auth_user=%s;auth_pass=%s;regint=0\n", user, server, user, password)
	for name, text := range map[string]string{"config": config, "accounts": account, "contacts": "", "ca.pem": string(ca.PEM()), "said.wav": silence(30)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			o.t.Fatal(err)
		}
	}
	b := &baresip{out: &buffer{}, done: make(chan error, 1)}
	host, _, _ := strings.Cut(server, ";")
	uri := fmt.Sprintf("sip:%s@%s", dialled, host)
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
			o.t.Logf("baresip to %s:\n%s", server, b.out.tail(12_000))
		}
	})
	return b
}

// silence is a WAV file of so many seconds: 16 bits, 8000 samples a second.
func silence(seconds int) string {
	size := uint32(seconds * 16000)
	var b bytes.Buffer
	for _, part := range []any{[]byte("RIFF"), size + 36, []byte("WAVEfmt "), uint32(16), uint16(1), uint16(1), uint32(8000), uint32(16000), uint16(2), uint16(16),
		[]byte("data"), size, make([]byte, size)} {
		_ = endian.Write(&b, endian.LittleEndian, part)
	}
	return b.String()
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
	t.Parallel()
	ca, err := siptest.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	o := newOpenOffice(t, "[md5]")
	secure, _ := o.securely(ca)
	const password = "baresip-secret" // its accounts file has no quotes
	o.call("PATCH", "/extensions/"+rich, map[string]any{"sip_password": password}, nil, 200)
	for i, server := range []string{o.sip + ";transport=udp", o.sip + ";transport=tcp", secure.String() + ";transport=tls"} {
		t.Run(server[len(server)-3:], func(t *testing.T) {
			phone := o.startBaresip(server, rich, password, number, ca)
			o.await("talking", 10*time.Second, func() bool { rows, _ := o.carrier.Record(); return len(rows) == i+1 && rows[i].Live() })
			time.Sleep(1200 * time.Millisecond)
			phone.hangUp()
			o.billed(i+1, rich)
			if rows, _ := o.carrier.Record(); rows[i].Talked < time.Second {
				t.Errorf("the phone hung up by itself after %v", rows[i].Talked)
			}
		})
	}
	t.Run("a wrong password", func(t *testing.T) {
		o.startBaresip(o.sip+";transport=udp", rich, "guess", number, ca)
		o.await("refusing it", 10*time.Second, func() bool { n, _ := o.metric("tollgate_auth_failures_total"); return n != "0" })
		if rows, _ := o.carrier.Record(); len(rows) != 3 {
			t.Errorf("the carrier saw %d calls, want the three with the password", len(rows))
		}
	})
	o.proved(20 * time.Second)
}
