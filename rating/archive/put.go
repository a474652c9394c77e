package archive

import (
	"context"
	"errors"
	"fmt"

	"tollgate/rating"
)

// batch is what was read from one shard of the outbox, after the position that the archive had.
type batch struct {
	shard   int
	after   string // position archived so far; "" is none
	records []rating.Filed
}

// last is the position of the batch's last record.
func (b batch) last() string { return b.records[len(b.records)-1].Position }

// outcome counts what happened to the records of a transaction.
type outcome struct {
	filed, duplicates int64
	quarantined       []Quarantined
}

func (o *outcome) add(more outcome) {
	o.filed += more.filed
	o.duplicates += more.duplicates
	o.quarantined = append(o.quarantined, more.quarantined...)
}

// errMoved says that the archive is not where the batch began: somebody else files into it, or a commit that looked
// failed was done after all.
var errMoved = errors.New("the archive's position is not where this batch begins")

// Steps of filing at which tests stop.
const (
	stepInserted  = "inserted"  // rows and sums are written, positions are not
	stepPositions = "positions" // everything is written, nothing is committed
	stepCommitted = "committed" // the transaction is committed, the outbox is not trimmed
)

// put files batches of several shards: rows, sums and positions in one transaction, so each record counts once,
// however often it is read. stop is called at each step and ends the transaction with its error.
func (a *Archive) put(ctx context.Context, batches []batch, stop func(step string) error) (outcome, error) {
	var f *filing
	err := a.update(ctx, func(s *session) (err error) {
		if f, err = a.newFiling(s); err != nil {
			return err
		}
		for _, b := range batches {
			if err := f.file(b); err != nil {
				return err
			}
		}
		if err := errors.Join(f.tally.write(s), stop(stepInserted)); err != nil {
			return err
		}
		for _, b := range batches {
			if err := s.advance(b); err != nil {
				return err
			}
		}
		return stop(stepPositions)
	})
	if err != nil {
		return outcome{}, err
	}
	a.learn(f.registrar.learnt)
	for _, q := range f.outcome.quarantined {
		a.log.Error("a record of the outbox cannot be filed and is quarantined", "shard", q.Shard, "position", q.Position, "cause", q.Fault)
	}
	return f.outcome, nil
}

func (a *Archive) learn(d directory) {
	a.writing.Lock()
	defer a.writing.Unlock()
	a.known.keep(d)
}

// advance moves a shard's position to the end of the batch, if it is where the batch began.
func (s *session) advance(b batch) error {
	moved, err := s.exec(`UPDATE positions SET last = ?1 WHERE shard = ?2 AND last = ?3`, b.last(), b.shard, b.after)
	if err == nil && moved == 0 && b.after == "" {
		moved, err = s.exec(`INSERT INTO positions (shard, last) VALUES (?1, ?2) ON CONFLICT DO NOTHING`, b.shard, b.last())
	}
	if err == nil && moved == 0 {
		err = fmt.Errorf("shard %d: %w", b.shard, errMoved)
	}
	return err
}

// Positions returns up to where each shard of the outbox is archived; a shard without a position has none.
func (a *Archive) Positions(ctx context.Context) (map[int]string, error) {
	var positions map[int]string
	err := a.view(ctx, func(s *session) (err error) {
		positions, err = s.positions()
		return err
	})
	return positions, err
}

func (s *session) positions() (map[int]string, error) {
	positions := make(map[int]string)
	err := s.each(func(scan func(...any) error) error {
		var shard int
		var last string
		if err := scan(&shard, &last); err != nil {
			return err
		}
		positions[shard] = last
		return nil
	}, `SELECT shard, last FROM positions`)
	return positions, err
}
