package sipctl

import (
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/sipctl/grammar"
	"tollgate/sipctl/transaction"
	"tollgate/sipctl/transport"
)

// admittedFor is how long a source counts as known to the guard after its phone has shown the password.
const admittedFor = time.Hour

// challenged reports whether strangers are asked for a password now, or get no answer at all.
func (s *Server) challenged() bool {
	switch s.config.Strangers {
	case ChallengeStrangers:
		return true
	case AutoStrangers:
		return s.deps.Catalog.Current().AnyDigest()
	}
	return false
}

// onStranger takes a request outside of dialogs whose sender is neither a trusted peer nor a trunk. An INVITE is asked for a
// password, which leaves nothing behind; with one it begins a call. ACK and CANCEL cannot be asked (RFC 3261 §22.1), and are
// taken for what is here. Everything else gets no answer, until a phone at that address has shown its password.
func (s *Server) onStranger(req *sip.Request, m transport.Message) {
	switch {
	case s.tx.Knows(req, m.Flow):
		s.tx.Request(req, m) // a copy of what has passed, or its CANCEL or ACK
	case !s.challenged():
		s.metrics.strangers.Inc()
	case req.Method == sip.INVITE:
		extension, stale := s.prove(req, m)
		if extension == "" {
			s.challenge(req, m, stale)
			return
		}
		m.Proven = extension
		s.tx.Request(req, m)
	case !s.access.Admitted(m.Flow.Remote.Addr()):
		s.metrics.strangers.Inc()
	default:
		s.outOfDialog(req, m)
	}
}

// prove returns the extension whose password the sender of a request has; "" where he has to be asked. stale says that he
// had the right one, with a nonce that does not count.
func (s *Server) prove(req *sip.Request, m transport.Message) (extension string, stale bool) {
	source := m.Flow.Remote.Addr()
	extension, v, wrong := s.digest.check(req, source, s.deps.Catalog.Current(), m.At)
	if wrong {
		s.metrics.authFailures.Inc()
		if s.digest.lines.Allow() { // the same line whatever was wrong: it does not tell which extensions there are
			s.log.Warn("a SIP password was refused", "source", source.String(), "claimed", claimed(s.digest, req))
		}
	}
	if v == proven {
		s.access.Admit(source, admittedFor)
	}
	return extension, v == outdated
}

// claimed is the name in a request's credentials, fit for a log.
func claimed(a *authenticator, req *sip.Request) string {
	answer, _, _ := a.answerIn(req)
	name := grammar.Clean(answer.Username)
	return name[:min(len(name), maxLogName)]
}

// challenge asks for a password, without a transaction.
func (s *Server) challenge(req *sip.Request, m transport.Message, stale bool) {
	s.metrics.challenges.Inc()
	to, message := transaction.ReplyAs(s.digest.tag(req), req, m.Flow, sip.StatusUnauthorized, "Unauthorized", s.digest.challenges(m.Flow.Remote.Addr(), stale, m.At))
	_ = s.send(to, message)
}

// follows decides about a request in the caller's dialog that comes from elsewhere than the phone was. A phone that has
// proven its password may have got another address (NAT): it is asked again, and its leg follows it. Anybody else is
// answered 481, as if there was no such call.
func (c *Call) follows(side side, tx *transaction.Server, req *sip.Request, m transport.Message) bool {
	s := c.server
	if side == callerSide && c.digest && c.identifies(side, req) && s.challenged() && s.identify(m.Flow).stranger() {
		extension, stale := s.prove(req, m)
		if extension == c.extension {
			return true
		}
		s.metrics.challenges.Inc()
		_ = tx.Respond(sip.StatusUnauthorized, "Unauthorized", s.digest.challenges(m.Flow.Remote.Addr(), stale, m.At), nil)
		return false
	}
	s.metrics.unknownDialogs.Inc()
	_ = tx.Respond(481, "Call/Transaction Does Not Exist", nil, nil)
	return false
}
