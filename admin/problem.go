package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"tollgate/rating"
)

// problem is what every error answer says (RFC 9457). It is the only error that a handler's caller sees.
type problem struct {
	Type   string  `json:"type" doc:"What went wrong, in a word that programs compare." example:"validation"`
	Title  string  `json:"title" doc:"The same for people; equal for equal types."`
	Status int     `json:"status" doc:"The HTTP status."`
	Detail string  `json:"detail" doc:"What is wrong this time, and how to mend it."`
	Errors []fault `json:"errors,omitempty" doc:"Every field that is at fault."`

	header http.Header // sent along, such as Retry-After
}

// fault is one field that is wrong.
type fault struct {
	Location string `json:"location" doc:"Where: body.…, query.…, header.… or path.…" example:"body.amount"`
	Message  string `json:"message" doc:"What it must be."`
	Line     int    `json:"line,omitempty" doc:"Of a sheet that is imported; its header is line 1."`
	Field    string `json:"field,omitempty" doc:"Column of that sheet."`
}

// Error, GetStatus, GetHeaders and ContentType make a problem an answer of Huma.
func (p *problem) Error() string              { return p.Type + ": " + p.Detail }
func (p *problem) GetStatus() int             { return p.Status }
func (p *problem) GetHeaders() http.Header    { return p.header }
func (p *problem) ContentType(string) string  { return "application/problem+json" }
func (p *problem) with(faults ...fault) error { q := *p; q.Errors = faults; return &q }
func (p *problem) because(detail string) error {
	q := *p
	q.Detail = detail
	return &q
}

// The problems of this API. Their details are what is said when nothing better is known.
var (
	malformed         = &problem{Type: "malformed", Title: "The request is not readable", Status: http.StatusBadRequest, Detail: "Send a JSON body with Content-Type: application/json."}
	invalid           = &problem{Type: "validation", Title: "The request breaks a rule", Status: http.StatusUnprocessableEntity, Detail: "Mend the fields listed in errors and send it again."}
	unauthenticated   = &problem{Type: "unauthenticated", Title: "Not logged in", Status: http.StatusUnauthorized, Detail: "Log in with POST /api/v1/login, or send a valid token: Authorization: Bearer …", header: http.Header{"WWW-Authenticate": {`Bearer realm="tollgate"`}}}
	forbidden         = &problem{Type: "forbidden", Title: "Not allowed", Status: http.StatusForbidden, Detail: "Your role does not allow this; ask an administrator."}
	licenseExpired    = &problem{Type: "license-expired", Title: "The trial is over", Status: http.StatusForbidden, Detail: "The 30 days of trial are over. Calls go on and are charged; the administrator uploads a licence (POST /api/v1/license), or deactivates billing."}
	notFound          = &problem{Type: "not-found", Title: "Not found", Status: http.StatusNotFound, Detail: "There is nothing under this address; /docs lists what there is."}
	methodNotAllowed  = &problem{Type: "method-not-allowed", Title: "Method not allowed", Status: http.StatusMethodNotAllowed, Detail: "This address takes other methods; /docs lists them."}
	conflict          = &problem{Type: "conflict", Title: "In conflict with what exists", Status: http.StatusConflict, Detail: "Read the resource again and decide anew."}
	insufficientFunds = &problem{Type: "insufficient-funds", Title: "Not enough money", Status: http.StatusConflict, Detail: "The amount is more than what is available: balance plus credit minus what running calls hold."}
	staleVersion      = &problem{Type: "precondition-failed", Title: "Changed in the meantime", Status: http.StatusPreconditionFailed, Detail: "Somebody else changed it since the version in If-Match: read it again and repeat the edit."}
	keyReused         = &problem{Type: "idempotency-mismatch", Title: "Idempotency-Key used with another body", Status: http.StatusUnprocessableEntity, Detail: "Use a new Idempotency-Key for every new recharge, and the same one only to repeat the same body."}
	throttled         = &problem{Type: "throttled", Title: "Too many attempts", Status: http.StatusTooManyRequests, Detail: "Wait as long as Retry-After says."}
	tooLarge          = &problem{Type: "too-large", Title: "The body is too large", Status: http.StatusRequestEntityTooLarge, Detail: "Send it in smaller parts."}
	storeUnavailable  = &problem{Type: "store-unavailable", Title: "The store does not answer", Status: http.StatusServiceUnavailable, Detail: "Nothing is known to have changed; repeat the request in a moment.", header: http.Header{"Retry-After": {"2"}}}
	internal          = &problem{Type: "internal", Title: "Something is broken on our side", Status: http.StatusInternalServerError, Detail: "The log of the server says more."}
)

// allProblems lists them for the documentation.
func allProblems() []*problem {
	return []*problem{malformed, invalid, unauthenticated, forbidden, licenseExpired, notFound, methodNotAllowed, conflict, insufficientFunds, staleVersion, keyReused,
		throttled, tooLarge, storeUnavailable, internal}
}

