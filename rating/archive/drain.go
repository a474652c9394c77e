package archive

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tollgate/rating"
)

// Outbox is where the ledger leaves what the archive must keep: one stream of records per shard.
type Outbox interface {
	// Shards is how many streams there are; they are numbered from 0.
	Shards() int
	// Read returns up to max records of a shard that follow the position after ("" = from the beginning), in order,
	// and does not wait for more.
	Read(ctx context.Context, shard int, after string, max int) ([]rating.Filed, error)
	// Trim forgets the records of a shard up to and including a position.
	Trim(ctx context.Context, shard int, upTo string) error
}

// Bounds of the drain.
const (
	maxPerShard = 1000                   // records read from one shard at once
	maxPerRound = 4000                   // records in one transaction
	minPause    = 200 * time.Millisecond // after a round that brought something: the next ones share reads and a transaction
	maxPause    = 400 * time.Millisecond // while nothing comes: a record is archived at most this long after it was filed
	minBackOff  = 100 * time.Millisecond // after a failure, doubled with each one that follows
	maxBackOff  = 5 * time.Second
	readTimeout = 5 * time.Second  // of one read or trim of the outbox
	putTimeout  = 30 * time.Second // of one transaction; it is not cut short by the end of the service
)

// Drain moves records from the outbox into the archive, each exactly once: what a record says and how far the outbox
// is archived are written in one transaction, and only then is the outbox trimmed. Whatever dies in between, the next
// drain goes on after the position that the archive holds.
type Drain struct {
	Outbox  Outbox
	Archive *Archive
	Leader  func() bool // whether this node drains at present; nil = always. Only one node may

	meter meter
	state
	stop func(step string) error // tests end a round at a step of put
}

// state belongs to the goroutine that drains.
type state struct {
	positions map[int]string // archived, per shard; nil = ask the archive
	untrimmed map[int]string // archived, but perhaps still in the outbox
	first     int            // shard that the next round begins with, so that a busy one does not keep others waiting
	limit     int            // records per shard; fewer after a transaction that the database refused
}

// Run drains until ctx ends, and finishes the transaction at hand. Failures are logged and retried, ever more slowly.
func (d *Drain) Run(ctx context.Context) {
	var failures int
	pause := minPause
	for ctx.Err() == nil {
		if d.Leader != nil && !d.Leader() {
			d.state = state{}
			d.meter.idle()
			sleep(ctx, maxPause)
			continue
		}
		n, more, err := d.round(ctx)
		if err != nil && ctx.Err() == nil {
			failures++
			d.meter.failed()
			pause = min(minBackOff<<min(failures-1, 10), maxBackOff)
			if failures&(failures-1) == 0 { // the 1st, 2nd, 4th, 8th … of a row: a long outage does not fill the log
				d.Archive.log.Warn("the outbox cannot be archived; trying again", "err", err, "failures", failures, "pause", pause)
			}
		} else {
			failures = 0
			pause = nextPause(pause, n, more)
		}
		sleep(ctx, pause)
	}
}

// nextPause is none while there is more to read, short after a record, and longer and longer while nothing comes.
func nextPause(last time.Duration, n int, more bool) time.Duration {
	switch {
	case more:
		return 0
	case n > 0:
		return minPause
	}
	return min(max(2*last, minPause), maxPause)
}

// Flush drains until the outbox is empty.
func (d *Drain) Flush(ctx context.Context) error {
	for {
		n, more, err := d.round(ctx)
		if err != nil {
			return err
		}
		if n == 0 && !more {
			return nil
		}
	}
}

// round archives what the shards hold now, up to maxPerRound records, and trims the outbox, unless another node is at it.
// more says that some shard had more than was read.
func (d *Drain) round(ctx context.Context) (n int, more bool, err error) {
	led, err := d.Archive.leads(ctx)
	if err != nil || !led {
		d.state = state{}
		d.meter.idle()
		return 0, false, err
	}
	if err := d.resume(ctx); err != nil {
		return 0, false, err
	}
	batches, more, readErr := d.read(ctx)
	if len(batches) > 0 {
		if n, err = d.put(ctx, batches); err != nil {
			d.positions = nil // what was committed is known to the archive alone
			return 0, false, errors.Join(err, readErr)
		}
	}
	if !more && readErr == nil {
		d.meter.caughtUp()
	}
	return n, more, errors.Join(readErr, d.trim(ctx))
}

