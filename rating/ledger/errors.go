package ledger

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"tollgate/rating"
)

// verdicts gives the words with which scripts refuse their names. OK, REPEAT and DONE are no refusals.
var verdicts = map[string]error{
	"UNKNOWN":   rating.ErrUnknownExtension,
	"LOCKED":    rating.ErrLocked,
	"LIMIT":     rating.ErrLimit,
	"NOCREDIT":  rating.ErrNoCredit,
	"ELSEWHERE": rating.ErrOwnedElsewhere,
	"CONFLICT":  rating.ErrConflict,
	"NOCALL":    rating.ErrNoCall,
	"SETTLED":   rating.ErrSettled,
	"EXISTS":    rating.ErrAccountExists,
	"ACTIVE":    rating.ErrActiveCalls,
	"RANGE":     rating.ErrRange,
	"REUSED":    rating.ErrKeyReused,
	"LEASED":    errLeased,
}

// errLeased is the answer to a sweep that somebody still looks after the call.
var errLeased = errors.New("the lease of the call has not lapsed")

// verdict returns why a script refused, nil where it did not.
func (r reply) verdict() error {
	switch word := r.word(); word {
	case "OK", "REPEAT", "DONE":
		return nil
	default:
		if err, ok := verdicts[word]; ok {
			return err
		}
		return fmt.Errorf("unexpected reply %v", r)
	}
}

// refusals of a server that runs but does not serve, by the first word of its error.
var refusals = []string{"LOADING", "READONLY", "OOM", "MISCONF", "CLUSTERDOWN", "MASTERDOWN", "TRYAGAIN", "NOREPLICAS",
	"NOPERM", "NOAUTH", "WRONGPASS", "BUSY", "UNBLOCKED", "MOVED", "ASK", "ERR max number of clients reached"}

// storeError wraps what kept us from the store as rating.ErrUnavailable: no connection, no reply in time, or a server
// that refuses to serve. What remains is a fault of ours, of the data, or the caller's own end.
func storeError(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	var said redis.Error
	if !errors.As(err, &said) {
		return fmt.Errorf("%w: %w", rating.ErrUnavailable, err)
	}
	for _, word := range refusals {
		if strings.HasPrefix(said.Error(), word) {
			return fmt.Errorf("%w: %w", rating.ErrUnavailable, err)
		}
	}
	return err
}
