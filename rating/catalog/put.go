package catalog

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"slices"
	"time"

	"tollgate/rating"
)

// A write puts documents of one kind into the store over the versions that the writer has seen: all of them, or none.
type write struct {
	kind      kind
	documents []putDocument
	plan      string // version of trunks, dial rules and settings that it was checked against; "" = none of them matters
}

type putDocument struct {
	id    string
	over  int64  // version in the store; 0 = there is none
	value string // what encode gives, keepValue or removeValue
	step  string // account step that goes with it, or one of the two below
}

const (
	removeValue = ""
	keepValue   = "=" // only the step is written
	noStep      = ""
	lastStep    = "*" // this write is what the pending step of the extension is about
)

// Why a write was refused; a writer that named no version of its own reads again and repeats it.
var (
	errOutrun    = errors.New("a document changed while the edit was made")
	errPlanMoved = errors.New("trunks, dial rules or settings changed while the edit was made")
)

// pending says which extension has an account step to be done first.
type pending struct{ extension string }

func (p pending) Error() string {
	return "a change of extension " + p.extension + " is not finished yet"
}

// store runs the write. The stamp names it, so that a client library that repeats it after a lost answer does no harm.
func (c *Catalog) store(ctx context.Context, w write) error {
	return c.storeAs(ctx, rand.Text(), w)
}

func (c *Catalog) storeAs(ctx context.Context, stamp string, w write) error {
	args := []any{stamp, w.plan, flag(w.kind.inPlan()), flag(w.changesSnapshot()), logLength, changeChannel,
		string(w.kind), w.kind.most(), maxNamed}
	for _, d := range w.documents {
		args = append(args, d.id, d.over, d.value, d.step)
	}
	words, err := putScript.Run(ctx, c.client, []string{headKey, logKey, stepsKey, w.kind.key(), batchKey}, args...).StringSlice()
	if err != nil {
		return storeError(err)
	}
	return w.kind.refusal(words)
}

// changesSnapshot reports whether nodes have something to follow.
func (w write) changesSnapshot() bool {
	return w.kind.inSnapshot() && slices.ContainsFunc(w.documents, func(d putDocument) bool { return d.value != keepValue })
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

// refusal reads the reply of put.lua.
func (k kind) refusal(words []string) error {
	words = append(words, "", "")
	switch words[0] {
	case "OK":
		return nil
	case "VERSION":
		return errOutrun
	case "PENDING":
		return pending{words[1]}
	case "PLAN":
		return errPlanMoved
	case "FULL":
		return errFull(k)
	case "BATCH":
		return errBatch
	}
	return fmt.Errorf("unexpected reply %q", words)
}

func errFull(k kind) error {
	return fmt.Errorf("%w: the store holds as many %s as it may, %d", rating.ErrConflict, k, k.most())
}

const (
	maxAttempts = 200                   // of an edit that others outrun
	retryWait   = 10 * time.Millisecond // at most, between two of them
	// patience is how long an edit waits for the account step of the one before it, until it takes its writer for dead
	// and does the step itself.
	patience = time.Second
)

// persist makes an edit and stores it, again and again while others are faster. prepare reads, changes and checks; it is
// called anew for every attempt, and may return an empty write where nothing is to be done.
func (c *Catalog) persist(ctx context.Context, prepare func(context.Context) (write, error)) error {
	began := time.Now()
	for attempt := range maxAttempts {
		w, err := prepare(ctx)
		if err != nil || len(w.documents) == 0 {
			return err
		}
		if len(w.documents) > c.options.direct {
			err = c.storeBatch(ctx, w.kind, prepare)
		} else {
			err = c.store(ctx, w)
		}
		if err == nil {
			c.awaitOwn(ctx, w)
			return nil
		}
		if err = c.makeWay(ctx, err, time.Since(began) > c.options.patience); err != nil {
			return err
		}
		if err := pause(ctx, attempt); err != nil {
			return err
		}
	}
	return fmt.Errorf("%w: others changed it %d times in the meantime", rating.ErrConflict, maxAttempts)
}

// makeWay deals with what refused a write, and returns nil where trying again makes sense. What another writer has
// begun is left to that one until patience has run out.
func (c *Catalog) makeWay(ctx context.Context, refused error, impatient bool) error {
	var step pending
	switch {
	case errors.Is(refused, errOutrun), errors.Is(refused, errPlanMoved):
		return nil
	case errors.Is(refused, errBatch):
		if impatient {
			return c.helpBatch(ctx)
		}
		return nil
	case errors.As(refused, &step):
		if !impatient {
			return nil
		}
		if err := c.finish(ctx, []string{step.extension}); err != nil && !final(err) {
			return fmt.Errorf("%w: %w", step, err)
		}
		return nil
	}
	return refused
}

// awaitOwn lets the caller see its own change on this node. The write is done whatever happens here: when the store is
// lost in this moment, the next poll brings the change.
func (c *Catalog) awaitOwn(ctx context.Context, w write) {
	if !w.changesSnapshot() {
		return
	}
	if err := c.Refresh(ctx); err != nil {
		c.log.Warn("a change is stored, and shows on this node a little later", "err", err)
	}
}

// pause waits a little, so that writers who outrun each other get out of step.
func pause(ctx context.Context, attempt int) error {
	if attempt == 0 {
		return nil
	}
	select {
	case <-time.After(mathrand.N(retryWait)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
