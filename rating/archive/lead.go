package archive

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"sync"
	"time"
)

// How often a lead is made sure of, and how long that may take. Between two looks another may have taken it over: then
// the positions in the archive see to it that nothing is filed twice.
const (
	leadChecked = time.Second
	leadTimeout = 3 * time.Second
)

// lead is this process's place among all that file into the archive: one of them does. It is a lock that belongs to a
// connection, so it goes with the process, the machine, or the way to them.
type lead struct {
	mu      sync.Mutex
	holder  *sql.Conn // nil: another has it, or nobody
	checked time.Time
}

// leads reports whether this process is the one that files, and tries to become it where there is none.
func (a *Archive) leads(ctx context.Context) (bool, error) {
	if a.dialect.lead == nil {
		return true, nil
	}
	a.lead.mu.Lock()
	defer a.lead.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, leadTimeout)
	defer cancel()
	if a.lead.holder != nil {
		if time.Since(a.lead.checked) < leadChecked {
			return true, nil
		}
		if err := a.lead.holder.PingContext(ctx); err != nil {
			return false, errors.Join(err, a.giveUpLead())
		}
		a.lead.checked = time.Now()
		return true, nil
	}
	holder, held, err := a.dialect.lead(ctx, a.pools)
	if err != nil || !held {
		return false, err
	}
	a.lead.holder, a.lead.checked = holder, time.Now()
	a.log.Info("this node files into the archive", "archive", a.id)
	return true, nil
}

// giveUpLead closes the connection that holds the lock. The caller has a.lead.mu.
func (a *Archive) giveUpLead() error {
	if a.lead.holder == nil {
		return nil
	}
	holder := a.lead.holder
	a.lead.holder = nil
	_ = holder.Raw(func(any) error { return driver.ErrBadConn }) // so it is closed, and not kept in the pool with its lock
	if err := holder.Close(); err != nil && !errors.Is(err, sql.ErrConnDone) {
		return err
	}
	return nil
}
