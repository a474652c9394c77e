package transaction

import (
	"context"
	"crypto/rand"
	"errors"
	"net/netip"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/sipctl/transport"
)

// Timers of RFC 3261 §17.
type Timers struct {
	T1      time.Duration // first pause before a retransmission
	T2      time.Duration // longest pause, but for an INVITE
	Timeout time.Duration // 64·T1: timers B, F, H, and the wait for the ACK of a 2xx
	Linger  time.Duration // how long what is over answers late copies
	Trying  time.Duration // an INVITE without any answer of ours gets a 100 after this
}

// How a client transaction fails.
var (
	ErrTimeout   = errors.New("no answer in time")
	ErrTransport = errors.New("the message could not be sent")
)

// Limits of what strangers to a transaction may make us keep.
const (
	maxEarlyCancels = 4096
	earlyCancelWait = 200 * time.Millisecond // for the INVITE of a CANCEL; then 481
	earlyCancelKept = 5 * time.Second        // an INVITE that still comes is refused with 487
)

// Core is the layer above: the transaction user. Its methods are called from the goroutine that reads the socket, so they
// must not block.
type Core interface {
	// Request is called once for each new request but ACK and CANCEL.
	Request(tx *Server, req *sip.Request, m transport.Message)
	// Ack is called for each ACK of a 2xx, copies included.
	Ack(ack *sip.Request, m transport.Message)
	// Stray is called for a response that belongs to no transaction: a repeated or forked 2xx, or one to a dead process.
	Stray(res *sip.Response, m transport.Message)
}

// Send writes a message to the network.
type Send func(f transport.Flow, message []byte) error

// Layer matches messages to transactions.
type Layer struct {
	timers Timers
	core   Core
	send   Send

	mu      sync.Mutex
	servers map[serverKey]*Server
	clients map[clientKey]*Client
	early   map[serverKey]*earlyCancel
	graves  []grave // in order of their time
}

// grave is a transaction that is over, with the time until which it answers copies.
type grave struct {
	until  time.Time
	server *Server
	client *Client
}

// serverKey matches a request to its transaction (RFC 3261 §17.2.3). The source is part of it, so nobody else can cancel a
// call or draw its answers, whatever he has overheard.
type serverKey struct {
	branch, sentBy string
	source         netip.Addr
	method         sip.RequestMethod
}

type clientKey struct {
	branch string
	method sip.RequestMethod
}

// New returns a layer. Run sweeps it.
func New(t Timers, core Core, send Send) *Layer {
	return &Layer{timers: t, core: core, send: send, servers: map[serverKey]*Server{}, clients: map[clientKey]*Client{},
		early: map[serverKey]*earlyCancel{}}
}

// Run forgets what has lingered long enough, until ctx is done.
func (l *Layer) Run(ctx context.Context) {
	tick := time.NewTicker(max(l.timers.Linger/20, 10*time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			l.sweep(now)
		}
	}
}

func (l *Layer) sweep(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for n < len(l.graves) && !now.Before(l.graves[n].until) {
		if s := l.graves[n].server; s != nil {
			delete(l.servers, s.key)
		}
		if c := l.graves[n].client; c != nil {
			delete(l.clients, c.key)
		}
		n++
	}
	l.graves = append(l.graves[:0], l.graves[n:]...)
	clear(l.graves[len(l.graves):cap(l.graves)])
	for key, e := range l.early {
		if now.After(e.until) {
			delete(l.early, key)
		}
	}
}

func (l *Layer) bury(g grave) {
	g.until = time.Now().Add(l.timers.Linger)
	l.mu.Lock()
	l.graves = append(l.graves, g)
	l.mu.Unlock()
}

// Size counts the transactions, lingering ones included.
func (l *Layer) Size() (servers, clients int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.servers), len(l.clients)
}

// Began reports whether a request of ours with this branch is out.
func (l *Layer) Began(branch string, method sip.RequestMethod) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.clients[clientKey{branch, method}] != nil
}

// Knows reports whether a request is a copy of one that is here, or the CANCEL or ACK of an INVITE that is.
func (l *Layer) Knows(req *sip.Request, f transport.Flow) bool {
	key := requestKey(req, f)
	if req.Method == sip.CANCEL || req.Method == sip.ACK {
		key.method = sip.INVITE
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.servers[key] != nil
}

// Response takes a response from the network.
func (l *Layer) Response(res *sip.Response, m transport.Message) {
	via, cseq := res.Via(), res.CSeq()
	if via == nil || cseq == nil {
		return
	}
	branch, _ := via.Params.Get("branch")
	l.mu.Lock()
	c := l.clients[clientKey{branch, cseq.MethodName}]
	l.mu.Unlock()
	if c == nil {
		l.core.Stray(res, m)
		return
	}
	c.receive(res, m)
}

// Request takes a valid request from the network.
func (l *Layer) Request(req *sip.Request, m transport.Message) {
	key := requestKey(req, m.Flow)
	switch req.Method {
	case sip.ACK:
		l.ack(key, req, m)
		return
	case sip.CANCEL:
		l.cancel(key, req, m)
		return
	}
	l.mu.Lock()
	if s := l.servers[key]; s != nil {
		l.mu.Unlock()
		s.repeated()
		return
	}
	s := newServer(l, key, req, m)
	l.servers[key] = s
	early := l.early[key]
	delete(l.early, key)
	l.mu.Unlock()
	if early != nil {
		early.timer.Stop()
		s.cancelled = true
		early.answer(200, "OK", s.tag)
		_ = s.Respond(487, "Request Terminated", nil, nil)
		return
	}
	s.begin()
	l.core.Request(s, req, m)
}

func (l *Layer) ack(key serverKey, req *sip.Request, m transport.Message) {
	key.method = sip.INVITE
	l.mu.Lock()
	s := l.servers[key]
	l.mu.Unlock()
	if s != nil && s.acked() {
		return // it was for a refusal
	}
	l.core.Ack(req, m)
}

// requestKey follows RFC 3261 §17.2.3; a branch without the magic cookie is that of an RFC 2543 client.
func requestKey(req *sip.Request, f transport.Flow) serverKey {
	via := req.Via()
	branch, _ := via.Params.Get("branch")
	if len(branch) <= len(sip.RFC3261BranchMagicCookie) || branch[:len(sip.RFC3261BranchMagicCookie)] != sip.RFC3261BranchMagicCookie {
		tag, _ := req.From().Params.Get("tag")
		branch = req.CallID().Value() + "|" + tag + "|" + req.CSeq().Value()[:digits(req.CSeq().Value())] + "|" + branch
	}
	return serverKey{branch: branch, sentBy: sentBy(via), source: f.Remote.Addr(), method: req.Method}
}

func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}

func sentBy(via *sip.ViaHeader) string {
	if via.Port <= 0 {
		return via.Host
	}
	return hostPort(via.Host, via.Port)
}

// NewBranch returns a branch parameter that nobody can guess (RFC 3261 §8.1.1.7).
func NewBranch() string { return sip.RFC3261BranchMagicCookie + token() }

// NewTag returns a tag that nobody can guess (RFC 3261 §19.3).
func NewTag() string { return token() }

// token is 80 random bits.
func token() string { return rand.Text()[:16] }
