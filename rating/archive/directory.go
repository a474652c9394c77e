package archive

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"

	"tollgate/rating"
)

// party is an extension and the name it went by.
type party struct{ extension, username string }

// maxKnown bounds each of the directory's maps; a full one is begun again.
const maxKnown = 100_000

// directory remembers the row numbers of parties and rates, which never change. What one transaction adds counts
// only from its commit: see fresh.
type directory struct {
	parties map[party]int64
	rates   map[string]int64 // by digest
}

// keep takes over what a committed transaction learnt.
func (d *directory) keep(learnt directory) {
	if d.parties == nil || len(d.parties) > maxKnown {
		d.parties = make(map[party]int64)
	}
	if d.rates == nil || len(d.rates) > maxKnown {
		d.rates = make(map[string]int64)
	}
	for p, id := range learnt.parties {
		d.parties[p] = id
	}
	for digest, id := range learnt.rates {
		d.rates[digest] = id
	}
}

// registrar finds and enters parties and rates within one transaction.
type registrar struct {
	session *session
	known   *directory
	learnt  directory
}

func newRegistrar(s *session, known *directory) *registrar {
	return &registrar{s, known, directory{make(map[party]int64), make(map[string]int64)}}
}

func (r *registrar) party(extension, username string) (int64, error) {
	p := party{extension, username}
	if id, ok := r.known.parties[p]; ok {
		return id, nil
	}
	if id, ok := r.learnt.parties[p]; ok {
		return id, nil
	}
	id, err := r.session.enter(`SELECT id FROM parties WHERE extension = ?1 AND username = ?2`,
		`INSERT INTO parties (id, extension, username, folded) SELECT COALESCE(MAX(id), 0) + 1, ?1, ?2, ?3 FROM parties`,
		[]any{extension, username}, fold(extension+"\n"+username))
	if err == nil {
		r.learnt.parties[p] = id
	}
	return id, err
}

// rate returns the row of a rate's text, nil for no rate.
func (r *registrar) rate(rate *rating.Rate) (any, error) {
	if rate == nil {
		return nil, nil
	}
	body, err := json.Marshal(rate)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	digest := hex.EncodeToString(sum[:])
	if id, ok := r.known.rates[digest]; ok {
		return id, nil
	}
	if id, ok := r.learnt.rates[digest]; ok {
		return id, nil
	}
	id, err := r.session.enter(`SELECT id FROM rates WHERE digest = ?1`,
		`INSERT INTO rates (id, digest, body) SELECT COALESCE(MAX(id), 0) + 1, ?1, ?2 FROM rates`,
		[]any{digest}, string(body))
	if err == nil {
		r.learnt.rates[digest] = id
	}
	return id, err
}

// enter returns the id that find gives for key, after it has inserted key and rest where there was none.
func (s *session) enter(find, insert string, key []any, rest ...any) (id int64, err error) {
	found, err := s.one([]any{&id}, find, key...)
	if err != nil || found {
		return id, err
	}
	if _, err := s.exec(insert, append(key, rest...)...); err != nil {
		return 0, err
	}
	_, err = s.one([]any{&id}, find, key...)
	return id, err
}

// fold makes text comparable in a keyword search.
func fold(text string) string { return strings.ToLower(text) }
