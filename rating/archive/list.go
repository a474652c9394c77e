package archive

import (
	"fmt"
	"strconv"
	"strings"

	"tollgate/rating"
)

// Bounds of a page.
const (
	defaultPerPage = 10
	maxPerPage     = 200
	maxPage        = 1 << 40
)

// bounds returns how many rows to skip and how many to give, or rating.Invalid.
func bounds(p rating.Paging) (offset, limit int64, err error) {
	if p.Page == 0 {
		p.Page = 1
	}
	if p.PerPage == 0 {
		p.PerPage = defaultPerPage
	}
	if p.Page < 1 || p.Page > maxPage {
		return 0, 0, rating.Invalid{{Field: "page", Message: "must be 1 or more"}}
	}
	if p.PerPage < 1 || p.PerPage > maxPerPage {
		return 0, 0, rating.Invalid{{Field: "per_page", Message: fmt.Sprintf("must be 1 to %d", maxPerPage)}}
	}
	return int64(p.Page-1) * int64(p.PerPage), int64(p.PerPage), nil
}

// order is a column to sort by.
type order struct {
	column     string
	descending bool
}

// orderOf reads a sort such as "-started_at"; "" is the newest first. The field must be one of those allowed, the
// first of which is the time.
func orderOf(sort string, allowed ...string) (order, error) {
	if sort == "" {
		return order{allowed[0], true}, nil
	}
	field, descending := strings.CutPrefix(sort, "-")
	for _, a := range allowed {
		if field == a {
			return order{field, descending}, nil
		}
	}
	return order{}, rating.Invalid{{Field: "sort", Message: "must be one of " + strings.Join(allowed, ", ") + ", with - before it for the largest first"}}
}

// by returns the ORDER BY terms; n settles what is equal, so that pages never overlap.
func (o order) by(alias string) string {
	direction := ""
	if o.descending {
		direction = " DESC"
	}
	return " ORDER BY " + alias + o.column + direction + ", " + alias + "n" + direction
}

// beyond returns how a row compares with the last one of the page before.
func (o order) beyond() string {
	if o.descending {
		return "<"
	}
	return ">"
}

// conditions gathers the terms of a WHERE and the values of their parameters.
type conditions struct {
	terms []string
	args  []any
}

// arg adds a value and returns its parameter.
func (c *conditions) arg(value any) string {
	c.args = append(c.args, value)
	return parameter(len(c.args))
}

// where adds a term whose %s are parameters for the values.
func (c *conditions) where(term string, values ...any) {
	names := make([]any, len(values))
	for i, v := range values {
		names[i] = c.arg(v)
	}
	c.terms = append(c.terms, fmt.Sprintf(term, names...))
}

func (c *conditions) String() string {
	if len(c.terms) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(c.terms, " AND ")
}

func parameter(n int) string { return "?" + strconv.Itoa(n) }

// keyword is a search for part of an extension number or user name, as a LIKE pattern over parties.folded.
type keyword string

// keywordOf folds the text and makes its own wildcards literal.
func keywordOf(text string) keyword {
	text = fold(strings.TrimSpace(text))
	if text == "" {
		return ""
	}
	return keyword("%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text) + "%")
}

// maxKeyword bounds what is searched for.
const maxKeyword = 200

func checkKeyword(q string) error {
	if len(q) > maxKeyword || strings.ContainsRune(q, 0) {
		return rating.Invalid{{Field: "q", Message: fmt.Sprintf("must be text of at most %d bytes", maxKeyword)}}
	}
	return nil
}

// matching is the subquery of the parties that a keyword finds; %s is its parameter.
const matching = `(SELECT id FROM parties WHERE folded LIKE %s ESCAPE '\')`

// unmatched is the subquery of the parties that a keyword does not find.
const unmatched = `(SELECT id FROM parties WHERE folded NOT LIKE %s ESCAPE '\')`
