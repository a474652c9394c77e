package admin

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"tollgate/rating"
)

// sheetUpload is a sheet that comes in.
type sheetUpload struct {
	DryRun  bool   `query:"dry_run" doc:"1: check everything, and store nothing."`
	RawBody []byte `contentType:"text/csv"`
}

// Resolve refuses what says of itself that it is no sheet.
func (u *sheetUpload) Resolve(hc huma.Context) []error {
	media, _, err := mime.ParseMediaType(hc.Header("Content-Type"))
	if err != nil || media != csvType {
		return []error{malformed.because("Send the sheet with Content-Type: text/csv.")}
	}
	return nil
}

// imported says what an import did; with dry_run, what it would do.
type imported struct {
	Created int     `json:"created" doc:"Rows that are new."`
	Updated int     `json:"updated" doc:"Rows of what is there already, changed or not."`
	Errors  []fault `json:"errors" doc:"Empty: a sheet with errors is refused as a whole, with a problem that lists the same as line, field and message."`
}

// importRule is what extensions and rates have in common.
const importRule = " The first line names the columns, in any order; the header is line 1. All or nothing: a bad sheet is 422 with errors [{line, field, message}]. " +
	"An empty cell leaves a setting as it is, or at its default where the row is new; a text or a list it empties, a limit it inherits. " +
	"Semicolons or tabs may part the cells. At most 100,000 rows, 8 MiB."

func importAnswer(done rating.Imported) *answer[imported] {
	return &answer[imported]{imported{done.Created, done.Updated, []fault{}}}
}

// sheetError is the answer to an import that failed.
func (s sheet) sheetError(what string, err error) error {
	var bad rating.Invalid
	if errors.As(err, &bad) {
		return s.rowFaults(bad)
	}
	return fmt.Errorf("import %s: %w", what, err)
}

// imports marks an operation that takes a sheet and answers 200: what it makes are many things, or none.
func imports(rule string) option {
	return func(op *huma.Operation) {
		large(op)
		op.Metadata[lastsKey] = true
		op.BodyReadTimeout = longestLast / 2
		op.DefaultStatus = http.StatusOK
		op.Description = rule + importRule
	}
}

// joined adds faults to an error, which may be none.
func joined(err error, more rating.Invalid) error {
	var bad rating.Invalid
	switch {
	case len(more) == 0:
		return err
	case err == nil:
		return more
	case errors.As(err, &bad):
		return append(append(rating.Invalid{}, bad...), more...)
	}
	return err
}

func flagText(b bool) string {
	if b {
		return "true"
	}
	return "false"
}

// orEmpty is a value that may be null, as a cell.
func orEmpty[T any](value *T) any {
	if value == nil {
		return ""
	}
	return *value
}

// optionalListText is a list that may be null, as a cell.
func optionalListText(items []string) string {
	if items != nil && len(items) == 0 {
		return emptyList
	}
	return strings.Join(items, " ")
}
