package archive

import (
	"fmt"
	"strconv"
	"sync"
	"time"
)

// Keys of the table meta.
const (
	metaID                = "archive_id"
	metaTimezone          = "timezone"   // whose days the sums in use are counted in
	metaGeneration        = "generation" // of the sums in use
	metaScheme            = "sums"       // which of the sums below are kept; see sumScheme
	metaRebuildTimezone   = "rebuild_timezone"
	metaRebuildGeneration = "rebuild_generation"
	metaRebuildDone       = "rebuild_done" // CDRs up to this n are in the sums being built
)

// sumScheme numbers what this program adds up: 1 has roll_dest. An archive with another one is counted anew.
const sumScheme = 1

// meta reads a value; "" is none.
func (s *session) meta(key string) (value string, err error) {
	_, err = s.one([]any{&value}, `SELECT value FROM meta WHERE key = ?1`, key)
	return value, err
}

// metaNumber reads a value that is a number; 0 is none.
func (s *session) metaNumber(key string) (int64, error) {
	value, err := s.meta(key)
	if err != nil || value == "" {
		return 0, err
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("meta %s: %w", key, err)
	}
	return n, nil
}

func (s *session) setMeta(key, value string) error {
	_, err := s.exec(`INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value`, key, value)
	return err
}

func (s *session) clearMeta(keys ...string) error {
	for _, key := range keys {
		if _, err := s.exec(`DELETE FROM meta WHERE key = ?1`, key); err != nil {
			return err
		}
	}
	return nil
}

// era is the generation of sums in use, and the calendar that they are counted in.
type era struct {
	generation int64
	calendar   *calendar
}

func (a *Archive) era(s *session) (era, error) {
	generation, err := s.metaNumber(metaGeneration)
	if err != nil {
		return era{}, err
	}
	name, err := s.meta(metaTimezone)
	if err != nil {
		return era{}, err
	}
	c, err := a.calendars.of(name)
	return era{generation, c}, err
}

// calendars keeps one calendar per time zone that was ever asked for: a handful.
type calendars struct {
	mu     sync.Mutex
	byName map[string]*calendar
}

func (c *calendars) add(location *time.Location) *calendar {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byName == nil {
		c.byName = make(map[string]*calendar)
	}
	name := location.String()
	if c.byName[name] == nil {
		c.byName[name] = newCalendar(location)
	}
	return c.byName[name]
}

func (c *calendars) of(name string) (*calendar, error) {
	c.mu.Lock()
	known := c.byName[name]
	c.mu.Unlock()
	if known != nil {
		return known, nil
	}
	location, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("the archive counts days in a time zone that is not installed here: %w", err)
	}
	return c.add(location), nil
}
