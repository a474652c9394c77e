package admin

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
)

// Times of an event stream.
const (
	pingEvery    = 15 * time.Second
	recheckEvery = 2 * time.Second  // whether the session or token still holds
	eventTimeout = 10 * time.Second // for the client to take one round of events
	retryAfter   = 2 * time.Second  // that a browser waits before it connects again
)

// callsNow and serverTime are the data of the events snapshot and ping. Those of the others are the call.
type (
	callsNow struct {
		ServerTime time.Time    `json:"server_time" doc:"The clock that deadline_at and the other times are of."`
		Items      []activeCall `json:"items" doc:"All calls that are up."`
	}
	serverTime struct {
		ServerTime time.Time `json:"server_time" doc:"The clock that deadline_at and the other times are of."`
	}
)

// stream is an answer that is written bit by bit.
type stream struct{ Body func(huma.Context) }

const followRule = "Server-sent events. First comes snapshot with all calls that are up, then started, updated and ended, each with the call, within a second; " +
	"ping every 15 s. A client that comes again gets a new snapshot. cost_so_far moves in steps of the rate's unit; deadline_at changes with a recharge " +
	"and with other calls of the extension, and can be counted down to. The stream ends when the session or token does, " +
	"and for a client that does not read. A browser's EventSource sends the cookie."

// followCalls tells which calls are up, and everything that changes about them.
func (s *Server) followCalls(ctx context.Context, _ *struct{}) (*stream, error) {
	who := principalFrom(ctx)
	one, err := s.feed.follow(who.key)
	if err != nil {
		return nil, err
	}
	return &stream{func(hc huma.Context) {
		defer s.feed.leave(one)
		s.sendEvents(hc, who, one)
	}}, nil
}

// sendEvents writes what the follower is told until it leaves, may not follow any more, or does not read.
func (s *Server) sendEvents(hc huma.Context, who principal, one *follower) {
	ctx := hc.Context()
	hc.SetHeader("Content-Type", "text/event-stream")
	hc.SetHeader("X-Accel-Buffering", "no") // nginx would keep events back
	hc.SetStatus(http.StatusOK)
	ping, recheck := time.NewTicker(pingEvery), time.NewTicker(recheckEvery)
	defer ping.Stop()
	defer recheck.Stop()
	send := sender(hc)
	if send(fmt.Appendf(nil, "retry: %d\n\n", retryAfter.Milliseconds())) != nil {
		return
	}
	for {
		select {
		case <-ctx.Done():
			return
		case round, open := <-one.rounds:
			if !open || send(round) != nil {
				return
			}
		case at := <-ping.C:
			var event bytes.Buffer
			writeEvent(&event, "ping", fmt.Appendf(nil, `{"server_time":%q}`, at.UTC().Format(time.RFC3339Nano)))
			if send(event.Bytes()) != nil {
				return
			}
		case <-recheck.C:
			if s.mayStill(ctx, who, hc.Operation()) != nil {
				return
			}
		}
	}
}

// sender writes to the client at once. What is not taken in time ends the stream: the answer to one request may take
// for ever, but no part of it may.
func sender(hc huma.Context) func([]byte) error {
	w := humagin.Unwrap(hc).Writer
	control := http.NewResponseController(w)
	return func(text []byte) error {
		if err := control.SetWriteDeadline(time.Now().Add(eventTimeout)); err != nil {
			return err
		}
		if _, err := w.Write(text); err != nil {
			return err
		}
		return control.Flush()
	}
}

// writeEvent appends an event as of the HTML standard (Server-sent events §9.2.6). The data is JSON, so it is one line.
func writeEvent(to *bytes.Buffer, name string, data []byte) {
	fmt.Fprintf(to, "event: %s\ndata: %s\n\n", name, data)
}

// tooManyStreams says that no more clients may follow.
func tooManyStreams(format string, args ...any) error {
	p := *throttled
	p.Detail = fmt.Sprintf("No more streams: "+format+". Close one, and connect again.", args...)
	p.header = http.Header{"Retry-After": {"10"}}
	return &p
}

// eventStream documents what an operation streams.
func (s *Server) eventStream(op *huma.Operation) {
	registry := s.api.OpenAPI().Components.Schemas
	var events []*huma.Schema
	event := func(data *huma.Schema, names ...any) {
		events = append(events, &huma.Schema{Type: huma.TypeObject, Required: []string{"event", "data"}, Properties: map[string]*huma.Schema{
			"event": {Type: huma.TypeString, Enum: names, Description: "What happened."}, "data": data}})
	}
	event(schemaOf[callsNow](registry), "snapshot")
	event(schemaOf[activeCall](registry), "started", "updated", "ended")
	event(schemaOf[serverTime](registry), "ping")
	op.Description = followRule
	op.Metadata[lastsKey] = true
	op.Errors = append(op.Errors, http.StatusTooManyRequests)
	op.Responses = map[string]*huma.Response{"200": {Description: "Events, one after the other.", Content: map[string]*huma.MediaType{
		"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeArray, Description: "Each event is an item.", Items: &huma.Schema{OneOf: events}}}}}}
}
