package sipctl

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"tollgate/sipctl/transaction"
)

// unanswered is what the store keeps of a caller's INVITE until it has its final answer: a process that comes after us can
// still give it, so that nobody listens to a call that is no more.
type unanswered struct {
	Version int               `json:"v"`
	Invite  transaction.Saved `json:"invite"`

	// The 2xx, once the trunk has given it.
	Code    int    `json:"code,omitempty"`
	Phrase  string `json:"phrase,omitempty"`
	Headers string `json:"headers,omitempty"`
	Body    []byte `json:"body,omitempty"`
}

func (u unanswered) encode() []byte {
	u.Version = dialogVersion
	text, err := json.Marshal(u)
	if err != nil { // a struct of strings and numbers always has a text
		panic(err)
	}
	return text
}

// refuseUnanswered tells a caller that the process died which had his INVITE. He may try again.
func (s *Server) refuseUnanswered(text []byte) {
	var u unanswered
	if len(text) == 0 || json.Unmarshal(text, &u) != nil || u.Version != dialogVersion || !cleanHead(u.Invite.Head) {
		return
	}
	if tx := s.tx.Resume(u.Invite, bystander{}); tx != nil {
		_ = tx.Respond(503, "Service Unavailable", []byte(retryAfter+"Reason: Q.850;cause=41;text=\"temporary failure\"\r\n"), nil)
		s.metrics.response(503)
	}
}

// answerUnanswered repeats the 2xx of a call that was answered shortly before the process died: the caller may never have got
// it. One that has it acknowledges again (RFC 3261 §13.2.2.4), and nothing else happens.
func (c *Call) answerUnanswered(u *unanswered) {
	if u == nil || u.Code < 200 || time.Since(c.answered) > c.server.config.Timers.timeout() || !cleanHead(u.Invite.Head) || !cleanHead(u.Headers) {
		return
	}
	if !slices.Contains(c.server.net.Addrs(), u.Invite.To.Local) {
		return // the caller's ACK would go to another node
	}
	if tx := c.server.tx.Resume(u.Invite, bystander{}); tx != nil {
		c.uas = tx
		_ = tx.Respond(u.Code, u.Phrase, []byte(u.Headers), u.Body)
	}
}

// cleanHead reports whether stored header lines are lines, and nothing that ends a head early.
func cleanHead(lines string) bool {
	return lines == "" || strings.HasSuffix(lines, "\r\n") && !strings.Contains(lines, "\r\n\r\n") && !strings.ContainsRune(lines, 0)
}

// bystander is the user of an INVITE that has its answer.
type bystander struct{}

// Cancelled implements transaction.ServerUser.
func (bystander) Cancelled() {}

// NoAck implements transaction.ServerUser.
func (bystander) NoAck() {}
