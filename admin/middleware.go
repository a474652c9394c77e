package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"

	"tollgate/rating"
)

// access says who may use an operation. An operation that says nothing is open to nobody.
type access []rating.Role

// Who may do what.
var (
	anyone   = access{"anyone"} // without log-in
	everyone = access{rating.Admin, rating.Manager, rating.Viewer}
	managers = access{rating.Admin, rating.Manager}
	admins   = access{rating.Admin}
)

const (
	accessKey = "access" // of an operation's metadata

	largestBody = 1 << 20 // bytes, unless an operation says otherwise
)

type contextKey int

const (
	principalKey contextKey = iota
	addressKey
	overTLSKey
	trailKey
	pathKey
)

// principalFrom returns who sends the request; the zero principal where nobody is logged in.
func principalFrom(ctx context.Context) principal {
	who, _ := ctx.Value(principalKey).(principal)
	return who
}

// addressFrom returns where the request comes from. See addressOf.
func addressFrom(ctx context.Context) string {
	address, _ := ctx.Value(addressKey).(string)
	return address
}

// pathFrom returns what the path of the request is about, for the audit log.
func pathFrom(ctx context.Context) string {
	object, _ := ctx.Value(pathKey).(string)
	return object
}

// authorize is the one door of the API: it finds who asks, and lets in whom the operation names.
func (s *Server) authorize(api huma.API) func(huma.Context, func(huma.Context)) {
	return func(hc huma.Context, next func(huma.Context)) {
		ctx := hc.Context()
		if hc.Operation().Metadata[lastsKey] == nil {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, longestRequest)
			defer cancel()
		} else if err := http.NewResponseController(humagin.Unwrap(hc).Writer).SetWriteDeadline(time.Now().Add(longestLast)); err != nil {
			s.log.Debug("the answer has the usual time only", "err", err) // a test without a connection
		}
		request := humagin.Unwrap(hc).Request
		ctx = context.WithValue(ctx, addressKey, addressOf(request, s.config.TrustedProxies))
		ctx = context.WithValue(ctx, overTLSKey, overTLS(request, s.config.TrustedProxies))
		allowed, _ := hc.Operation().Metadata[accessKey].(access)
		if !slices.Equal(allowed, anyone) {
			who, err := s.admitted(ctx, s.secretOf(humagin.Unwrap(hc)), hc.Operation())
			if err != nil {
				s.refuse(api, hc, err)
				return
			}
			ctx = context.WithValue(ctx, principalKey, who)
		}
		if request.ContentLength > hc.Operation().MaxBodyBytes && hc.Operation().MaxBodyBytes > 0 {
			s.refuse(api, hc, tooLargeFor(hc.Operation())) // before it is sent, where the client waits for that
			return
		}
		if packed := request.Header.Get("Content-Encoding"); packed != "" && !strings.EqualFold(packed, "identity") {
			s.refuse(api, hc, malformed.because("A body is taken as it is: send it without Content-Encoding."))
			return
		}
		u := hc.URL()
		if err := checkQuery(hc.Operation(), u.Query()); err != nil {
			s.refuse(api, hc, err)
			return
		}
		if changes(hc.Operation()) {
			ctx = context.WithValue(context.WithValue(ctx, trailKey, &trail{}), pathKey, objectOf(u.Path))
		}
		next(huma.WithContext(hc, ctx))
	}
}

// admitted returns whose secret it is, if the operation is for the role and the licence allows it.
func (s *Server) admitted(ctx context.Context, secret string, op *huma.Operation) (principal, error) {
	who, err := s.identify(ctx, secret)
	if err != nil {
		return who, err
	}
	err = s.entitled(who, op)
	if err != nil && op.OperationID == logoutID && who.session != "" { // a session that is of no use can be ended all the same
		if e := s.deps.Operators.DeleteSession(ctx, who.session); e != nil {
			return who, fmt.Errorf("delete session: %w", e)
		}
	}
	return who, err
}

// entitled is nil where the licence lets somebody use an operation, and the role does.
func (s *Server) entitled(who principal, op *huma.Operation) error {
	barred := s.licensed(who, op)
	if barred != nil && who.Role != rating.Admin {
		return barred
	}
	if allowed, _ := op.Metadata[accessKey].(access); !slices.Contains(allowed, who.Role) {
		return forbidden
	}
	return barred
}

