package embedded_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"tollgate/rating/embedded/redistest"
)

// tlsFront puts TLS in front of a server, with a certificate that only caFile vouches for.
func tlsFront(t *testing.T, socket string) (addr, caFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	caFile = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(caFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}})
	if err != nil {
		t.Fatal(err)
	}
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			conns.Go(func() { join(near, socket) })
		}
	})
	t.Cleanup(func() { l.Close(); conns.Wait() })
	return l.Addr().String(), caFile
}

// join copies both ways until either side ends.
func join(near net.Conn, socket string) {
	defer near.Close()
	far, err := net.Dial("unix", socket)
	if err != nil {
		return
	}
	defer far.Close()
	done := make(chan struct{})
	go func() { io.Copy(near, far); near.Close(); close(done) }()
	io.Copy(far, near)
	far.Close()
	<-done
}

func TestTLSTrustsOnlyWhomItIsTold(t *testing.T) {
	addr, caFile := tlsFront(t, redistest.StartServer(t).Addr)
	s, err := openExternal(t, "rediss://"+addr+"?ca="+caFile)
	if err != nil {
		t.Fatal(err)
	}
	if !s.Up() {
		t.Fatal(s.State().Err)
	}
	set(t, s, "k", "v")
	shut(t, s)

	s, err = openExternal(t, "rediss://"+addr)
	if err != nil {
		t.Fatal(err)
	}
	if s.Up() {
		t.Error("a certificate that nobody vouches for was accepted")
	}
	if _, err := openExternal(t, "rediss://"+addr+"?ca=/nonexistent"); err == nil {
		t.Error("a missing file of authorities was accepted")
	}
}
