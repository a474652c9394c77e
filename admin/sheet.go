package admin

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"tollgate/rating"
)

// A sheet is a CSV file that is exported, edited and imported. Its columns are the fields of a resource; a cell says what
// the field would say in JSON, by its kind.
type sheetColumn struct {
	field string // "limits.call_seconds" is inside an object
	kind  cellKind
}

// cellKind says how a cell is read. What an empty cell means is in brackets.
type cellKind int

const (
	textCell         cellKind = iota // any text (empty text)
	wordCell                         // text with a rule of its own, amounts and times too (as it is, or the default)
	wholeCell                        // a whole number (as it is, or the default)
	flagCell                         // true or false (as it is, or the default)
	listCell                         // words with spaces between (an empty list)
	optionalWordCell                 // as a word (null)
	optionalWhole                    // as a whole number (null)
	optionalList                     // as a list, "none" is an empty one (null)
	apartCell                        // no field of the resource: read apart
)

// emptyList is how a list that may be null says that it is empty.
const emptyList = "none"

// sheet is a file as it was read.
type sheet struct {
	columns []sheetColumn
	rows    []sheetRow
}

// sheetRow is a row: the line on which it begins, the header being line 1, and its cells.
type sheetRow struct {
	line  int
	cells []string
}

// mostSheetFaults bounds how many faults of a file are listed.
const mostSheetFaults = 50

// sheetFault is what is wrong with a cell, or with a line as a whole.
func sheetFault(line int, field, message string) fault {
	at := fmt.Sprintf("body: line %d", line)
	if field != "" {
		at += ", " + field
	}
	return fault{Location: at, Message: message, Line: line, Field: field}
}

// readSheet reads a CSV file (RFC 4180; a semicolon or a tab may part the cells, a byte order mark may begin it, lines may end in
// CR alone) whose header names some of the columns. Blank lines are passed over, and so are empty columns at the end, which a
// spreadsheet leaves where some were deleted.
func readSheet(text []byte, columns []sheetColumn, needed ...string) (sheet, error) {
	text = bytes.TrimPrefix(text, []byte(byteOrderMark))
	if !bytes.ContainsRune(text, '\n') {
		text = bytes.ReplaceAll(text, []byte("\r"), []byte("\n"))
	}
	if !utf8.Valid(text) {
		line := 1 + bytes.Count(text[:invalidAt(text)], []byte("\n"))
		return sheet{}, invalid.with(sheetFault(line, "", "is not UTF-8: save the sheet as CSV UTF-8"))
	}
	in := csv.NewReader(bytes.NewReader(text))
	in.FieldsPerRecord, in.Comma, in.ReuseRecord = -1, commaOf(text), false
	header, err := in.Read()
	if errors.Is(err, io.EOF) {
		return sheet{}, invalid.with(sheetFault(1, "", "has no header: the first line names the columns"))
	}
	if err != nil {
		return sheet{}, invalid.with(unreadable(err))
	}
	header = withoutEmptyEnd(header, 0)
	read := sheet{}
	if read.columns, err = headerOf(header, columns, needed); err != nil {
		return sheet{}, err
	}
	var faults []fault
	for len(faults) < mostSheetFaults {
		cells, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil { // behind a quote that is wrong nothing can be trusted
			faults = append(faults, unreadable(err))
			break
		}
		line, _ := in.FieldPos(0)
		if strings.TrimSpace(strings.Join(cells, "")) == "" {
			continue
		}
		if cells = withoutEmptyEnd(cells, len(header)); len(cells) != len(header) {
			faults = append(faults, sheetFault(line, "", fmt.Sprintf("has %d cells where the header has %d", len(cells), len(header))))
			continue
		}
		read.rows = append(read.rows, sheetRow{line, cells})
	}
	if faults != nil {
		return sheet{}, invalid.with(faults...)
	}
	if len(read.rows) == 0 {
		return sheet{}, invalid.with(sheetFault(2, "", "is missing: there is a header and nothing below it"))
	}
	return read, nil
}

// withoutEmptyEnd leaves out empty cells at the end, as long as more than so many are left.
func withoutEmptyEnd(cells []string, left int) []string {
	for len(cells) > left && strings.TrimSpace(cells[len(cells)-1]) == "" {
		cells = cells[:len(cells)-1]
	}
	return cells
}

// shortenedNumber is how spreadsheets write a long number that they took for a quantity: its last digits are lost.
var shortenedNumber = regexp.MustCompile(`^[0-9](\.[0-9]+)?E\+[0-9]+$`)

// shortened finds what a spreadsheet has made of an extension's number, as Invalid. There may be extensions of such names.
func (s *Server) shortened(field string, numbers ...string) (wrong rating.Invalid) {
	for _, number := range numbers {
		if shortenedNumber.MatchString(number) && !s.has(number) {
			wrong = append(wrong, rating.FieldError{Field: field, Message: number + " was shortened by a spreadsheet: format the column as text there, and type the number anew"})
		}
	}
	return wrong
}

