package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tollgate/rating"
)

// hangUpEvery is how often a request to hang up is repeated until the call has ended: a message may get lost.
const hangUpEvery = 200 * time.Millisecond

func hangUpChannel(node string) string { return "tollgate:hangup:" + node }

// HangUp asks the node that looks after a call to end it, and returns when the call has ended. rating.ErrNoCall and
// ErrSettled say that there is nothing to end; ErrUnavailable that the context ended first.
func (l *Ledger) HangUp(ctx context.Context, id rating.CallID) error {
	hold, err := l.Call(ctx, id)
	if err != nil {
		return fmt.Errorf("hang up: %w", err)
	}
	repeat := time.NewTicker(hangUpEvery)
	defer repeat.Stop()
	for {
		if err := l.redis.Publish(ctx, hangUpChannel(hold.Node), string(id)).Err(); err != nil {
			return fmt.Errorf("hang up call %s on node %s: %w", id, hold.Node, storeError(err))
		}
		select {
		case <-repeat.C:
		case <-ctx.Done():
			return fmt.Errorf("hang up call %s: node %s has not ended it: %w", id, hold.Node, rating.ErrUnavailable)
		}
		hold, err = l.Call(ctx, id)
		if errors.Is(err, rating.ErrSettled) || errors.Is(err, rating.ErrNoCall) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("hang up: %w", err)
		}
	}
}

// HangUps calls f with each call that this node is asked to hang up, until the context ends; a request may come more
// than once. It goes on by itself after the store was lost. f must not block.
func (l *Ledger) HangUps(ctx context.Context, f func(rating.CallID)) error {
	messages := l.redis.Subscribe(ctx, hangUpChannel(l.Node))
	defer messages.Close()
	requests := messages.Channel()
	for {
		select {
		case <-ctx.Done():
			return nil
		case m, ok := <-requests:
			if !ok {
				return nil
			}
			if _, ok := rating.CallID(m.Payload).Shard(); ok {
				f(rating.CallID(m.Payload))
			}
		}
	}
}
