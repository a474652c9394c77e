package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tollgate/sipctl/siptest"
)

// securely adds a TLS listener to the node's configuration and starts it again. issue writes its certificate anew.
func (o *office) securely(ca *siptest.Authority) (at netip.AddrPort, issue func(until time.Time)) {
	o.t.Helper()
	dir := o.t.TempDir()
	file := func(name string, text []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			o.t.Fatal(err)
		}
		return path
	}
	issue = func(until time.Time) {
		certificate, key, err := ca.Issue(until, "gateway.example", "127.0.0.1")
		if err != nil {
			o.t.Fatal(err)
		}
		file("cert.pem", certificate)
		file("key.pem", key)
	}
	issue(time.Now().Add(48 * time.Hour))
	at = netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(freePort(o.t)))
	text, err := os.ReadFile(o.config)
	if err != nil {
		o.t.Fatal(err)
	}
	block := fmt.Sprintf("sip:\n  tls: { cert: %s, key: %s, ca: %s }", filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), file("ca.pem", ca.PEM()))
	changed := strings.Replace(string(text), "sip:", block, 1)
	changed = strings.Replace(changed, `listen: [`, fmt.Sprintf(`listen: ["tls://%s", `, at), 1)
	if err := os.WriteFile(o.config, []byte(changed), 0o600); err != nil {
		o.t.Fatal(err)
	}
	o.stop()
	o.start()
	return at, issue
}

func (o *office) certificateEnd(at netip.AddrPort, ca *siptest.Authority) time.Time {
	o.t.Helper()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca.PEM())
	conn, err := tls.Dial("tcp", at.String(), &tls.Config{RootCAs: roots, ServerName: "gateway.example"})
	if err != nil {
		o.t.Fatal(err)
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].NotAfter
}

func TestACallOverTLSWhileItsCertificateIsRenewed(t *testing.T) {
	ca, err := siptest.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	o := newOffice(t, "")
	at, issue := o.securely(ca)
	trunkTLS, err := ca.Config("gateway.example", "localhost")
	if err != nil {
		t.Fatal(err)
	}
	carrier, err := siptest.NewCarrier(siptest.CarrierConfig{Default: siptest.Answer(0), Config: siptest.Config{Transport: "tls", TLS: trunkTLS}})
	if err != nil {
		t.Fatal(err)
	}
	defer carrier.Close()
	o.call("PATCH", "/trunks/FXO-1", map[string]any{"uri": fmt.Sprintf("sip:localhost:%d;transport=tls", carrier.Addr().Port())}, nil, 200)
	phoneTLS, err := ca.Config("gateway.example", "phone.example")
	if err != nil {
		t.Fatal(err)
	}
	phone, err := siptest.NewPhone(siptest.PhoneConfig{Server: at, User: rich, Config: siptest.Config{Transport: "tls", TLS: phoneTLS}})
	if err != nil {
		t.Fatal(err)
	}
	defer phone.Close()

	call := phone.Call(number)
	if m, err := call.Answered(within(t, 10*time.Second)); err != nil || m.Code != 200 {
		t.Fatalf("INVITE: %v %v", m, err)
	}
	end := time.Now().Add(72 * time.Hour).Truncate(time.Second)
	issue(end)
	if err := o.process.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	o.await("showing the new certificate", 10*time.Second, func() bool { return o.certificateEnd(at, ca).Equal(end) })
	shown, _ := o.metric(`tollgate_tls_certificate_expiry_timestamp_seconds{listener="sip"}`)
	if seconds, err := strconv.ParseFloat(shown, 64); err != nil || int64(seconds) != end.Unix() {
		t.Errorf("the metric says %q, want %d", shown, end.Unix())
	}
	if _, err := call.Info(within(t, 5*time.Second), siptest.Body{Type: "text/plain", Text: "still there"}); err != nil {
		t.Errorf("the old connection does not work any more: %v", err)
	}
	issue(time.Now().Add(-time.Minute)) // a bad one: the good one stays
	if err := o.process.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	o.await("refusing the expired certificate", 10*time.Second, func() bool { return strings.Contains(o.log.tail(100_000), "has expired at") })
	if got := o.certificateEnd(at, ca); !got.Equal(end) {
		t.Errorf("the certificate ends %v, want the good one's %v", got, end)
	}
	if m, err := call.Bye(within(t, 5*time.Second)); err != nil || m.Code != 200 {
		t.Fatalf("BYE: %v %v", m, err)
	}
	if cdr := o.calls(1)[0]; cdr.Cost != "0.1000" || cdr.Trunk != "FXO-1" {
		t.Errorf("%+v", cdr)
	}
	o.proved(10 * time.Second)
}
