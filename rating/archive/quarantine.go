package archive

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"tollgate/rating"
)

// Quarantined is a record of the outbox that could not be filed.
type Quarantined struct {
	Shard    int       `json:"shard"`
	Position string    `json:"position"`
	Fault    string    `json:"fault"`
	Raw      string    `json:"raw"`
	At       time.Time `json:"at"` // when it was set aside
}

// maxQuarantineList bounds one answer of Quarantine.
const maxQuarantineList = 1000

// quarantine sets a record aside with what it said.
func (f *filing) quarantine(r rating.Filed, fault string) error {
	q := Quarantined{r.Shard, r.Position, fault, r.Raw, time.Now()}
	if q.Raw == "" {
		text, err := json.Marshal(r)
		if err != nil {
			text = []byte(err.Error())
		}
		q.Raw = string(text)
	}
	_, err := f.session.exec(`INSERT INTO quarantine (n, shard, position, fault, raw, at)
 SELECT COALESCE(MAX(n), 0) + 1, ?1, ?2, ?3, ?4, ?5 FROM quarantine`, q.Shard, q.Position, plain(q.Fault), plain(q.Raw), q.At.UnixMicro())
	f.outcome.quarantined = append(f.outcome.quarantined, q)
	return err
}

// plain makes text of any bytes: what is no UTF-8, and zero bytes, become U+FFFD.
func plain(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// Quarantine lists what could not be filed, newest first, at most 1000 records, and counts all of them.
func (a *Archive) Quarantine(ctx context.Context) (list []Quarantined, total int64, err error) {
	err = a.view(ctx, func(s *session) error {
		if _, err := s.one([]any{&total}, `SELECT COUNT(*) FROM quarantine`); err != nil {
			return err
		}
		return s.each(func(scan func(...any) error) error {
			var q Quarantined
			var at int64
			if err := scan(&q.Shard, &q.Position, &q.Fault, &q.Raw, &at); err != nil {
				return err
			}
			q.At = instant(at)
			list = append(list, q)
			return nil
		}, `SELECT shard, position, fault, raw, at FROM quarantine ORDER BY n DESC LIMIT ?1`, maxQuarantineList)
	})
	return list, total, err
}
