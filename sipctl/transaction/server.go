package transaction

import (
	"bytes"
	"errors"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/sipctl/transport"
)

// ErrFinal is the answer to an attempt to send a second final response.
var ErrFinal = errors.New("a final response has been sent already")

// ServerUser is told what happens to an INVITE of somebody else's. Its methods must not block.
type ServerUser interface {
	Cancelled() // a CANCEL came before our final response; it has been answered, the INVITE has not
	NoAck()     // our 2xx was repeated for 64·T1 and never acknowledged
}

type serverState uint8

const (
	proceeding serverState = iota
	accepted               // a 2xx is out: repeated until Confirm (RFC 3261 §13.3.1.4)
	completed              // another final response is out: repeated until the ACK
	confirmed              // over; copies of the request are absorbed
)

// Server is a request of somebody else's, and our answers to it.
type Server struct {
	layer  *Layer
	key    serverKey
	flow   transport.Flow
	invite bool
	tag    string // the To tag of every answer
	head   []byte // the header lines that every answer has

	mu        sync.Mutex
	state     serverState
	cancelled bool
	final     bool
	last      []byte // the newest answer
	user      ServerUser
	timer     *time.Timer
	pause     time.Duration // until the next retransmission
	deadline  time.Time     // of the ACK
}

func newServer(l *Layer, key serverKey, req *sip.Request, m transport.Message) *Server {
	s := &Server{layer: l, key: key, invite: req.Method == sip.INVITE}
	if tag, ok := req.To().Params.Get("tag"); ok {
		s.tag = tag
	} else {
		s.tag = NewTag()
	}
	s.flow, s.head = answerPath(req, m.Flow), answerHead(req, m.Flow, s.tag)
	return s
}

// answerPath is where answers go (RFC 3261 §18.2.2, RFC 3581 §4): back through a connection, else to the source, on the
// port of the Via unless the sender asked for his own.
func answerPath(req *sip.Request, f transport.Flow) transport.Flow {
	via := req.Via()
	if f.Stream() || via.Params.Has("rport") {
		return f
	}
	port := via.Port
	if port <= 0 {
		port = sip.DefaultUdpPort
	}
	return transport.Flow{Network: f.Network, Local: f.Local, Remote: addrPort(f.Remote.Addr(), port)}
}

// Tag is the To tag of our answers: the local tag of the dialog that a 2xx makes.
func (s *Server) Tag() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tag
}

// Retag changes the To tag, before anything has been answered.
func (s *Server) Retag(tag string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last == nil && !s.final {
		s.head = bytes.Replace(s.head, []byte(";tag="+s.tag), []byte(";tag="+tag), 1)
		s.tag = tag
	}
}

// Flow is where answers go.
func (s *Server) Flow() transport.Flow { return s.flow }

// SetUser says who is told; it reports whether a CANCEL came before.
func (s *Server) SetUser(u ServerUser) (cancelled bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.user = u
	return s.cancelled
}

// begin promises an INVITE its 100.
func (s *Server) begin() {
	if !s.invite {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.timer = time.AfterFunc(s.layer.timers.Trying, s.tick)
}

// Respond sends a response. headers are complete lines beyond Via, From, To, Call-ID and CSeq; the length is added.
func (s *Server) Respond(code int, reason string, headers, body []byte) error {
	message := s.compose(code, reason, headers, body)
	s.mu.Lock()
	if s.final {
		s.mu.Unlock()
		return ErrFinal
	}
	s.last = message
	switch {
	case code < 200:
		s.stop()
	case !s.invite:
		s.final, s.state = true, confirmed
	case code < 300:
		s.final, s.state = true, accepted
		s.repeat()
	default:
		s.final, s.state = true, completed
		s.repeat()
	}
	over := s.state == confirmed
	s.mu.Unlock()
	if over {
		s.layer.bury(grave{server: s})
	}
	return s.layer.send(s.flow, message)
}

// repeat starts the retransmissions of a final response to an INVITE. s.mu is held.
func (s *Server) repeat() {
	s.stop()
	s.pause = s.layer.timers.T1
	s.deadline = time.Now().Add(s.layer.timers.Timeout)
	wait := s.pause
	if s.state == completed && s.flow.Stream() {
		wait = s.layer.timers.Timeout
	}
	s.timer = time.AfterFunc(wait, s.tick)
}

func (s *Server) stop() {
	if s.timer != nil {
		s.timer.Stop()
		s.timer = nil
	}
}

// tick sends the 100, repeats a final response, or gives up on its ACK.
func (s *Server) tick() {
	s.mu.Lock()
	if s.timer == nil {
		s.mu.Unlock()
		return
	}
	switch {
	case s.state == proceeding:
		s.timer = nil
		if s.last == nil {
			s.last = s.compose(100, "Trying", nil, nil)
		}
	case s.state == confirmed:
		s.mu.Unlock()
		return
	case !time.Now().Before(s.deadline):
		user, unheard := s.user, s.state == accepted
		s.end()
		s.mu.Unlock()
		s.layer.bury(grave{server: s})
		if unheard && user != nil {
			user.NoAck()
		}
		return
	default:
		s.pause = min(2*s.pause, s.layer.timers.T2)
		s.timer.Reset(min(s.pause, time.Until(s.deadline)))
	}
	message := s.last
	s.mu.Unlock()
	_ = s.layer.send(s.flow, message) // the next copy, or the deadline, takes care of a failure
}

// end leaves nothing but what copies of the request need. s.mu is held.
func (s *Server) end() {
	s.stop()
	s.state, s.user, s.head = confirmed, nil, nil
	if s.invite {
		s.last = nil
	}
}

// Confirm says that the ACK of our 2xx has come: it is repeated no more.
func (s *Server) Confirm() {
	s.mu.Lock()
	if s.state != accepted {
		s.mu.Unlock()
		return
	}
	s.end()
	s.mu.Unlock()
	s.layer.bury(grave{server: s})
}

// acked takes an ACK in the INVITE's transaction, and reports whether it was for a refusal.
func (s *Server) acked() bool {
	s.mu.Lock()
	if s.state != completed {
		refused := s.state == confirmed && s.cancelled
		s.mu.Unlock()
		return refused
	}
	s.end()
	s.mu.Unlock()
	s.layer.bury(grave{server: s})
	return true
}

// repeated answers a copy of the request as before.
func (s *Server) repeated() {
	s.mu.Lock()
	message := s.last
	s.mu.Unlock()
	if message != nil {
		_ = s.layer.send(s.flow, message)
	}
}

// cancel takes a CANCEL; the caller answers it. Only the first one before our final response has an effect.
func (s *Server) cancel() {
	s.mu.Lock()
	if s.final || s.cancelled {
		s.mu.Unlock()
		return
	}
	s.cancelled = true
	user := s.user
	s.mu.Unlock()
	if user != nil {
		user.Cancelled()
	}
}

func (s *Server) compose(code int, reason string, headers, body []byte) []byte {
	return composeResponse(code, reason, s.head, headers, body)
}

func composeResponse(code int, reason string, head, headers, body []byte) []byte {
	b := make([]byte, 0, 64+len(reason)+len(head)+len(headers)+len(body))
	b = append(b, "SIP/2.0 "...)
	b = strconv.AppendInt(b, int64(code), 10)
	b = append(append(append(b, ' '), reason...), "\r\n"...)
	b = append(append(b, head...), headers...)
	b = append(b, "Content-Length: "...)
	b = strconv.AppendInt(b, int64(len(body)), 10)
	b = append(b, "\r\n\r\n"...)
	return append(b, body...)
}

func hostPort(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }
