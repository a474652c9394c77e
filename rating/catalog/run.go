package catalog

import (
	"context"
	"sync"
	"time"
)

// Start reads everything from the store, or, where that cannot be reached, the last snapshot from the disk; Stale then
// says so. After it, Current shows more than defaults wherever there is something to show.
func (c *Catalog) Start(ctx context.Context) {
	err := c.Refresh(ctx)
	if err == nil {
		return
	}
	at, fileErr := c.loadFile()
	if fileErr != nil {
		c.log.Error("starting with default settings: neither the store nor the last snapshot can be read", "err", err, "file_err", fileErr)
		return
	}
	s := c.Current()
	c.log.Error("starting with the last snapshot, because the store cannot be read", "written", at, "version", s.Version,
		"extensions", s.Extensions(), "trunks", len(s.Plan.Trunks()), "err", err)
}

// Run follows the store until ctx ends, then writes the snapshot file a last time.
func (c *Catalog) Run(ctx context.Context) error {
	var work sync.WaitGroup
	word := make(chan struct{}, 1)
	if !c.options.deaf {
		work.Go(func() { c.listen(ctx, word) })
	}
	work.Go(func() { c.keepFile(ctx) })
	work.Go(func() { c.finishLeftovers(ctx) })
	c.follow(ctx, word)
	work.Wait()
	return nil
}

// follow refreshes when a message says that there is something, and every PollEvery whatever the messages say.
func (c *Catalog) follow(ctx context.Context, word <-chan struct{}) {
	poll := time.NewTicker(c.options.PollEvery)
	defer poll.Stop()
	_, away := c.Stale()
	for {
		select {
		case <-ctx.Done():
			return
		case <-poll.C:
		case <-word:
		}
		err := c.Refresh(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil && !away {
			c.log.Error("the store is lost: going on with what is known", "version", c.Current().Version, "err", err)
		}
		if err == nil && away {
			c.log.Info("the store is back", "version", c.Current().Version)
		}
		away = err != nil
	}
}

// listen turns published versions into words.
func (c *Catalog) listen(ctx context.Context, word chan<- struct{}) {
	subscription := c.client.Subscribe(ctx, changeChannel)
	defer subscription.Close()
	messages := subscription.Channel()
	for {
		select {
		case <-ctx.Done():
			return
		case _, open := <-messages:
			if !open {
				return
			}
			select {
			case word <- struct{}{}:
			default: // the last word has not been taken yet
			}
		}
	}
}

// finishLeftovers does the account steps that nobody has done for FinishAfter.
func (c *Catalog) finishLeftovers(ctx context.Context) {
	look := time.NewTicker(c.options.PollEvery)
	defer look.Stop()
	var since time.Time // steps have been pending without a break
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		switch {
		case c.undone.Load() == 0:
			since = time.Time{}
			continue
		case since.IsZero():
			since = time.Now()
		}
		if time.Since(since) < c.options.FinishAfter {
			continue
		}
		if err := c.Finish(ctx); err != nil && ctx.Err() == nil {
			c.log.Error("account steps are not done yet", "count", c.undone.Load(), "err", err)
		}
		since = time.Time{}
	}
}
