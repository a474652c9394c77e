package admin

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"tollgate/rating"
)

// callRows are n rows of a call log.
func callRows(n int) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		at := time.Date(2019, 5, 31, 15, 3, 31, 0, time.UTC)
		for i := range n {
			if !yield([]any{at.Add(time.Duration(i) * time.Second), "Extension2[102]", "988360046", clock(238), "FXO-1", rating.Money(180_000 + i)}, nil) {
				return
			}
		}
	}
}

var callLog = table{columns: []string{"Start Time", "Call From", "Call To", "Duration", "Trunk Name", "Cost($)"}, rowsAre: "calls"}

// A download holds a few megabytes, however many rows it has.
func TestDownloadsTakeBoundedMemory(t *testing.T) {
	const rows, most = downloadRows, 64 << 20
	for format, write := range map[string]func(context.Context, io.Writer, table) error{"csv": writeCSV, "xlsx": writeXLSX} {
		runtime.GC()
		var before, now runtime.MemStats
		runtime.ReadMemStats(&before)
		var peak, seen uint64
		measured := callLog
		measured.rows = func(yield func([]any, error) bool) {
			for cells := range callRows(rows) {
				if seen++; seen%10_000 == 0 {
					runtime.GC()
					runtime.ReadMemStats(&now)
					peak = max(peak, now.HeapAlloc-min(now.HeapAlloc, before.HeapAlloc))
				}
				if !yield(cells, nil) {
					return
				}
			}
		}
		size := counter{heap: before.HeapAlloc}
		began := time.Now()
		if err := write(t.Context(), &size, measured); err != nil {
			t.Fatal(err)
		}
		peak = max(peak, size.peak)
		t.Logf("%s: %d rows, %d bytes, at most %d KiB of heap more, %v", format, seen, size.n, peak>>10, time.Since(began))
		if seen != rows || peak > most {
			t.Errorf("%s: %d rows took %d bytes of heap", format, seen, peak)
		}
	}
}

// counter counts what is written, and looks at the heap from time to time.
type counter struct {
	n, heap, peak uint64
	writes        int
}

func (c *counter) Write(text []byte) (int, error) {
	c.n += uint64(len(text))
	if c.writes++; c.writes%256 == 0 {
		var now runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&now)
		c.peak = max(c.peak, now.HeapAlloc-min(now.HeapAlloc, c.heap))
	}
	return len(text), nil
}

func TestDownloadsStopWithTheClient(t *testing.T) {
	for format, write := range map[string]func(context.Context, io.Writer, table) error{"csv": writeCSV, "xlsx": writeXLSX} {
		ctx, cancel := context.WithCancel(t.Context())
		var seen int
		endless := callLog
		endless.rows = func(yield func([]any, error) bool) {
			for row := range callRows(1 << 30) {
				if seen++; seen == 1000 {
					cancel()
				}
				if !yield(row, nil) {
					return
				}
			}
		}
		if err := write(ctx, io.Discard, endless); !errors.Is(err, context.Canceled) || seen > 1001 {
			t.Errorf("%s: %v after %d rows", format, err, seen)
		}
	}
}

func TestASheetThatWouldOverflowIsRefused(t *testing.T) {
	if testing.Short() {
		t.Skip("writes a million rows")
	}
	long := table{columns: []string{"A"}, rowsAre: "calls", rows: func(yield func([]any, error) bool) {
		for yield([]any{int64(1)}, nil) {
		}
	}}
	var out bytes.Buffer
	if err := writeXLSX(t.Context(), &out, long); problemOf(err).Type != "validation" || out.Len() > 0 {
		t.Errorf("%v, and %d bytes are out", err, out.Len())
	}
}

func TestCellsOfAWorkbook(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2019, 5, 31, 22, 59, 59, 999_999_000, time.UTC)
	amounts := []rating.Money{0, 1, -1, 100_000, 180_000, -30_500_000, 123_456, 999_999_999_999, 999_999_999_999_999}
	one := table{columns: []string{"Text", "Time", "Day", "Talk", "Calls", "Amount"}, rows: func(yield func([]any, error) bool) {
		for _, amount := range amounts {
			if !yield([]any{"=1+1", at.In(berlin), day{at}, clock(90_061), int64(7), amount}, nil) {
				return
			}
		}
	}}
	var out bytes.Buffer
	if err := writeXLSX(t.Context(), &out, one); err != nil {
		t.Fatal(err)
	}
	book, err := excelize.OpenReader(&out)
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	sheet := book.GetSheetName(0)
	for cell, want := range map[string]string{"A1": "Text", "A2": "=1+1", "B2": "2019-06-01 00:59:59", "C2": "2019-05-31", "D2": "25:01:01", "E2": "7"} {
		if got, err := book.GetCellValue(sheet, cell); err != nil || got != want {
			t.Errorf("%s shows %q (%v), want %q", cell, got, err, want)
		}
	}
	if formula, err := book.GetCellFormula(sheet, "A2"); err != nil || formula != "" {
		t.Errorf("A2 has the formula %q, %v", formula, err)
	}
	for cell, want := range map[string]excelize.CellType{"A2": excelize.CellTypeInlineString, "B2": excelize.CellTypeUnset, "F2": excelize.CellTypeUnset} { // unset: a number
		if got, err := book.GetCellType(sheet, cell); err != nil || got != want {
			t.Errorf("%s is of type %v (%v), want %v", cell, got, err, want)
		}
	}
	for i, amount := range amounts {
		cell, _ := excelize.CoordinatesToCellName(6, i+2)
		raw, err := book.GetCellValue(sheet, cell, excelize.Options{RawCellValue: true})
		if back, e := rating.ParseMoney(raw); err != nil || e != nil || back != amount {
			t.Errorf("%s is written as %s (%v, %v)", amount, raw, err, e)
		}
	}
}

func TestTextsThatSpreadsheetsTakeForFormulas(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "Ann": "Ann", "O'Neill": "O'Neill", "1-2": "1-2", "a=b": "a=b", "Müller, Jürgen": "Müller, Jürgen", "张": "张",
		"=1+1": "'=1+1", "+4930": "'+4930", "-1": "'-1", "@x": "'@x", "\t=1": "'\t'=1", "＝1": "'＝1",
		"'=1": "''=1", "''+": "'''+", "'x": "'x", "a;=1": "a;'=1", "a;'=1": "a;''=1", "a\n@b": "a\n'@b", "=": "'=", "'": "'",
	} {
		if got := harmless(text); got != want {
			t.Errorf("harmless(%q) is %q, want %q", text, got, want)
		}
		if back := authentic(harmless(text)); back != text {
			t.Errorf("%q comes back as %q", text, back)
		}
	}
}

func FuzzHarmlessTextComesBack(f *testing.F) {
	f.Add("=cmd|' /C calc'!A0")
	f.Add("';'=;'")
	f.Fuzz(func(t *testing.T, text string) {
		text = strings.ToValidUTF8(text, "?")
		shown := harmless(text)
		if back := authentic(shown); back != text {
			t.Errorf("%q comes back as %q", text, back)
		}
		for _, cell := range strings.FieldsFunc(shown, func(r rune) bool { return strings.ContainsRune(separators, r) }) {
			if strings.ContainsRune(formulaSigns, []rune(cell)[0]) {
				t.Errorf("%q is shown as %q", text, shown)
			}
		}
	})
}
