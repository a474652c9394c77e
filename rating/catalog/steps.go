package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"tollgate/rating"
)

// step is what an account has to do after its extension's document was written. It is stored with the document in one
// script, done next, and then struck out. While it stands there, nobody else writes the document.
type step struct {
	Do       action       `json:"do"`
	Version  int64        `json:"version"` // of the document that it follows from
	Terms    rating.Terms `json:"terms"`
	Username string       `json:"username"`
	Opening  rating.Money `json:"opening"`
	By       string       `json:"by"`
}

type action string

const (
	openAccount  action = "open"
	setTerms     action = "terms"
	closeAccount action = "close"
)

// openOrTerms is the step for a written extension.
func openOrTerms(e rating.Extension, created bool, opening rating.Money, by string) step {
	s := step{Do: setTerms, Version: e.Version, Terms: e.Terms, Username: e.Username, By: by}
	if created && opening != 0 {
		s.Do, s.Opening = openAccount, opening
	}
	return s
}

func (s step) encode() string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // only strings, numbers and Money: they always can be written
	}
	return string(text)
}

const (
	stepsAtOnce = 16              // accounts brought along at the same time
	stepPortion = 500             // steps read, done and struck out together
	portionWait = 5 * time.Second // for one portion: see Finish on why it must be short
)

// finish does the pending steps of extensions. What nobody has pending any more is done. It goes on when the caller has
// gone away, because the documents are written already.
func (c *Catalog) finish(ctx context.Context, extensions []string) error {
	ctx = context.WithoutCancel(ctx)
	var faults []error
	for len(extensions) > 0 {
		portion := extensions[:min(stepPortion, len(extensions))]
		extensions = extensions[len(portion):]
		if err := c.finishPortion(ctx, portion); err != nil {
			if faults = append(faults, err); errors.Is(err, rating.ErrUnavailable) {
				break
			}
		}
	}
	return errors.Join(faults...)
}

func (c *Catalog) finishPortion(ctx context.Context, extensions []string) error {
	ctx, cancel := context.WithTimeout(ctx, portionWait)
	defer cancel()
	values, err := c.client.HMGet(ctx, stepsKey, extensions...).Result()
	if err != nil {
		return fmt.Errorf("read account steps: %w", storeError(err))
	}
	var (
		work  sync.WaitGroup
		slots = make(chan struct{}, stepsAtOnce)
		mutex sync.Mutex
		done  []any
		fault error
	)
	for i, v := range values {
		text, ok := v.(string)
		if !ok {
			continue
		}
		slots <- struct{}{}
		work.Go(func() {
			defer func() { <-slots }()
			err := c.do(ctx, extensions[i], text)
			mutex.Lock()
			defer mutex.Unlock()
			if err == nil || final(err) {
				done = append(done, extensions[i], text)
			}
			if fault == nil {
				fault = err
			}
		})
	}
	work.Wait()
	if len(done) > 0 {
		err = storeError(doneScript.Run(ctx, c.client, []string{stepsKey}, done...).Err())
	}
	return errors.Join(fault, err)
}

// final reports whether doing a step again would end the same way, so that it must not stand in the way any longer.
func final(err error) bool {
	return errors.Is(err, rating.ErrActiveCalls) || errors.Is(err, rating.ErrAccountExists) || errors.Is(err, errForeign)
}

// do does one step. Everything in it may be repeated.
func (c *Catalog) do(ctx context.Context, extension, text string) error {
	var s step
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		c.log.Error("an account step in the store cannot be read and is dropped", "account", extension, "err", err)
		return fmt.Errorf("account step of %s %w", extension, errForeign)
	}
	if c.accounts == nil {
		return fmt.Errorf("account step of %s: %w: no ledger here", extension, rating.ErrUnavailable)
	}
	switch s.Do {
	case closeAccount:
		return c.closeAndForget(ctx, extension, s)
	case openAccount:
		return c.open(ctx, extension, s)
	case setTerms:
		return c.accounts.SetTerms(ctx, extension, s.Terms, s.Version, s.Username, s.By)
	}
	c.log.Error("an account step in the store is not known here and is dropped", "account", extension, "step", s.Do)
	return fmt.Errorf("account step of %s %w", extension, errForeign)
}

// open opens an account with a balance. Where one is open although its extension was just added, the store was edited
// by hand: its money stays, it gets the new terms, and the caller is told.
func (c *Catalog) open(ctx context.Context, extension string, s step) error {
	err := c.accounts.Open(ctx, rating.Opening{Extension: extension, Username: s.Username, Terms: s.Terms, Version: s.Version,
		Balance: s.Opening, By: s.By, Ref: fmt.Sprintf("opening-%s-%d", extension, s.Version)})
	if !errors.Is(err, rating.ErrAccountExists) {
		return err
	}
	c.log.Error("a new extension has an account already: the opening balance is not paid in", "account", extension, "amount", s.Opening)
	return errors.Join(err, c.accounts.SetTerms(ctx, extension, s.Terms, s.Version, s.Username, s.By))
}
