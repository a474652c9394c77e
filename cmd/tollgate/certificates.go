package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// certificate is a certificate with its key that can be exchanged while it is in use: connections that are up keep the old
// one, new ones get the new one.
type certificate struct {
	key     string // path in the configuration, for messages
	current atomic.Pointer[tls.Certificate]
}

// newCertificate reads the files; nil where none are set.
func newCertificate(key string, files TLSFiles) (*certificate, error) {
	if files.Cert == "" {
		return nil, nil
	}
	c := &certificate{key: key}
	return c, c.load(files)
}

// load reads the files. An error leaves the certificate as it is.
func (c *certificate) load(files TLSFiles) error {
	pair, err := tls.LoadX509KeyPair(files.Cert, files.Key)
	if err != nil {
		return fmt.Errorf("%s: %w; cert is a PEM chain that begins with our own certificate, key its private key", c.key, err)
	}
	if time.Now().After(pair.Leaf.NotAfter) {
		return fmt.Errorf("%s: %s has expired at %s: renew it", c.key, files.Cert, pair.Leaf.NotAfter.UTC().Format(time.RFC3339))
	}
	c.current.Store(&pair)
	return nil
}

// server is the TLS of a listener; nil without a certificate.
func (c *certificate) server() *tls.Config {
	if c == nil {
		return nil
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current.Load(), nil }}
}

// clientTLS is the TLS towards trunks: they are checked against the system's roots and those of sip.tls.ca, and are shown
// our own certificate where they ask for one.
func clientTLS(own *certificate, ca string) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if ca != "" {
		pem, err := os.ReadFile(ca)
		if err != nil {
			return nil, fmt.Errorf("sip.tls.ca: %w", err)
		}
		roots, err := x509.SystemCertPool()
		if err != nil {
			roots = x509.NewCertPool()
		}
		if !roots.AppendCertsFromPEM(pem) {
			return nil, errors.New("sip.tls.ca: no PEM certificate in " + ca)
		}
		config.RootCAs = roots
	}
	if own != nil {
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return own.current.Load(), nil }
	}
	return config, nil
}

// openCertificates reads what the listeners show.
func (a *app) openCertificates() (err error) {
	if a.sipCertificate, err = newCertificate("sip.tls", a.config.SIP.TLS.files()); err != nil {
		return err
	}
	if a.adminCertificate, err = newCertificate("admin.tls", a.config.Admin.TLS); err != nil {
		return err
	}
	for listener, c := range map[string]*certificate{"sip": a.sipCertificate, "admin": a.adminCertificate} {
		if c == nil {
			continue
		}
		a.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "tollgate_tls_certificate_expiry_timestamp_seconds",
			Help: "End of the certificate that a listener shows, in seconds since 1970.", ConstLabels: prometheus.Labels{"listener": listener}},
			func() float64 { return float64(c.current.Load().Leaf.NotAfter.Unix()) }))
	}
	return nil
}

// reloadCertificates reads the files again. One that is bad changes nothing, and keeps nothing else from being reloaded.
func (a *app) reloadCertificates(config Config) error {
	var failed error
	for _, c := range []struct {
		in    *certificate
		files TLSFiles
	}{{a.sipCertificate, config.SIP.TLS.files()}, {a.adminCertificate, config.Admin.TLS}} {
		if c.in != nil && c.files.Cert != "" {
			failed = errors.Join(failed, c.in.load(c.files))
		}
	}
	return failed
}

// certificates says what is wrong with those of the configuration, or will be.
func (c *checker) certificates() {
	const soon = 21 * 24 * time.Hour
	for _, of := range []struct {
		key   string
		files TLSFiles
		name  string
	}{{"sip.tls", c.config.SIP.TLS.files(), c.config.SIP.Advertise}, {"admin.tls", c.config.Admin.TLS, ""}} {
		own, err := newCertificate(of.key, of.files)
		if err != nil {
			c.bad(of.key, "%v", err)
			continue
		}
		if own == nil {
			continue
		}
		leaf := own.current.Load().Leaf
		switch left := time.Until(leaf.NotAfter); {
		case of.name != "" && leaf.VerifyHostname(of.name) != nil:
			c.warn(of.key, "the certificate is for %q, sip.advertise says %s: peers that check the name will refuse it", leaf.DNSNames, of.name)
		case left < soon:
			c.warn(of.key, "the certificate ends in %d days, at %s; SIGHUP loads a new one", int(left.Hours()/24), leaf.NotAfter.UTC().Format(time.RFC3339))
		default:
			c.good(of.key, "valid until %s", leaf.NotAfter.UTC().Format(time.RFC3339))
		}
	}
	if _, err := clientTLS(nil, c.config.SIP.TLS.CA); err != nil {
		c.bad("sip.tls.ca", "%v", err)
	}
}
