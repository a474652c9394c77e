package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tollgate/rating"
	"tollgate/sipctl/siptest"
)

// A month's billing with nothing but HTTP and the API's own description: a program is set up from nothing, calls are made,
// refused and cut, and what the month came to stands in sheets that LibreOffice opens.

type object = map[string]any

func TestAMonthsBillingByTheDescriptionAlone(t *testing.T) {
	t.Parallel()
	n := newNode(t, "")
	carrier := newCarrier(t, siptest.Config{})
	admin := newOperator(t, n.api)
	manager := setUp(t, admin, carrier)
	rechargedOnce(t, manager)
	callTheMonth(t, n, manager)

	var now struct {
		Today struct {
			Calls, Answered, Seconds int64
			Revenue                  rating.Money
		}
		Refusals    []struct{ Reason string }
		LowBalances struct{ Total int } `json:"low_balances"`
	}
	manager.do("dashboard", nil).into(t, &now)
	invoice := statisticsOf(t, manager, "")
	if now.Today.Calls != 4 || now.Today.Answered != 4 || now.Today.Revenue != invoice.TotalCost || len(now.Refusals) != 1 || now.Refusals[0].Reason != "no_credit" || now.LowBalances.Total != 2 {
		t.Errorf("the dashboard says %+v, the month %+v", now, invoice)
	}
	var parts rating.Money
	for _, number := range []string{"101", "102"} {
		parts += statisticsOf(t, manager, number).TotalCost
	}
	if parts != invoice.TotalCost || invoice.TotalCost == 0 {
		t.Errorf("the extensions' months add up to %s, the whole is %s", parts, invoice.TotalCost)
	}
	sheetsAgree(t, manager, invoice)
	readsEverything(t, admin)
	manager.do("logout", nil)
	if a, err := manager.try("list-calls", nil); err != nil || a.status != 401 {
		t.Errorf("after log-out: %d, %v", a.status, err)
	}
	n.proved(10 * time.Second)
}

// setUp makes a working system, and returns a billing manager who is logged in.
func setUp(t *testing.T, admin *operator, carrier *siptest.Carrier) *operator {
	t.Helper()
	var in struct{ Token string }
	admin.do("login", object{"username": "admin", "password": adminPassword}).into(t, &in)
	admin.token = in.Token
	admin.do("create-trunk", object{"name": "FXO-1", "uri": fmt.Sprintf("sip:%s;transport=udp", carrier.Addr())})
	admin.do("create-dial-rule", object{"prefix": "9", "strip": 1, "trunks": []string{"FXO-1"}})
	var tested struct{ Sent string }
	if admin.do("test-dial-rules", object{"number": number}).into(t, &tested); tested.Sent != number[1:] {
		t.Errorf("the carrier would get %q", tested.Sent)
	}
	rates := "remark,prefix,initial_cost,initial_time,rate,billing_unit,extensions\ncity,9,0.1,60,0.02,55,*\nby the second,95,,,0.05,1,102\n"
	extensions := "number,username,billing_enabled,balance\n101,Ann,true,\n102,=Bob,true,0.1\n103,Cyd,true,\n"
	for _, dry := range []string{"?dry_run=1", "?dry_run=0"} {
		admin.do("import-rates "+dry, rates)
		admin.do("import-extensions "+dry, extensions)
	}
	if a, err := admin.try("import-extensions", "number,credit\n101,\n102,-1\n"); err != nil || a.status != 422 || !strings.Contains(string(a.text), `"line":3,"field":"credit"`) {
		t.Errorf("a bad sheet: %d %s, %v", a.status, a.text, err)
	}
	admin.do("replace-billing", object{"active": true})
	var made struct{ Username, Password string }
	admin.do("create-manager", object{}).into(t, &made)
	manager := newOperator(t, admin.base)
	manager.do("login", object{"username": made.Username, "password": made.Password}).into(t, &in)
	manager.token = in.Token
	var settings object
	manager.do("get-settings", nil).into(t, &settings)
	settings["currency"] = "EUR"
	manager.do("replace-settings", settings)
	if a, err := manager.try("list-trunks", nil); err != nil || a.status != 403 {
		t.Errorf("a manager sees trunks: %d, %v", a.status, err)
	}
	return manager
}

// readsEverything asks for all that can be read: try believes no answer that is not as described.
func readsEverything(t *testing.T, admin *operator) {
	t.Helper()
	read := 0
	for path, methods := range admin.document.Paths {
		if op, ok := methods["get"]; ok && !strings.Contains(path, "{") && op.OperationID != "follow-calls" {
			admin.do(op.OperationID, nil)
			read++
		}
	}
	var calls struct{ Items []struct{ ID string } }
	admin.do("list-calls ?disposition=any", nil).into(t, &calls)
	for _, c := range calls.Items {
		admin.do("get-call "+c.ID, nil)
	}
	for _, one := range []string{"get-extension 101", "get-rate 1", "get-trunk FXO-1", "get-dial-rule 1"} {
		admin.do(one, nil)
	}
	admin.do("quote", object{"extension": "101", "number": number, "duration": 238})
	admin.do("preview-recharge", object{"extensions": []string{"101"}, "amount": "1"})
	if read < 15 || len(calls.Items) != 5 {
		t.Errorf("%d lists and %d calls were read", read, len(calls.Items))
	}
}

