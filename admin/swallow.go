package admin

import (
	"io"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
)

// What is read of a body that is too large, once its sender has been told.
const (
	mostSwallowed = 64 << 20 // bytes
	swallowTime   = 5 * time.Second
)

// swallow reads, within bounds, what a client goes on sending after the answer that its body is too large: a connection that is
// closed while it sends is reset, and the answer with it.
func (s *Server) swallow(c *gin.Context) {
	if c.GetHeader("Expect") != "" {
		return // it waits for the answer before it sends
	}
	c.Writer.Flush()
	if err := http.NewResponseController(c.Writer).SetReadDeadline(time.Now().Add(swallowTime)); err != nil {
		s.log.Debug("a body that is too large is not read to its end", "err", err) // a test without a connection
		return
	}
	_, _ = io.CopyN(io.Discard, c.Request.Body, mostSwallowed) // the connection ends either way
}

// boundsBodies lets no sender of a slow body hold a connection, nor wait for an answer that is there: net/http reads what a handler
// did not read, before it answers. Operations that read their body bound it themselves.
func boundsBodies(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength == 0 { // there is none; a deadline would end the request of a stream
			next.ServeHTTP(w, r)
			return
		}
		connection := http.NewResponseController(w)
		_ = connection.SetReadDeadline(time.Now().Add(longestRequest)) // it fails in a test without a connection
		next.ServeHTTP(w, r)
		_ = connection.SetReadDeadline(time.Now().Add(swallowTime))
	})
}
