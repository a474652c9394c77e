package admin

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"

	"tollgate/rating"
)

// byteOrderMark tells Excel that a file is UTF-8.
const byteOrderMark = "\ufeff"

// writeCSV writes a table as RFC 4180 has it, row by row.
func writeCSV(ctx context.Context, w io.Writer, t table) error {
	if !t.plain {
		if _, err := io.WriteString(w, byteOrderMark); err != nil {
			return err
		}
	}
	out := csv.NewWriter(w)
	out.UseCRLF = true
	if err := out.Write(t.columns); err != nil {
		return err
	}
	texts := make([]string, len(t.columns))
	err := t.each(ctx, func(cells []any) error {
		for i, cell := range cells {
			texts[i] = csvText(cell)
		}
		return out.Write(texts)
	})
	if err != nil {
		return err
	}
	out.Flush()
	return out.Error()
}

// csvText prints a cell.
func csvText(cell any) string {
	switch c := cell.(type) {
	case int64:
		return strconv.FormatInt(c, 10)
	case rating.Money:
		return c.String()
	case day:
		return c.Format(time.DateOnly)
	case time.Time:
		return c.Format(time.DateTime)
	case clock:
		return fmt.Sprintf("%02d:%02d:%02d", c/3600, c/60%60, c%60)
	case hours:
		return fmt.Sprintf("%d:%02d:%02d", c/3600, c/60%60, c%60)
	case string:
		return harmless(c)
	}
	return harmless(fmt.Sprint(cell))
}

// Spreadsheets take a text that begins so for a formula (OWASP, CSV Injection), also behind what they take for a separator.
const (
	formulaSigns = "=+-@\t\r＝＋－＠"
	separators   = ";\t\n\r" // a comma stands in quotes
)

// harmless puts an apostrophe before what a spreadsheet would take for a formula. Callers choose their names, and the
// numbers that they dial. authentic undoes it.
func harmless(text string) string {
	var out strings.Builder
	start := true // of the text, or of what may be a cell of its own
	for i, r := range text {
		if start && dangerous(text[i:]) {
			out.WriteByte('\'')
		}
		out.WriteRune(r)
		start = strings.ContainsRune(separators, r)
	}
	return out.String()
}

// dangerous reports whether a text begins as a formula, or as one that was made harmless: both get an apostrophe. Spaces and marks
// that are not seen may stand before it.
func dangerous(text string) bool {
	rest := strings.TrimLeft(text, "'")
	rest = strings.TrimLeftFunc(rest, func(r rune) bool { return unicode.In(r, unicode.Zs, unicode.Cf) })
	return rest != "" && strings.ContainsRune(formulaSigns, []rune(rest)[0])
}

// authentic is the text that harmless was given.
func authentic(text string) string {
	var out strings.Builder
	start := true
	for i, r := range text {
		if start && r == '\'' && dangerous(text[i+1:]) {
			start = false
			continue
		}
		out.WriteRune(r)
		start = strings.ContainsRune(separators, r)
	}
	return out.String()
}
