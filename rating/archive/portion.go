package archive

import "iter"

// How many rows an export reads in one transaction. Each portion of an order that no index has sorts everything again,
// so they are larger there.
const (
	portionSize       = 500
	sortedPortionSize = 20_000
)

// key is the place of a row in an order: what it is sorted by, and its number.
type key struct{ value, n int64 }

// portions turns a reader of up to size rows after a key into a sequence of all rows, which can be gone through once. An
// error ends it.
func portions[T any](size int64, read func(after *key) ([]T, key, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var last *key
		for {
			rows, next, err := read(last)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, row := range rows {
				if !yield(row, nil) {
					return
				}
			}
			if int64(len(rows)) < size {
				return
			}
			last = &next
		}
	}
}

// failing is a sequence that is nothing but an error.
func failing[T any](err error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		yield(none, err)
	}
}

// last is the number of the record of a table that was filed last; 0 = none.
func (s *session) last(table string) (n int64, err error) {
	_, err = s.one([]any{&n}, "SELECT COALESCE(MAX(n), 0) FROM "+table)
	return n, err
}
