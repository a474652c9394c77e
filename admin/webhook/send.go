package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"tollgate/rating"
)

// Bounds of one request.
const (
	requestLimit = 10 * time.Second
	mostAnswer   = 64 << 10 // of which nothing is used
)

// Sender makes requests. It never follows a redirection and never uses a proxy, since both would choose another address
// than the one that was checked.
type Sender struct {
	guarded, free *http.Client
}

// NewSender returns a Sender that trusts the certificates of the system.
func NewSender() *Sender {
	return &Sender{guarded: newClient(&net.Dialer{Timeout: requestLimit / 2, Control: control}), free: newClient(&net.Dialer{Timeout: requestLimit / 2})}
}

func newClient(dialer *net.Dialer) *http.Client {
	return &http.Client{
		Timeout:       requestLimit,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{DialContext: dialer.DialContext, TLSHandshakeTimeout: requestLimit / 2, MaxIdleConnsPerHost: atOnce,
			IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true, MaxResponseHeaderBytes: mostAnswer}, // as many connections as the courier has workers
	}
}

// Send tells a webhook of an event. Any answer but 2xx is an error. The secret signs, and is in no error.
func (s *Sender) Send(ctx context.Context, hook rating.Webhook, e rating.Event, allowPrivate bool) error {
	body, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encode event: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, hook.URL, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("webhook: %w", err)
	}
	timestamp := Timestamp(time.Now())
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Tollgate")
	req.Header.Set(TimestampHeader, timestamp)
	req.Header.Set(SignatureHeader, Sign(hook.Secret, timestamp, body))
	client := s.guarded
	if allowPrivate {
		client = s.free
	}
	res, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("webhook: %w", err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, mostAnswer)) // so that the connection can be used again
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return fmt.Errorf("webhook: the receiver answered %s", res.Status)
	}
	return nil
}