// resume asks the archive where it stands, at the start and after a failure. What it has may still be in the outbox.
func (d *Drain) resume(ctx context.Context) error {
	if d.positions != nil {
		return nil
	}
	positions, err := d.Archive.Positions(ctx)
	if err != nil {
		return err
	}
	d.positions, d.untrimmed = positions, make(map[int]string, len(positions))
	for shard, last := range positions {
		d.untrimmed[shard] = last
	}
	if d.limit == 0 {
		d.limit = maxPerShard
	}
	return nil
}

// read takes the next records of each shard. A shard that fails does not keep the others from being archived, but
// ends the round: the store is probably gone for all of them.
func (d *Drain) read(ctx context.Context) (batches []batch, more bool, err error) {
	shards, room := d.Outbox.Shards(), maxPerRound
	begin := d.first
	for i := range shards {
		shard := (begin + i) % shards
		most := min(d.limit, room)
		if most == 0 {
			d.first = shard
			return batches, true, nil
		}
		records, err := d.readShard(ctx, shard, most)
		if err != nil {
			d.first = (shard + 1) % shards
			return batches, false, fmt.Errorf("read outbox shard %d: %w", shard, err)
		}
		if len(records) > 0 {
			batches = append(batches, batch{shard, d.positions[shard], records})
		}
		room -= len(records)
		more = more || len(records) == most
	}
	return batches, more, nil
}

func (d *Drain) readShard(ctx context.Context, shard, most int) ([]rating.Filed, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	records, err := d.Outbox.Read(ctx, shard, d.positions[shard], most)
	return records[:min(len(records), most)], err
}

// put files the batches. Where the database refuses a value, the batches are made smaller until the record that it
// comes from stands alone, and that one is set aside. They are made smaller, too, for a database that does not get done.
func (d *Drain) put(ctx context.Context, batches []batch) (int, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), putTimeout)
	defer cancel()
	done, err := d.Archive.put(ctx, batches, d.step)
	switch {
	case err == nil:
		d.limit = min(2*d.limit, maxPerShard)
	case d.Archive.dialect.refused(err):
		if d.limit == 1 {
			done, batches, err = d.isolate(ctx, batches)
		}
		d.limit = max(1, d.limit/8)
	case errors.Is(err, context.DeadlineExceeded):
		d.limit = max(1, d.limit/8)
	}
	if err != nil {
		return 0, err
	}
	d.meter.filed(done)
	n := 0
	for _, b := range batches {
		d.positions[b.shard], d.untrimmed[b.shard] = b.last(), b.last()
		n += len(b.records)
	}
	return n, nil
}

// isolate files batches of one record each by themselves, so that a refused one is known and set aside.
func (d *Drain) isolate(ctx context.Context, batches []batch) (outcome, []batch, error) {
	var all outcome
	for i, b := range batches {
		done, err := d.Archive.put(ctx, []batch{b}, d.step)
		if err != nil && d.Archive.dialect.refused(err) {
			b.records[0].Bad = "refused by the database: " + err.Error()
			done, err = d.Archive.put(ctx, []batch{b}, d.step)
		}
		if err != nil {
			return all, batches[:i], err
		}
		all.add(done)
	}
	return all, batches, nil
}

func (d *Drain) step(name string) error {
	if d.stop == nil {
		return nil
	}
	return d.stop(name)
}

// trim lets the outbox forget what is archived for good.
func (d *Drain) trim(ctx context.Context) error {
	if err := d.step(stepCommitted); err != nil {
		return err
	}
	for shard, last := range d.untrimmed {
		ctx, cancel := context.WithTimeout(ctx, readTimeout)
		err := d.Outbox.Trim(ctx, shard, last)
		cancel()
		if err != nil {
			return fmt.Errorf("trim outbox shard %d: %w", shard, err)
		}
		delete(d.untrimmed, shard)
	}
	return nil
}

// sleep waits, or until ctx ends.
func sleep(ctx context.Context, pause time.Duration) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
