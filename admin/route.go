package admin

import (
	"context"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

const (
	apiBase  = "/api/v1"
	readsKey = "reads" // in an operation's metadata: it changes nothing, although it is a POST
	lastsKey = "lasts" // it may take longer than other requests, and sees to its time itself

	mostRates = 8 // times largestBody: a rate may name 100,000 extensions
)

// option changes an operation from what its method suggests.
type option func(*huma.Operation)

// asks marks a POST that answers a question: it changes nothing, and its status is 200.
func asks(op *huma.Operation) {
	op.DefaultStatus = http.StatusOK
	op.Metadata[readsKey] = true
}

// large allows bodies that name every extension.
func large(op *huma.Operation) { op.MaxBodyBytes = mostRates * largestBody }

// noContent marks an operation that answers without a body.
func noContent(op *huma.Operation) { op.DefaultStatus = http.StatusNoContent }

// says adds more than the summary holds.
func says(description string) option {
	return func(op *huma.Operation) { op.Description = description }
}

// route registers an operation: who may use it, "METHOD /path", its id, what it is for, its handler.
func route[In, Out any](s *Server, who access, at, id, summary string, handler func(context.Context, *In) (*Out, error), options ...option) {
	method, path, _ := strings.Cut(at, " ")
	op := huma.Operation{OperationID: id, Method: method, Path: apiBase + path, Summary: summary, Tags: []string{tagOf(path)},
		DefaultStatus: statusOf[method], Metadata: map[string]any{accessKey: who}, Errors: errorsOf(method, path, who),
		MaxBodyBytes: largestBody, BodyReadTimeout: longestRequest}
	if _, conditional := reflect.TypeFor[In]().FieldByName("IfMatch"); conditional {
		op.Errors = append(op.Errors, http.StatusPreconditionFailed)
	}
	if !slices.Equal(who, anyone) {
		op.Security = []map[string][]string{{"bearer": {}}, {"cookie": {}}}
		op.Extensions = map[string]any{"x-roles": who}
	}
	for _, change := range options {
		change(&op)
	}
	huma.Register(s.api, op, func(ctx context.Context, in *In) (*Out, error) {
		do := handler
		if changes(&op) {
			do = func(ctx context.Context, in *In) (*Out, error) { return changing(ctx, s, &op, in, handler) }
		}
		out, err := do(ctx, in)
		if err != nil {
			return nil, s.explain(ctx, op, err)
		}
		return out, nil
	})
}

var statusOf = map[string]int{http.MethodGet: http.StatusOK, http.MethodPost: http.StatusCreated, http.MethodPut: http.StatusOK,
	http.MethodPatch: http.StatusOK, http.MethodDelete: http.StatusNoContent}

// tagOf groups operations by the first part of their path.
func tagOf(path string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return first
}

// errorsOf lists the problems that an operation may answer with, beside 500.
func errorsOf(method, path string, who access) []int {
	codes := []int{http.StatusUnprocessableEntity, http.StatusServiceUnavailable}
	if !slices.Equal(who, anyone) {
		codes = append(codes, http.StatusUnauthorized, http.StatusForbidden)
	}
	if method != http.MethodGet && method != http.MethodDelete {
		codes = append(codes, http.StatusBadRequest, http.StatusRequestEntityTooLarge)
	}
	if strings.Contains(path, "{") {
		codes = append(codes, http.StatusNotFound)
	}
	if method != http.MethodGet {
		codes = append(codes, http.StatusConflict)
	}
	if path == "/login" {
		codes = append(codes, http.StatusUnauthorized, http.StatusForbidden) // license-expired
	}
	if path == "/login" || path == "/me/password" {
		codes = append(codes, http.StatusTooManyRequests)
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}

// longestRequest bounds reading a body and answering it; longestLast that of an operation that may take longer.
const (
	longestRequest = 30 * time.Second
	longestLast    = 5 * time.Minute
)