// invalidAt is the first byte that is not UTF-8.
func invalidAt(text []byte) int {
	at := 0
	for at < len(text) {
		r, size := utf8.DecodeRune(text[at:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		at += size
	}
	return at
}

// commaOf is what parts the cells of the header.
func commaOf(text []byte) rune {
	header, _, _ := bytes.Cut(text, []byte("\n"))
	for _, comma := range ",;\t" {
		if bytes.ContainsRune(header, comma) {
			return comma
		}
	}
	return ','
}

func unreadable(err error) fault {
	var at *csv.ParseError
	if errors.As(err, &at) {
		return sheetFault(at.Line, "", "cannot be read: "+at.Err.Error())
	}
	return sheetFault(1, "", "cannot be read")
}

func headerOf(names []string, columns []sheetColumn, needed []string) (header []sheetColumn, err error) {
	var faults []fault
	known := make([]string, len(columns))
	for i, c := range columns {
		known[i] = c.field
	}
	seen := map[string]bool{}
	for i, name := range names {
		name = strings.TrimSpace(name)
		at := slices.Index(known, name)
		switch {
		case name == "" && len(faults) < mostSheetFaults:
			faults = append(faults, sheetFault(1, "", fmt.Sprintf("column %d has no name", i+1)))
		case at < 0 && len(faults) < mostSheetFaults:
			faults = append(faults, sheetFault(1, shortText(name), fmt.Sprintf("column %d is none of: %s", i+1, strings.Join(known, ", "))))
		case at >= 0 && seen[name]:
			faults = append(faults, sheetFault(1, name, "the column stands here twice"))
		case at >= 0:
			header = append(header, columns[at])
		}
		seen[name] = true
	}
	for _, name := range needed {
		if !seen[name] {
			faults = append(faults, sheetFault(1, name, "the column is missing"))
		}
	}
	if faults != nil {
		return nil, invalid.with(faults...)
	}
	return header, nil
}

// shortText bounds what is quoted in an error.
func shortText(text string) string {
	const most = 40
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

// cell returns what a row says in a column; "" where the sheet has no such column.
func (s sheet) cell(row sheetRow, field string) string {
	for i, c := range s.columns {
		if c.field == field {
			return authentic(strings.TrimSpace(row.cells[i]))
		}
	}
	return ""
}

// body is a row as the JSON object that it stands for, or what is wrong with its cells.
func (s sheet) body(row sheetRow) (body, error) {
	var wrong rating.Invalid
	flat, nested := map[string]any{}, map[string]map[string]any{}
	for i, c := range s.columns {
		value, says, err := c.kind.read(row.cells[i])
		if err != nil {
			wrong = append(wrong, rating.FieldError{Field: c.field, Message: err.Error()})
		}
		if !says {
			continue
		}
		outer, inner, inside := strings.Cut(c.field, ".")
		if !inside {
			flat[c.field] = value
			continue
		}
		if nested[outer] == nil {
			nested[outer] = map[string]any{}
			flat[outer] = nested[outer]
		}
		nested[outer][inner] = value
	}
	if wrong != nil {
		return body{}, wrong
	}
	raw, err := json.Marshal(flat)
	return body{raw}, err
}

// read turns a cell into a value of JSON. says is false where the cell says nothing.
func (k cellKind) read(cell string) (value any, says bool, err error) {
	text := authentic(cell)
	word := strings.TrimSpace(text)
	switch k {
	case textCell:
		return text, true, nil
	case listCell:
		return nonNil(strings.Fields(text)), true, nil
	case apartCell:
		return nil, false, nil
	case optionalWordCell, optionalWhole, optionalList:
		if word == "" {
			return nil, true, nil
		}
	}
	switch {
	case word == "":
		return nil, false, nil
	case k == wholeCell || k == optionalWhole:
		n, err := strconv.ParseInt(word, 10, 64)
		if err != nil {
			return nil, false, errors.New("must be a whole number")
		}
		return n, true, nil
	case k == flagCell:
		return readFlag(word)
	case k == optionalList && word == emptyList:
		return []string{}, true, nil
	case k == optionalList:
		return strings.Fields(word), true, nil
	}
	return word, true, nil
}

// readFlag takes what people and spreadsheets write.
func readFlag(word string) (value any, says bool, err error) {
	switch strings.ToLower(word) {
	case "true", "yes", "on", "1":
		return true, true, nil
	case "false", "no", "off", "0":
		return false, true, nil
	}
	return nil, false, errors.New("must be true or false")
}

// rowFaults turns faults of a batch, whose fields begin with the row ("[2].credit"), into faults of the sheet's lines.
func (s sheet) rowFaults(bad rating.Invalid) error {
	faults := make([]fault, 0, len(bad))
	for _, f := range bad {
		line, field := 1, f.Field
		if row, rest, ok := strings.Cut(strings.TrimPrefix(f.Field, "["), "]."); ok && strings.HasPrefix(f.Field, "[") {
			if i, err := strconv.Atoi(row); err == nil && i >= 0 && i < len(s.rows) {
				line, field = s.rows[i].line, rest
			}
		}
		faults = append(faults, sheetFault(line, field, f.Message))
	}
	return invalid.with(faults...)
}
