package admin_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"tollgate/rating"
)

// sheetOf reads a workbook as it is shown.
func sheetOf(t *testing.T, r reply) [][]string {
	t.Helper()
	book, err := excelize.OpenReader(bytes.NewReader([]byte(r.text)))
	if err != nil {
		t.Fatalf("%d %s: %v", r.status, r.header.Get("Content-Type"), err)
	}
	defer book.Close()
	rows, err := book.GetRows(book.GetSheetName(0))
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// rows compares both files of a list with what they must show.
func (w *world) files(path, name string, want string) {
	w.t.Helper()
	join := "?"
	if strings.Contains(path, "?") {
		join = "&"
	}
	csv := w.do("GET", path+join+"format=csv", nil)
	if got := strings.ReplaceAll(strings.TrimPrefix(csv.text, "\ufeff"), "\r\n", "\n"); got != want || !strings.HasPrefix(csv.text, "\ufeff") {
		w.t.Errorf("%s is\n%swant\n%s", path, got, want)
	}
	if got, kind := csv.header.Get("Content-Disposition"), csv.header.Get("Content-Type"); got != `attachment; filename="`+name+`.csv"` || kind != "text/csv; charset=utf-8" {
		w.t.Errorf("%s is %s, %s", path, got, kind)
	}
	xlsx := w.do("GET", path+join+"format=xlsx", nil)
	if got := xlsx.header.Get("Content-Disposition"); got != `attachment; filename="`+name+`.xlsx"` {
		w.t.Errorf("%s is %s", path, got)
	}
	var lines strings.Builder
	for _, row := range sheetOf(w.t, xlsx) {
		lines.WriteString(strings.Join(append(row, make([]string, strings.Count(want[:strings.IndexByte(want, '\n')], ",")+1-len(row))...), ",") + "\n") // empty cells at the end are left out
	}
	for _, format := range []string{"00:", "01:"} { // a sheet shows hours without the zero before them
		want = strings.ReplaceAll(want, ","+format, ","+format[1:])
	}
	if got := lines.String(); got != strings.ReplaceAll(want, "'", "") {
		w.t.Errorf("%s as a sheet is\n%swant\n%s", path, got, want)
	}
}

func TestDownloads(t *testing.T) {
	w := newWorld(t)
	w.do("POST", "/extensions", object{"number": "102", "username": "=Ann", "billing_enabled": true})
	w.do("POST", "/extensions", object{"number": "103", "username": "Bob", "billing_enabled": true})
	w.do("POST", "/recharges", object{"extensions": []string{"102", "103"}, "amount": "100"}, "Idempotency-Key: k1")
	tariff := rating.Tariff{InitialCost: 100_000, InitialTime: 60, PerUnit: 20_000, BillingUnit: 55}
	for _, c := range []struct {
		extension string
		talked    time.Duration
	}{{"102", 238 * time.Second}, {"102", 39 * time.Second}, {"103", 3700 * time.Second}, {"103", 0}} {
		w.endCall(w.startCall(c.extension, tariff), c.talked)
	}
	w.file()
	w.do("POST", "/recharges", object{"extensions": []string{"102"}, "amount": "-0.000001", "note": "@home"}, "Idempotency-Key: k2")
	w.file()
	settings := w.do("GET", "/settings", nil).body
	settings["currency"], settings["timezone"] = "EUR", "Asia/Shanghai"
	w.do("PUT", "/settings", settings)

	// Three calls begin at the same instant: their order is that in which they were filed.
	w.files("/calls?sort=duration", "call-log", "Start Time,Call From,Call To,Duration,Trunk Name,Cost(€)\n"+
		"2019-05-31 23:03:26,User102[102],988360046,00:00:39,FXO-1,0.1000\n"+
		"2019-05-31 23:03:26,User102[102],988360046,00:03:58,FXO-1,0.1800\n"+
		"2019-05-31 23:03:26,User103[103],988360046,01:01:40,FXO-1,1.4400\n")
	w.files("/calls?q=103&disposition=any&sort=-cost&from=2019-05-31&to=2019-06-01&per_page=1&page=7", "call-log_2019-05-31_2019-06-01",
		"Start Time,Call From,Call To,Duration,Trunk Name,Cost(€),Disposition,Reason\n"+
			"2019-05-31 23:03:26,User103[103],988360046,01:01:40,FXO-1,1.4400,answered,\n"+
			"2019-05-31 23:03:26,User103[103],988360046,00:00:00,FXO-1,0.0000,no_answer,\n")
	w.files("/statistics", "statistics-by-day", "Date,Extension,Calls,Total Call Time,Average Call Time,Total Cost(€)\n2019-05-31,All,3,1:06:17,0:22:06,1.7200\n")
	w.files("/statistics?by=month&extension=102&to=2019-05-31", "statistics-by-month_to_2019-05-31", "Date,Extension,Calls,Total Call Time,Average Call Time,Total Cost(€)\n2019-05,User102[102],2,0:04:37,0:02:19,0.2800\n")

	history := w.do("GET", "/recharges?format=csv&sort=at&q=102", nil).text
	lines := strings.Split(history, "\r\n")
	if len(lines) != 4 || lines[0] != "\ufeffTime,Extension,Pre-balance(€),Recharge Amount(€),Post-balance(€),Kind,By,Note" ||
		!strings.HasSuffix(lines[1], ",'=Ann[102],0.0000,100.0000,100.0000,recharge,token admin,") ||
		!strings.HasSuffix(lines[2], ",'=Ann[102],99.7200,-0.000001,99.719999,adjustment,token admin,'@home") {
		t.Errorf("the history is\n%s", history)
	}
	if rows := sheetOf(t, w.do("GET", "/recharges?format=xlsx&sort=at&q=102", nil)); len(rows) != 3 || strings.Join(rows[2][1:], ",") != "=Ann[102],99.7200,-0.000001,99.719999,adjustment,token admin,@home" {
		t.Errorf("the history as a sheet is %q", rows)
	}
	for _, path := range []string{"/calls?format=pdf", "/calls?format=csv&disposition=x", "/recharges?format=xlsx&from=x"} {
		w.as(rating.Admin, "GET", path, nil).problem(t, path, 422, "validation")
	}
	w.files("/calls?from=2020-01-01", "call-log_from_2020-01-01", "Start Time,Call From,Call To,Duration,Trunk Name,Cost(€)\n")
}
