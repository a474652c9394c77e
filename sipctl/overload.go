package sipctl

import "time"

// Overload: what is shed is new calls, and nothing else. Requests inside a dialog, ACK, BYE, CANCEL and copies of an INVITE
// that is known never get here, and emergency calls pass every limit.

const (
	// maxAsking limits the calls that wait for the ledger's word at a time. Past it the store or this machine is behind, and
	// each further call would only make all of them later: they are told at once to come again (RFC 7339 calls this a
	// window). At 1500 calls a second and a word within 20 ms there are 30.
	maxAsking = 400
	// maxLag is how long an INVITE may have waited between the socket and us.
	maxLag = 500 * time.Millisecond
)

// overloaded says why no new call is taken now; nil when it is.
func (s *Server) overloaded(c *Call) error {
	if !s.draining.Load() && s.calls.size.Load() < int64(s.config.MaxCalls) && s.asking.Load() < maxAsking &&
		time.Since(c.started) < maxLag && (s.arrivals == nil || s.arrivals.Allow()) {
		return nil
	}
	if _, emergency := c.setup.snapshot.Emergency(c.setup.dialled); emergency && c.setup.dialErr == nil {
		return nil
	}
	return errBusy
}
