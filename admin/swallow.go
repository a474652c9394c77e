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
