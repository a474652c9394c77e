package sipctl

import (
	"context"
	"log/slog"
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tollgate/rating"
)

// Deps are what the SIP side needs from the rest of the program. All of it is safe for concurrent use.
type Deps struct {
	Ledger   Ledger
	Catalog  Catalog
	Spool    Spool
	Registry prometheus.Registerer // nil: metrics are counted, but shown nowhere
	Log      *slog.Logger          // nil: slog.Default()
	Resolve  Resolver              // nil: net.DefaultResolver
}

// Ledger is the money side as a call sees it. Every method is idempotent per call: after a timeout, call again. The
// errors are those of package rating; any other one, ErrUnavailable included, says that the store did not answer.
type Ledger interface {
	Authorize(ctx context.Context, a rating.Authorization) (rating.Grant, error)
	Answer(ctx context.Context, a rating.Answer) (rating.Grant, error)
	Extend(ctx context.Context, e rating.Extend) (rating.Grant, error)
	SaveDialog(ctx context.Context, call rating.CallID, dialog []byte) error // of an answered call, in mid-call
	// Touch renews leases. Calls that are not ours are over, or looked after elsewhere.
	Touch(ctx context.Context, calls []rating.CallID) (over, elsewhere []rating.CallID, err error)
	Settle(ctx context.Context, s rating.Settlement) (rating.Settled, error)
	File(ctx context.Context, cdr rating.CDR) error // the CDR of a call that was never authorised
	Call(ctx context.Context, call rating.CallID) (rating.Hold, error)
	CallsOf(ctx context.Context, node string) ([]rating.Hold, error)

	// Gone returns the other nodes whose heartbeat is gone, and when each was last seen.
	Gone(ctx context.Context) (map[string]time.Time, error)
	// Adopt makes a call of such a node ours; rating.ErrOwnedElsewhere where its node is back, or another was faster.
	Adopt(ctx context.Context, call rating.CallID, node string) (rating.Hold, error)
	// Claim is Adopt for a call whose messages arrive here; it also takes back what was taken over from this node. taken is
	// false where the call was ours all along. With ErrOwnedElsewhere Seen says when the call's node was last seen.
	Claim(ctx context.Context, call rating.CallID) (h rating.Hold, taken bool, err error)
}

// Catalog is what operators edit.
type Catalog interface {
	// Current returns the newest snapshot; never nil.
	Current() *rating.Snapshot
	// CreateExtension adds an extension that was heard of for the first time (setting unknown_extension = create), and
	// returns it, also when it exists already.
	CreateExtension(ctx context.Context, e rating.Extension) (rating.Extension, error)
}

// Spool keeps what the store did not take in time, on the local disk, until it does. What Put has accepted survives the
// death of the process and of the machine.
type Spool interface {
	Put(e SpoolEntry) error
	Entries() int // not yet replayed
}

// SpoolEntry is one step that the store has not seen yet; exactly one field is set. The steps of one call are replayed in
// the order in which they were put.
type SpoolEntry struct {
	Answer *rating.Answer     `json:"answer,omitempty"`
	Settle *rating.Settlement `json:"settle,omitempty"`
	File   *rating.CDR        `json:"file,omitempty"`
}

// Resolver looks names up; *net.Resolver is one.
type Resolver interface {
	LookupHost(ctx context.Context, host string) (addrs []string, err error)
	// LookupSRV returns records sorted by priority and, within one, at random by weight (RFC 2782).
	LookupSRV(ctx context.Context, service, proto, name string) (cname string, records []*net.SRV, err error)
}

// How long a step waits for the store.
const (
	authorizeWait = 2 * time.Second        // then 503: new calls are refused within 3 s of the store's loss
	answerWait    = 200 * time.Millisecond // then the spool takes it: the caller waits for its 200
	extendWait    = 150 * time.Millisecond // of an extension that is due now
	earlyWait     = 2 * time.Second        // of one that is ahead of time, and of everything in the background
	settleWait    = 2 * time.Second        // then the spool takes it
)
