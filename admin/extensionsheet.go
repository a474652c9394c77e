package admin

import (
	"context"

	"tollgate/rating"
)

// extensionColumns are those of a sheet of extensions.
var extensionColumns = []sheetColumn{{"number", wordCell}, {"username", textCell}, {"billing_enabled", flagCell}, {"payment_type", wordCell}, {"status", wordCell},
	{"caller_id", textCell}, {"credit", wordCell}, {"balance", apartCell}, {"limits.concurrent_calls", optionalWhole}, {"limits.call_seconds", optionalWhole},
	{"limits.daily_spend", optionalWordCell}, {"limits.deny_prefixes", optionalList}, {"limits.allow_prefixes", optionalList}, {"sip_password", wordCell}}

const extensionSheetRule = "Columns are number, username, billing_enabled, payment_type, status, caller_id, credit, limits.concurrent_calls, limits.call_seconds, limits.daily_spend, " +
	"limits.deny_prefixes, limits.allow_prefixes (prefixes with spaces between; none is an empty list), sip_password, and balance: what a new extension brings along. " +
	"A number that is there is updated; its balance must be empty or what it is now."

// importExtensions adds and updates the extensions of a sheet, all or none.
func (s *Server) importExtensions(ctx context.Context, in *sheetUpload) (*answer[imported], error) {
	ctx, cancel := context.WithTimeout(ctx, longestLast)
	defer cancel()
	read, err := readSheet(in.RawBody, extensionColumns, "number")
	if err != nil {
		return nil, err
	}
	openings, err := s.openings(ctx, read)
	if err != nil {
		return nil, err
	}
	rows := make([]rating.ExtensionRow, len(read.rows))
	for i, row := range read.rows {
		rows[i] = rating.ExtensionRow{Number: read.cell(row, "number"), Opening: openings[i].amount, Edit: func(e rating.Extension) (rating.Extension, error) {
			b, err := read.body(row)
			if err == nil {
				e, err = b.merge(e, s.config.Realm)
			}
			return e, joined(joined(err, openings[i].wrong), s.shortened("number", read.cell(row, "number")))
		}}
	}
	if in.DryRun {
		trailFrom(ctx).spare()
	}
	done, err := s.deps.Catalog.ImportExtensions(ctx, rows, principalFrom(ctx).Name, in.DryRun)
	if err != nil {
		return nil, read.sheetError("extensions", err)
	}
	return importAnswer(done), nil
}

// opening is the balance that a row brings along, or what is wrong with it.
type opening struct {
	amount rating.Money
	wrong  rating.Invalid
}

// openings reads the balances. One that an extension has already, as an exported sheet says it, is none to bring along.
func (s *Server) openings(ctx context.Context, read sheet) ([]opening, error) {
	all := make([]opening, len(read.rows))
	var there []string
	for i, row := range read.rows {
		text := read.cell(row, "balance")
		if text == "" {
			continue
		}
		amount, err := rating.ParseMoney(text)
		if err != nil {
			all[i].wrong = rating.Invalid{{Field: "balance", Message: err.Error()}}
			continue
		}
		all[i].amount = amount
		if number := read.cell(row, "number"); s.has(number) {
			there = append(there, number)
		}
	}
	if there == nil {
		return all, nil
	}
	accounts, err := s.accounts(ctx, there)
	if err != nil {
		return nil, err
	}
	for i, row := range read.rows {
		number := read.cell(row, "number")
		if all[i].wrong != nil || read.cell(row, "balance") == "" || !s.has(number) {
			continue
		}
		if now := accounts[number].Balance; all[i].amount != now {
			all[i].wrong = rating.Invalid{{Field: "balance", Message: "extension " + number + " is there, with a balance of " + now.String() +
				": leave the cell empty; a recharge or an adjustment changes a balance"}}
		}
		all[i].amount = 0
	}
	return all, nil
}

func (s *Server) has(number string) bool {
	_, ok := s.snapshot().Extension(number)
	return ok
}

// extensionSheet is the extensions that a list selects, as a sheet that can be imported again. SIP passwords are not in it.
func (s *Server) extensionSheet(ctx context.Context, in *extensionQuery) (table, error) {
	all := *in
	all.Paging = Paging{Page: 1, PerPage: s.snapshot().Extensions() + 1}
	found, err := s.listExtensions(ctx, &all)
	t := table{name: "extensions", plain: true, rowsAre: "extensions"}
	for _, c := range extensionColumns {
		if c.field != "sip_password" {
			t.columns = append(t.columns, c.field)
		}
	}
	t.rows = func(yield func([]any, error) bool) {
		for _, e := range found.Body.Items {
			if !yield([]any{e.Number, e.Username, flagText(e.BillingEnabled), e.PaymentType, e.Status, e.CallerID, e.Credit, e.Balance, orEmpty(e.Limits.ConcurrentCalls), orEmpty(e.Limits.CallSeconds),
				orEmpty(e.Limits.DailySpend), optionalListText(e.Limits.DenyPrefixes), optionalListText(e.Limits.AllowPrefixes)}, nil) {
				return
			}
		}
	}
	return t, err
}
