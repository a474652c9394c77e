package sipctl

import (
	"log/slog"
	"time"

	"golang.org/x/time/rate"

	"tollgate/rating"
)

// One line in the log for each event of a call, with its call_id: begun (at level debug), refused, answered, cut, ended.

const (
	refusedLines = 100 // "call refused" a second; the records have all of them
	longestWord  = 64  // bytes of what a caller has chosen
)

func newRefusedLines() *rate.Limiter { return rate.NewLimiter(refusedLines, 2*refusedLines) }

// logBegun: an INVITE has become a call.
func (c *Call) logBegun() {
	c.server.log.LogAttrs(c.server.background, slog.LevelDebug, "call begun", slog.String("call_id", string(c.id)), slog.String("account", word(c.extension)),
		slog.String("dialled", word(c.cdr.Dialled)), slog.String("source", c.caller.Flow.Remote.String()), slog.String("sip_call_id", word(c.cdr.CallIDA)))
}

// logAnswered: the trunk's 2xx goes to the caller.
func (c *Call) logAnswered() {
	c.server.log.LogAttrs(c.server.background, slog.LevelInfo, "call answered", slog.String("call_id", string(c.id)), slog.String("account", word(c.extension)),
		slog.String("trunk", c.cdr.Trunk), slog.String("dialled", word(c.cdr.Dialled)), slog.String("sip_call_id", word(c.cdr.CallIDA)))
}

// logCut: the money, or the time, is over.
func (c *Call) logCut(why cause) {
	c.server.log.LogAttrs(c.server.background, slog.LevelInfo, "call cut", slog.String("call_id", string(c.id)), slog.String("account", word(c.extension)),
		slog.String("trunk", c.cdr.Trunk), slog.String("cause", why.String()), slog.Float64("seconds", c.cut.Seconds()))
}

// logEnd: the call is over, or was refused.
func (s *Server) logEnd(cdr rating.CDR, talked time.Duration) {
	if cdr.Disposition == rating.Rejected && cdr.Trunk == "" {
		if s.refusedLines.Allow() {
			s.log.LogAttrs(s.background, slog.LevelInfo, "call refused", slog.String("call_id", string(cdr.ID)), slog.String("account", word(cdr.Extension)),
				slog.String("dialled", word(cdr.Dialled)), slog.String("cause", string(cdr.Reason)), slog.Int("code", cdr.SIPCode), slog.Int64("count", cdr.Count),
				slog.String("sip_call_id", word(cdr.CallIDA)))
		}
		return
	}
	seconds := int64(0)
	if cdr.AnsweredAt != nil {
		seconds = rating.BilledSeconds(talked)
	}
	s.log.LogAttrs(s.background, slog.LevelInfo, "call ended", slog.String("call_id", string(cdr.ID)), slog.String("account", word(cdr.Extension)),
		slog.String("trunk", cdr.Trunk), slog.String("disposition", string(cdr.Disposition)), slog.String("by", string(cdr.EndedBy)),
		slog.Int("code", cdr.SIPCode), slog.String("cause", string(cdr.Reason)), slog.Int64("seconds", seconds))
}

// word is what a caller has chosen, short enough for a line.
func word(s string) string { return s[:min(len(s), longestWord)] }