// secretOf returns the token of a request: a bearer token, or else the cookie.
func (s *Server) secretOf(c *gin.Context) string {
	if header := c.GetHeader("Authorization"); header != "" {
		scheme, token, _ := strings.Cut(header, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return ""
		}
		return strings.TrimSpace(token)
	}
	cookie, err := c.Request.Cookie(s.cookieName())
	if err != nil {
		return ""
	}
	return cookie.Value
}

// refuse answers with the problem that an error is.
func (s *Server) refuse(api huma.API, hc huma.Context, err error) {
	p := s.explain(hc.Context(), *hc.Operation(), err)
	for name, values := range p.header {
		hc.SetHeader(name, strings.Join(values, ", "))
	}
	hc.SetHeader("Content-Type", p.ContentType(""))
	hc.SetStatus(p.Status)
	if err := api.Marshal(hc.BodyWriter(), "application/json", p); err != nil {
		s.log.Debug("the client did not take the answer", "err", err)
	}
}

// explain turns an error into a problem and logs what the client is not told.
func (s *Server) explain(ctx context.Context, op huma.Operation, err error) *problem {
	p := problemOf(err)
	if object := pathFrom(ctx); p == notFound && object != "" && strings.Contains(op.Path, "{") {
		p = notFound.because("There is no " + object + ".").(*problem)
	}
	if op.Method == http.MethodGet { // there is no body: the fields are those of the query
		for i, f := range p.Errors {
			p.Errors[i].Location = strings.Replace(f.Location, "body.", "query.", 1)
		}
	}
	if p.Status >= http.StatusInternalServerError && !errors.Is(err, context.Canceled) {
		s.log.LogAttrs(ctx, slog.LevelError, "request failed", slog.String("operation", op.OperationID), slog.String("by", principalFrom(ctx).Name), slog.Any("err", err))
	}
	return p
}

// problems written outside of Huma: by Gin's router, by the checks before it, after a panic.
func writeProblem(c *gin.Context, p *problem) {
	for name, values := range p.header {
		c.Header(name, strings.Join(values, ", "))
	}
	body, err := json.Marshal(p)
	if err != nil { // cannot be: strings and a number
		panic(err)
	}
	c.Abort()
	c.Data(p.Status, p.ContentType(""), body)
}

// recovered answers a panic with a problem and logs where it came from.
func (s *Server) recovered(c *gin.Context) {
	defer func() {
		cause := recover()
		if cause == nil {
			return
		}
		if cause == http.ErrAbortHandler { //nolint:errorlint // the very value, as net/http compares it
			panic(cause)
		}
		s.log.Error("a request panicked", "path", c.Request.URL.Path, "err", fmt.Sprint(cause), "stack", string(debug.Stack()))
		if !c.Writer.Written() {
			writeProblem(c, internal)
		}
	}()
	c.Next()
}

// guard sets the headers that every answer has, and refuses what no handler should see: requests that a browser sends
// for another site, and bodies that are too large by their own account.
func (s *Server) guard(c *gin.Context) {
	for name, value := range securityHeaders {
		c.Header(name, value)
	}
	if s.config.TLS != nil {
		c.Header("Strict-Transport-Security", "max-age=31536000")
	}
	if strings.HasPrefix(c.Request.URL.Path, apiBase) {
		c.Header("Cache-Control", "no-store")
	}
	if err := s.crossOrigin.Check(c.Request); err != nil {
		writeProblem(c, forbidden.because("The request comes from another site: "+err.Error()+".").(*problem))
		return
	}
	if c.Request.ContentLength > mostRates*largestBody {
		writeProblem(c, tooLargeFor(&huma.Operation{MaxBodyBytes: mostRates * largestBody}))
		s.swallow(c)
		return
	}
	c.Next()
	if c.Writer.Status() == http.StatusRequestEntityTooLarge {
		s.swallow(c)
	}
}

var securityHeaders = map[string]string{
	"Content-Security-Policy": "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
	"X-Content-Type-Options":  "nosniff",
	"Referrer-Policy":         "same-origin",
	"Permissions-Policy":      "camera=(), geolocation=(), microphone=()",
}
