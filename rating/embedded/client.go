package embedded

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Times and sizes of every client. A new call must be refused within 3 s when the store is lost, so one command with all
// its repetitions ends within commandLimit; the single steps are shorter, so that a repetition still has a chance.
const (
	commandLimit = 2500 * time.Millisecond
	dialLimit    = time.Second
	replyLimit   = 2 * time.Second
	poolLimit    = time.Second // wait for a free connection
	maxRetries   = 5           // scripts are idempotent; this bridges most restarts of the private server (about 0.2 s)
	minBackoff   = 50 * time.Millisecond
	maxBackoff   = 400 * time.Millisecond
	bufferSize   = 16 << 10 // bytes per connection and direction; scripts and their answers are far smaller
	// protocol: RESP2 is what every version and the in-process engine speak alike, and it needs no push messages.
	protocol = 2
)

// poolSize is the number of connections per server. One fsync serves all commands that came together, so it takes many
// in flight to reach the rate of one Redis core: with 32 connections a queue grew before the store at 1300 calls a second.
func poolSize() int { return max(128, 16*runtime.GOMAXPROCS(0)) }

// newClient makes the client for an address. It does not connect yet.
func newClient(a address) (redis.UniversalClient, error) {
	o, err := clientOptions(a)
	if err != nil {
		return nil, err
	}
	c := connectAs(a.mode, o)
	c.AddHook(deadline{commandLimit})
	return c, nil
}

// newProbe makes a client that asks whether the store is there: nothing repeated, no waiting. It uses one connection; its
// pool is no smaller than others because go-redis stops dialling for a second after as many failures as the pool is large.
func newProbe(a address) (redis.UniversalClient, error) {
	o, err := clientOptions(a)
	if err != nil {
		return nil, err
	}
	o.MaxRetries, o.PipelinePoolSize = -1, -1
	if a.private {
		o.Dialer = dialSocket
	}
	return connectAs(a.mode, o), nil
}

func connectAs(m mode, o *redis.UniversalOptions) redis.UniversalClient {
	switch m {
	case cluster:
		return redis.NewClusterClient(o.Cluster())
	case sentinel:
		return redis.NewFailoverClient(o.Failover())
	}
	return redis.NewClient(o.Simple())
}

func clientOptions(a address) (*redis.UniversalOptions, error) {
	o := commonOptions()
	o.Username, o.Password, o.DB = a.username, a.password, a.db
	o.MasterName, o.SentinelUsername, o.SentinelPassword = a.master, a.sentinelUsername, a.sentinelPassword
	o.Addrs = a.hosts
	if a.socket != "" {
		o.Addrs, o.Dialer = []string{a.socket}, dialSocket
	}
	if a.private {
		o.Dialer = dialPrivate
	}
	if a.tls {
		var err error
		if o.TLSConfig, err = tlsConfig(a.caFile); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// commonOptions are what all clients of a store share, whoever is behind it.
func commonOptions() *redis.UniversalOptions {
	return &redis.UniversalOptions{
		Protocol: protocol, DisableIdentity: true, ContextTimeoutEnabled: true,
		DialTimeout: dialLimit, DialerRetries: 1, ReadTimeout: replyLimit, WriteTimeout: replyLimit, PoolTimeout: poolLimit,
		MaxRetries: maxRetries, MinRetryBackoff: minBackoff, MaxRetryBackoff: maxBackoff,
		PoolSize: poolSize(), ReadBufferSize: bufferSize, WriteBufferSize: bufferSize,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
}

func tlsConfig(caFile string) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if caFile == "" {
		return c, nil
	}
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, fmt.Errorf("authorities of the store's TLS: %w", err)
	}
	c.RootCAs = x509.NewCertPool()
	if !c.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("authorities of the store's TLS: no certificate in %s", caFile)
	}
	return c, nil
}
