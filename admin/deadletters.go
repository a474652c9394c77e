package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"tollgate/rating"
)

// DeadLetters are the events that a webhook could not be told of for a day.
type DeadLetters interface {
	// Dead returns them, the latest first: those from number skip on, n at most, and how many there are.
	Dead(ctx context.Context, skip, n int) (letters []rating.Delivery, total int64, err error)
	// Find returns a delivery; rating.ErrNotFound.
	Find(ctx context.Context, id string) (rating.Delivery, error)
	// Again puts one back into the queue, for another day; rating.ErrNotFound.
	Again(ctx context.Context, id string) (rating.Delivery, error)
}

// deadLetter is the resource.
type deadLetter struct {
	ID        string     `json:"id" doc:"Names the delivery."`
	URL       string     `json:"url" doc:"Of the webhook."`
	Event     event      `json:"event" doc:"What the webhook was to be told: the body of the request."`
	Attempts  int        `json:"attempts" doc:"Requests that failed."`
	FirstAt   time.Time  `json:"first_at" doc:"When it was put into the queue."`
	LastAt    *time.Time `json:"last_at" doc:"Of the last attempt; null: there was none yet."`
	LastError string     `json:"last_error" doc:"Why that failed."`
}

// event is the body of a request to a webhook.
type event struct {
	ID   string           `json:"id" doc:"Names the event; the same however often it is told."`
	Name rating.EventName `json:"event" doc:"What happened."`
	At   time.Time        `json:"at" doc:"When."`
	Data json.RawMessage  `json:"data" doc:"More of it, by event."`
}

func deadLetterOf(d rating.Delivery) deadLetter {
	x := deadLetter{ID: d.ID, URL: d.URL, Event: event(d.Event), Attempts: d.Attempts, FirstAt: d.FirstAt.UTC(), LastError: d.LastError}
	if !d.LastAt.IsZero() {
		x.LastAt = inUTC(&d.LastAt)
	}
	return x
}

func (s *Server) listDeadLetters(ctx context.Context, in *struct{ Paging }) (*answer[list[deadLetter]], error) {
	found, total, err := s.deps.DeadLetters.Dead(ctx, in.offset(), in.PerPage)
	if err != nil {
		return nil, fmt.Errorf("read dead letters: %w", err)
	}
	items := make([]deadLetter, 0, len(found))
	for _, d := range found {
		items = append(items, deadLetterOf(d))
	}
	return listOf(in.Paging, items, total), nil
}

// retryDeadLetter puts a dead letter back into the queue, where its webhook is still there.
func (s *Server) retryDeadLetter(ctx context.Context, in *struct {
	ID string `path:"id" maxLength:"300" doc:"The dead letter's id."`
}) (*answer[deadLetter], error) {
	d, err := s.deps.DeadLetters.Find(ctx, in.ID)
	if err == nil && !wanted(s.snapshot().Settings.Webhooks, d.URL, d.Event.Name) {
		return nil, conflict.because("No webhook of the settings wants the event " + string(d.Event.Name) + " at " + d.URL + " any more; add one first.")
	}
	if err == nil {
		d, err = s.deps.DeadLetters.Again(ctx, in.ID)
	}
	if errors.Is(err, rating.ErrNotFound) {
		return nil, notFound.because("There is no dead letter " + in.ID + ".")
	}
	if err != nil {
		return nil, fmt.Errorf("retry a dead letter: %w", err)
	}
	trailFrom(ctx).tell("dead letter "+d.ID, nil, map[string]any{"url": d.URL, "event": d.Event.Name})
	return &answer[deadLetter]{deadLetterOf(d)}, nil
}

// wanted reports whether some webhook is to be told of an event at a URL.
func wanted(hooks []rating.Webhook, url string, name rating.EventName) bool {
	return slices.ContainsFunc(hooks, func(w rating.Webhook) bool { return w.URL == url && w.Wants(name) })
}