// problems says which problem an error of the inner packages is; the first match wins, unlisted is internal.
var problems = []struct {
	err     error
	problem *problem
}{
	{rating.ErrNoCredit, insufficientFunds},
	{rating.ErrKeyReused, keyReused},
	{rating.ErrVersion, staleVersion},
	{rating.ErrNotFound, notFound},
	{rating.ErrUnknownExtension, notFound},
	{rating.ErrNoCall, notFound},
	{rating.ErrSettled, notFound},
	{rating.ErrActiveCalls, conflict},
	{rating.ErrAccountExists, conflict},
	{rating.ErrConflict, conflict},
	{rating.ErrRange, invalid},
	{rating.ErrBadNumber, invalid},
	{rating.ErrUnavailable, storeUnavailable},
	{context.DeadlineExceeded, storeUnavailable},
	{context.Canceled, storeUnavailable}, // the client is gone, nobody reads it
	{io.EOF, storeUnavailable},
}

// problemOf turns any error into the answer that it deserves. What an inner error says is shown only where it was
// written for operators; an unexpected one goes to the log, not to the client.
func problemOf(err error) *problem {
	var p *problem
	if errors.As(err, &p) {
		return p
	}
	var wrong rating.Invalid
	if errors.As(err, &wrong) {
		return faultsOf("body.", wrong)
	}
	for _, known := range problems {
		if errors.Is(err, known.err) {
			return inWords(known.problem, err)
		}
	}
	var network net.Error
	if errors.As(err, &network) {
		return storeUnavailable
	}
	return internal
}

// inWords adds what an inner error says to the problems whose own words would say too little.
func inWords(p *problem, err error) *problem {
	if p != conflict && p != invalid {
		return p
	}
	q := *p
	q.Detail = "The change was not made: " + err.Error() + "."
	return &q
}

// faultsOf is a validation problem for the fields of a body.
func faultsOf(path string, wrong rating.Invalid) *problem {
	p := *invalid
	for _, f := range wrong {
		location := path + f.Field
		if f.Field == idempotencyKey {
			location = "header." + f.Field
		}
		p.Errors = append(p.Errors, fault{Location: location, Message: f.Message})
	}
	return &p
}

// byStatus says which problem a status of Huma's own checks is.
var byStatus = map[int]*problem{
	http.StatusBadRequest:            malformed,
	http.StatusUnsupportedMediaType:  malformed,
	http.StatusRequestTimeout:        malformed,
	http.StatusUnauthorized:          unauthenticated,
	http.StatusForbidden:             forbidden,
	http.StatusNotFound:              notFound,
	http.StatusMethodNotAllowed:      methodNotAllowed,
	http.StatusConflict:              conflict,
	http.StatusPreconditionFailed:    staleVersion,
	http.StatusRequestEntityTooLarge: tooLarge,
	http.StatusUnprocessableEntity:   invalid,
	http.StatusTooManyRequests:       throttled,
	http.StatusServiceUnavailable:    storeUnavailable,
}

// humaProblem replaces Huma's error model.
func humaProblem(status int, message string, errs ...error) huma.StatusError {
	return problemIn(nil, status, message, errs...)
}

// problemIn is humaProblem for an operation, if there is one: it knows what the operation takes.
func problemIn(op *huma.Operation, status int, message string, errs ...error) huma.StatusError {
	known, ok := byStatus[status]
	if !ok {
		known = internal
	}
	p := *known
	for _, err := range errs {
		var ours *problem
		if errors.As(err, &ours) {
			return ours
		}
		var detailed huma.ErrorDetailer
		if !errors.As(err, &detailed) || len(p.Errors) == mostFaults {
			continue
		}
		if f := inOurWords(detailed.ErrorDetail()); !slices.Contains(p.Errors, f) {
			p.Errors = append(p.Errors, f)
		}
	}
	switch {
	case known == tooLarge && op != nil:
		p.Detail = tooLargeFor(op).Detail
	case known == malformed:
		p.Detail = takes(op)
		if message != "" && message != "validation failed" {
			p.Detail = "The request is not readable: " + message + ". " + p.Detail
		}
	}
	return &p
}

// takes says what an operation takes.
func takes(op *huma.Operation) string {
	if op == nil || op.RequestBody == nil || op.RequestBody.Content["application/json"] != nil {
		return malformed.Detail
	}
	kinds := slices.Sorted(maps.Keys(op.RequestBody.Content))
	return "Send the file as the body, with Content-Type: " + strings.Join(kinds, " or ") + "."
}

// tooLargeFor says how much an operation takes.
func tooLargeFor(op *huma.Operation) *problem {
	p := *tooLarge
	p.Detail = fmt.Sprintf("This address takes at most %d bytes: send it in smaller parts.", op.MaxBodyBytes)
	return &p
}
