package archive

import (
	"slices"
	"strings"
)

// table is what rows are added to.
type table struct {
	name     string
	columns  []string // in the order of a row's values: integers, but for those that say "text"
	conflict string   // what becomes of a row whose key is there: DO …; an error where it is empty
}

// insert adds rows, and returns how many it changed. A database server gets them in one statement, with an array for each
// column: one round trip, and one plan however many they are. SQLite, to which statements are calls, takes row by row.
func (s *session) insert(t table, rows [][]any) (changed int64, err error) {
	if len(rows) == 0 {
		return 0, nil
	}
	if s.dialect.arrays {
		return s.exec(t.fromArrays(), columnsOf(rows)...)
	}
	text := t.fromValues()
	for _, row := range rows {
		n, err := s.exec(text, row...)
		if err != nil {
			return 0, err
		}
		changed += n
	}
	return changed, nil
}

// fromValues takes the values of one row.
func (t table) fromValues() string {
	names, places := make([]string, len(t.columns)), make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i], _, _ = strings.Cut(c, " ")
		places[i] = parameter(i + 1)
	}
	return "INSERT INTO " + t.name + " (" + strings.Join(names, ", ") + ") VALUES (" + strings.Join(places, ", ") + ")" + t.onConflict()
}

// fromArrays takes the values of each column of all rows.
func (t table) fromArrays() string {
	names, places := make([]string, len(t.columns)), make([]string, len(t.columns))
	for i, c := range t.columns {
		name, kind, said := strings.Cut(c, " ")
		if !said {
			kind = "bigint"
		}
		names[i], places[i] = name, parameter(i+1)+"::"+kind+"[]"
	}
	return "INSERT INTO " + t.name + " (" + strings.Join(names, ", ") + ") SELECT * FROM unnest(" + strings.Join(places, ", ") + ")" + t.onConflict()
}

func (t table) onConflict() string {
	if t.conflict == "" {
		return ""
	}
	return " ON CONFLICT " + t.conflict
}

// columnsOf turns rows of values into columns of values.
func columnsOf(rows [][]any) []any {
	columns := make([]any, len(rows[0]))
	for i := range columns {
		column := make([]any, len(rows))
		for j, row := range rows {
			column[j] = row[i]
		}
		columns[i] = column
	}
	return columns
}

// adding is the conflict clause of sums: what is there and what comes are added up.
func adding(table string, key, sums []string) string {
	updates := make([]string, len(sums))
	for i, c := range sums {
		updates[i] = c + " = " + table + "." + c + " + excluded." + c
	}
	return "(" + strings.Join(key, ", ") + ") DO UPDATE SET " + strings.Join(updates, ", ")
}

// sumTable is a table of sums by a key of integers.
func sumTable(name string, key, sums []string) table {
	return table{name, slices.Concat(key, sums), adding(name, key, sums)}
}
