package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
)

// Bounds of downloads.
const (
	mostDownloads   = 4                // at once; each holds a few megabytes
	downloadTimeout = 30 * time.Second // for the client to take the next part
	downloadPart    = 64 << 10         // bytes written at once
)

// table is what a download holds: all that the filters of a list select, in its order. Cells are string, int64,
// rating.Money, time.Time (in the zone to show it in), day, clock or hours.
type table struct {
	name    string // of the file, without its ending
	columns []string
	rows    iter.Seq2[[]any, error]
	rowsAre string // what to say where there are too many
	plain   bool   // for programs, not for people: without byte order mark
}

// Other kinds of cells.
type (
	day   struct{ time.Time } // a date
	clock int64               // seconds, as the call log shows them: 00:03:58
	hours int64               // seconds, as the statistics show them: 0:12:22
)

const (
	csvType  = "text/csv"
	xlsxType = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
)

// Download lets a list be had as a file, and Sheet as a CSV file that can be imported again.
type (
	Download struct {
		Format string `query:"format" enum:"xlsx,csv" doc:"Downloads the whole result, not a page, as a file."`
	}
	Sheet struct {
		Format string `query:"format" enum:"csv" doc:"Downloads the whole result, not a page, as a file that can be imported again."`
	}
)

func (d Download) format() string { return d.Format }
func (s Sheet) format() string    { return s.Format }

// listing registers a list that can be had as pages in JSON, or as a whole in a file.
func listing[In, Item any, P interface {
	*In
	format() string
}](s *Server, who access, at, id, summary string, page func(context.Context, *In) (*answer[list[Item]], error), file func(context.Context, *In) (table, error), types ...string) {
	document := func(op *huma.Operation) {
		content := map[string]*huma.MediaType{"application/json": {Schema: schemaOf[list[Item]](s.api.OpenAPI().Components.Schemas)}}
		for _, t := range types {
			content[t] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Format: map[string]string{xlsxType: "binary"}[t]}}
		}
		op.Metadata[lastsKey] = true
		op.Errors = append(op.Errors, http.StatusTooManyRequests)
		op.Responses = map[string]*huma.Response{"200": {Description: "A page, or with format the whole as a file.", Content: content}}
	}
	route(s, who, at, id, summary, func(ctx context.Context, in *In) (*stream, error) {
		if format := P(in).format(); format != "" {
			t, err := file(ctx, in)
			if err != nil {
				return nil, err
			}
			return &stream{func(hc huma.Context) { s.download(hc, format, t) }}, nil
		}
		ctx, cancel := context.WithTimeout(ctx, longestRequest)
		defer cancel()
		found, err := page(ctx, in)
		if err != nil {
			return nil, err
		}
		return &stream{func(hc huma.Context) { s.writeJSON(hc, found.Body) }}, nil
	}, document)
}

func (s *Server) writeJSON(hc huma.Context, body any) {
	hc.SetHeader("Content-Type", "application/json")
	hc.SetStatus(http.StatusOK)
	encoder := json.NewEncoder(hc.BodyWriter())
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(body); err != nil {
		s.log.Debug("the client did not take the answer", "err", err)
	}
}

// download writes a table as a file. What goes wrong before the first bytes are out is a problem as ever; later the
// connection is broken off, so that nobody takes a part for the whole.
func (s *Server) download(hc huma.Context, format string, t table) {
	select {
	case s.downloads <- struct{}{}:
		defer func() { <-s.downloads }()
	default:
		p := *throttled
		p.Detail = fmt.Sprintf("%d downloads are running. Wait until one has ended.", mostDownloads)
		p.header = http.Header{"Retry-After": {"5"}}
		s.refuse(s.api, hc, &p)
		return
	}
	out := &fileWriter{hc: hc, name: t.name + "." + format, mime: map[string]string{"csv": csvType + "; charset=utf-8", "xlsx": xlsxType}[format]}
	write := writeCSV
	if format == "xlsx" {
		write = writeXLSX
	}
	err := write(hc.Context(), out, t)
	if err == nil {
		err = out.finish()
	}
	switch {
	case err == nil:
	case !out.begun:
		s.refuse(s.api, hc, err)
	default:
		if hc.Context().Err() == nil {
			s.log.Error("a download broke off", "operation", hc.Operation().OperationID, "err", err)
		}
		panic(http.ErrAbortHandler)
	}
}

// fileWriter sends a file in parts, each of which the client must take in time, while the whole may take long. Head and
// status go out with the first part.
type fileWriter struct {
	hc         huma.Context
	name, mime string
	begun      bool
	part       []byte
}

func (f *fileWriter) Write(text []byte) (int, error) {
	f.part = append(f.part, text...)
	if len(f.part) < downloadPart {
		return len(text), nil
	}
	return len(text), f.flush()
}

func (f *fileWriter) flush() error {
	w := humagin.Unwrap(f.hc).Writer
	if !f.begun {
		f.hc.SetHeader("Content-Type", f.mime)
		f.hc.SetHeader("Content-Disposition", `attachment; filename="`+f.name+`"`)
		f.hc.SetStatus(http.StatusOK)
		f.begun = true
	}
	if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(downloadTimeout)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	_, err := w.Write(f.part)
	f.part = f.part[:0]
	return err
}

// finish sends the rest.
func (f *fileWriter) finish() error { return f.flush() }

// each calls row with every row of a table, until the client has gone.
func (t table) each(ctx context.Context, row func([]any) error) error {
	for cells, err := range t.rows {
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = row(cells)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// fileName tells what a download is of: call-log_2019-05-01_2019-05-31.
func fileName(what string, p Period) string {
	plain := strings.NewReplacer(":", "", "+", "p", " ", "p").Replace // p for the plus of a time zone
	switch {
	case p.From == "" && p.To == "":
		return what
	case p.To == "":
		return what + "_from_" + plain(p.From)
	case p.From == "":
		return what + "_to_" + plain(p.To)
	}
	return what + "_" + plain(p.From) + "_" + plain(p.To)
}

// currencySigns stand in the headers of columns of money.
var currencySigns = map[string]string{"USD": "$", "CNY": "¥", "EUR": "€", "GBP": "£"}

// inCurrency is the name of a column of money: Cost($).
func (s *Server) inCurrency(name string) string {
	sign, ok := currencySigns[s.snapshot().Settings.Currency]
	if !ok {
		sign = "¤"
	}
	return name + "(" + sign + ")"
}

// partyName is an extension as people see it: Extension6[106].
func partyName(username, number string) string {
	if username == "" {
		return number
	}
	return username + "[" + number + "]"
}

// rowsOf turns records into rows of a table.
func rowsOf[T any](records iter.Seq2[T, error], row func(T) []any) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		for r, err := range records {
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(row(r), nil) {
				return
			}
		}
	}
}