// rechargedOnce: thirty recharges at once with one key move the money once, and all get the same answer.
func rechargedOnce(t *testing.T, manager *operator) {
	t.Helper()
	answers, failed := make([]outcome, 30), make([]error, 30)
	var running sync.WaitGroup
	for i := range answers {
		running.Go(func() {
			answers[i], failed[i] = manager.try("recharge", object{"extensions": []string{"101"}, "amount": "10"}, "Idempotency-Key: the first of the month")
		})
	}
	running.Wait()
	for i, a := range answers {
		if failed[i] != nil || a.status != 201 || !bytes.Equal(a.text, answers[0].text) {
			t.Errorf("recharge %d: %d %s, %v", i, a.status, a.text, failed[i])
		}
	}
	var ann struct{ Balance string }
	if manager.do("get-extension 101", nil).into(t, &ann); ann.Balance != "10.0000" {
		t.Errorf("thirty recharges with one key left a balance of %s", ann.Balance)
	}
}

// callTheMonth: two calls of Ann and one of Bob, one of Bob that is cut, one of Cyd that is refused.
func callTheMonth(t *testing.T, n *node, manager *operator) {
	t.Helper()
	o := &office{node: n}
	for _, c := range []struct {
		extension, number string
		talk              time.Duration
	}{{"101", number, 1100 * time.Millisecond}, {"101", number, 0}, {"102", "955500001", 0}} {
		o.talk(c.extension, c.number, c.talk)
	}
	if _, err := o.newPhone("102").Call("955500001").Ended(within(t, 10*time.Second)); err != nil { // by us: the money has ended
		t.Fatal(err)
	}
	o.notAnswered("103", number)
	n.await("all calls are in the log", 15*time.Second, func() bool {
		var calls struct{ Total int }
		manager.do("list-calls ?disposition=any", nil).into(t, &calls)
		return calls.Total == 5
	})
	time.Sleep(2 * time.Second) // the dashboard is used again for so long
}

// statisticsOf is the month of an extension, or of all.
func statisticsOf(t *testing.T, manager *operator, extension string) rating.StatisticsRow {
	t.Helper()
	var months struct{ Items []rating.StatisticsRow }
	manager.do("statistics ?by=month&extension="+extension, nil).into(t, &months)
	if len(months.Items) != 1 {
		t.Fatalf("%d months of %q", len(months.Items), extension)
	}
	return months.Items[0]
}

// sheetsAgree compares what LibreOffice shows of the downloads with the API.
func sheetsAgree(t *testing.T, manager *operator, invoice rating.StatisticsRow) {
	t.Helper()
	if _, err := exec.LookPath("soffice"); err != nil {
		t.Skip("LibreOffice is not installed: .ci/setup installs it")
	}
	dir := t.TempDir()
	for name, call := range map[string]string{"calls": "list-calls", "months": "statistics", "recharges": "list-recharges"} {
		query := map[string]string{"calls": "?format=xlsx&sort=started_at", "months": "?format=xlsx&by=month", "recharges": "?format=xlsx&sort=at"}[name]
		if err := os.WriteFile(filepath.Join(dir, name+".xlsx"), manager.do(call+" "+query, nil).text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	shown := opened(t, dir, "calls", "months", "recharges")
	calls := shown["calls"]
	if len(calls) != 5 || strings.Join(calls[0], "|") != "Start Time|Call From|Call To|Duration|Trunk Name|Cost(€)" {
		t.Fatalf("the call log is %q", calls)
	}
	var sum rating.Money
	for i, want := range []string{"Ann[101]|988360046|0:00:02|FXO-1|0.1000", "Ann[101]|988360046|0:00:01|FXO-1|0.1000", "=Bob[102]|955500001|0:00:01|FXO-1|0.0500", "=Bob[102]|955500001|0:00:01|FXO-1|0.0500"} {
		row := calls[i+1]
		at, err := time.Parse(time.DateTime, row[0])
		if got := strings.Join(row[1:], "|"); got != want || err != nil || time.Since(at).Abs() > time.Hour {
			t.Errorf("call %d is %q, want %q (%v)", i, row, want, err)
		}
		cost, err := rating.ParseMoney(row[5])
		if sum += cost; err != nil {
			t.Error(err)
		}
	}
	month := fmt.Sprintf("%s|All|4|0:00:%02d|0:00:%02d|%s", invoice.Date, invoice.TotalSeconds, invoice.AverageSeconds, invoice.TotalCost)
	if got := strings.Join(shown["months"][1], "|"); got != month || sum != invoice.TotalCost {
		t.Errorf("the month is %s, want %s; its calls add up to %s", got, month, sum)
	}
	for i, want := range []string{"=Bob[102]|0.0000|0.1000|0.1000|opening|admin", "Ann[101]|0.0000|10.0000|10.0000|recharge|bill-"} {
		if got := strings.Join(shown["recharges"][i+1][1:], "|"); !strings.HasPrefix(got, want) {
			t.Errorf("line %d of the recharges is %s, want %s", i, got, want)
		}
	}
}

// opened converts workbooks to CSV, as they are shown, and reads that.
func opened(t *testing.T, dir string, names ...string) map[string][][]string {
	t.Helper()
	args := []string{"-env:UserInstallation=file://" + filepath.Join(dir, "profile"), "--headless", "--convert-to", `csv:Text - txt - csv (StarCalc):44,34,76,1,,1033,false,true`, "--outdir", dir}
	for _, name := range names {
		args = append(args, filepath.Join(dir, name+".xlsx"))
	}
	command := exec.CommandContext(within(t, 3*time.Minute), "soffice", args...)
	command.Env = append(os.Environ(), "HOME="+dir)
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("soffice: %v\n%s", err, out)
	}
	shown := map[string][][]string{}
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(dir, name+".csv"))
		if err != nil {
			t.Fatal(err)
		}
		if shown[name], err = csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff")))).ReadAll(); err != nil {
			t.Fatal(err)
		}
	}
	return shown
}
