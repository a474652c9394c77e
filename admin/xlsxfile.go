package admin

import (
	"archive/zip"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/xuri/excelize/v2"

	"tollgate/rating"
)

// mostSheetRows is what a sheet holds, its header included.
const mostSheetRows = excelize.TotalRows

// Number formats of cells.
const (
	timeFormat  = "yyyy-mm-dd hh:mm:ss"
	dayFormat   = "yyyy-mm-dd"
	hoursFormat = "[h]:mm:ss"
	moneyFormat = "0.0000##" // as Money prints it
)

// xlsxStyles are the styles of a workbook, by what a cell holds.
type xlsxStyles struct{ header, time, day, hours, money int }

// writeXLSX writes a table as a workbook of one sheet. Rows beyond a few megabytes wait in a temporary file until all are
// there, because a workbook is a ZIP archive; then it is sent as it is packed.
func writeXLSX(ctx context.Context, w io.Writer, t table) (err error) {
	book := excelize.NewFile()
	defer func() {
		if e := book.Close(); err == nil {
			err = e
		}
	}()
	book.SetZipWriter(func(io.Writer) excelize.ZipWriter { return zip.NewWriter(w) })
	styles, err := newStyles(book)
	if err != nil {
		return err
	}
	sheet, err := book.NewStreamWriter(book.GetSheetName(0))
	if err != nil {
		return err
	}
	if err := beginSheet(sheet, styles, t.columns); err != nil {
		return err
	}
	row, values := 1, make([]any, len(t.columns))
	err = t.each(ctx, func(cells []any) error {
		if row++; row > mostSheetRows {
			return invalid.with(fault{Location: "query.format", Message: fmt.Sprintf("a sheet holds %d %s: narrow the range, or take csv", mostSheetRows-1, t.rowsAre)})
		}
		for i, cell := range cells {
			values[i] = styles.cell(cell)
		}
		return sheet.SetRow(fmt.Sprint("A", row), values)
	})
	if err != nil {
		return err
	}
	if err := sheet.Flush(); err != nil {
		return err
	}
	_, err = book.WriteTo(io.Discard) // what is sent goes through the ZIP writer
	return err
}

func newStyles(book *excelize.File) (s xlsxStyles, err error) {
	for _, f := range []struct {
		style  *int
		format string
	}{{&s.time, timeFormat}, {&s.day, dayFormat}, {&s.hours, hoursFormat}, {&s.money, moneyFormat}} {
		if *f.style, err = book.NewStyle(&excelize.Style{CustomNumFmt: &f.format}); err != nil {
			return s, err
		}
	}
	s.header, err = book.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}})
	return s, err
}

// beginSheet writes the header, which stays in sight.
func beginSheet(sheet *excelize.StreamWriter, styles xlsxStyles, columns []string) error {
	const width = 20 // characters
	if err := sheet.SetColWidth(1, len(columns), width); err != nil {
		return err
	}
	if err := sheet.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return err
	}
	header := make([]any, len(columns))
	for i, name := range columns {
		header[i] = excelize.Cell{StyleID: styles.header, Value: name}
	}
	return sheet.SetRow("A1", header)
}

// cell gives a value its type and its format. Text stays text, whatever it begins with. Times are to the second, as a
// sheet's numbers are days. An amount becomes the number that is nearest to it, which is how a sheet keeps all numbers: with
// 15 digits, so that amounts up to 999,999,999.999999 read back as they are.
func (s xlsxStyles) cell(value any) any {
	const secondsPerDay = 24 * 60 * 60
	switch v := value.(type) {
	case rating.Money:
		return excelize.Cell{StyleID: s.money, Value: float64(v) / float64(rating.Unit)}
	case day:
		return excelize.Cell{StyleID: s.day, Value: v.Time}
	case time.Time:
		return excelize.Cell{StyleID: s.time, Value: v.Truncate(time.Second)}
	case clock:
		return excelize.Cell{StyleID: s.hours, Value: float64(v) / secondsPerDay}
	case hours:
		return excelize.Cell{StyleID: s.hours, Value: float64(v) / secondsPerDay}
	}
	return value
}
