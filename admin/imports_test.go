package admin_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tollgate/rating"
)

const textCSV = header("Content-Type: text/csv; charset=utf-8")

func TestImportsOfExtensions(t *testing.T) {
	w := newWorld(t)
	w.do("POST", "/extensions", object{"number": "101", "username": "Old", "credit": "3", "limits": object{"call_seconds": 60}})
	sheet := "\ufeff" + `number,username,billing_enabled,credit,balance,payment_type,sip_password,limits.call_seconds,limits.deny_prefixes` + "\r\n" +
		`101,"New, ""Jr."" 张",TRUE,,,,,,00 +1` + "\r\n" +
		`102,'=Ann,no,5.5,12.25,postpaid,s3cret99,90,none` + "\r\n" +
		",,,,,,,,\r\n" +
		`'+49,,,,-0.0,,,,` + "\r\n"
	w.do("POST", "/extensions/import?dry_run=1", sheet, textCSV).expect(t, "a dry run", 200, object{"created": 2, "updated": 1, "errors": []any{}})
	w.do("GET", "/extensions", nil).expect(t, "stores nothing", 200, object{"total": 1, "items.0.username": "Old"})
	w.do("POST", "/extensions/import", sheet, textCSV).expect(t, "an import", 200, object{"created": 2, "updated": 1, "errors": []any{}})
	w.do("GET", "/extensions/101", nil).expect(t, "edited", 200, object{"username": `New, "Jr." 张`, "billing_enabled": true, "credit": "3.0000", "balance": "0.0000",
		"limits.call_seconds": nil, "limits.deny_prefixes": []string{"00", "+1"}, "limits.allow_prefixes": nil, "has_sip_password": false, "version": 2})
	w.do("GET", "/extensions/102", nil).expect(t, "made", 200, object{"username": "=Ann", "billing_enabled": false, "credit": "5.5000", "balance": "12.2500", "payment_type": "postpaid",
		"limits.call_seconds": 90, "limits.deny_prefixes": []string{}, "has_sip_password": true, "total_recharges": "0.0000"})
	w.do("GET", "/extensions/+49", nil).expect(t, "with defaults", 200, object{"username": "", "balance": "0.0000", "status": "unlocked"})
	w.file()
	w.do("GET", "/recharges", nil).expect(t, "the opening is in the history", 200, object{"total": 1, "items.0.kind": "opening", "items.0.amount": "12.2500", "items.0.by": "token admin"})

	exported := w.do("GET", "/extensions?format=csv", nil)
	want := "number,username,billing_enabled,payment_type,status,caller_id,credit,balance,limits.concurrent_calls,limits.call_seconds,limits.daily_spend,limits.deny_prefixes,limits.allow_prefixes\r\n" +
		"'+49,,false,prepaid,unlocked,,0.0000,0.0000,,,,,\r\n" +
		"101,\"New, \"\"Jr.\"\" 张\",true,prepaid,unlocked,,3.0000,0.0000,,,,00 +1,\r\n" +
		"102,'=Ann,false,postpaid,unlocked,,5.5000,12.2500,,90,,none,\r\n"
	if exported.text != want {
		t.Errorf("exported is\n%s\nwant\n%s", exported.text, want)
	}
	w.do("POST", "/extensions/import", exported.text, textCSV).expect(t, "what was exported is imported", 200, object{"created": 0, "updated": 3})
	w.do("POST", "/extensions", object{"number": "1E+05"})
	w.do("POST", "/extensions/import", "number,username\n1E+05,so called\n", textCSV).expect(t, "an extension of such a name", 200, object{"updated": 1})
	w.do("DELETE", "/extensions/1E+05", nil)
	for number, version := range map[string]int{"101": 2, "102": 1, "+49": 1} {
		w.do("GET", "/extensions/"+number, nil).expect(t, "and changes nothing", 200, object{"version": version, "number": number})
	}
	if some := w.do("GET", "/extensions?format=csv&q=ann&per_page=1", nil).text; strings.Count(some, "\r\n") != 2 || !strings.Contains(some, "\r\n102,") {
		t.Errorf("what the filter selects is\n%s", some)
	}
	w.do("POST", "/extensions/import", "number;username\n103;Semi\n", textCSV).expect(t, "semicolons", 200, object{"created": 1})
	w.do("POST", "/extensions/import", "number\tusername\n104\tTab", textCSV).expect(t, "tabs, no end of line", 200, object{"created": 1})
	w.do("POST", "/extensions/import", "number,username,,\r\n105,Columns deleted,,\r\n106,too\r\n,,,\r\n", textCSV).expect(t, "empty columns at the end", 200, object{"created": 2})
	w.do("POST", "/extensions/import", "number,username\r107,Mac\r", textCSV).expect(t, "lines as a Mac once ended them", 200, object{"created": 1})
}

func TestBadSheetsAreRefusedAsAWhole(t *testing.T) {
	w := newWorld(t)
	w.do("POST", "/extensions", object{"number": "101", "credit": "1"})
	w.do("POST", "/recharges", object{"extensions": []string{"101"}, "amount": "5"}, "Idempotency-Key: k")
	long := "number\n" + strings.Repeat("1 1\n", 200)
	for name, c := range map[string]struct {
		path, sheet string
		faults      []object // line, field, part of the message
	}{
		"no header":            {"/extensions", "\ufeff", []object{{"line": 1, "message": "header"}}},
		"nothing below it":     {"/extensions", "number,username\n\n,\n", []object{{"line": 2, "message": "nothing"}}},
		"a header alone":       {"/extensions", "number\n", []object{{"line": 2, "message": "nothing"}}},
		"unknown columns":      {"/extensions", "number,colour,held,number\n1,2,3,4\n", []object{{"line": 1, "field": "colour"}, {"line": 1, "field": "held"}, {"line": 1, "field": "number", "message": "twice"}}},
		"no number":            {"/extensions", "username\nAnn\n", []object{{"line": 1, "field": "number", "message": "missing"}}},
		"wrong widths":         {"/extensions", "number,username\n1\n2,b\n3,c,d\n", []object{{"line": 2, "message": "1 cells"}, {"line": 4, "message": "3 cells"}}},
		"a quote that is open": {"/extensions", "number,username\n1,a\n2,\"b\n", []object{{"line": 3, "message": "\""}}},
		"not UTF-8":            {"/extensions", "number,username\n1,a\n2,\xfc\n", []object{{"line": 3, "message": "UTF-8"}}},
		"all faults at once":   {"/extensions", "number,credit\n1,abc\n2 2,1\n3,-1\n3,1\n", []object{{"line": 2, "field": "credit", "message": "is no amount"}, {"line": 3, "field": "number"}, {"line": 4, "field": "credit"}, {"line": 5, "field": "number", "message": "twice"}}},
		"a number twice":       {"/extensions", "number\n7\n\"8\"\n7\n", []object{{"line": 4, "field": "number", "message": "twice"}}},
		"bad cells": {"/extensions", "number,credit,billing_enabled,limits.call_seconds,status,limits.daily_spend\n7,-1,maybe,1.5,open,NaN\n8,1e9,,,,\n 9 1,,,,,\n", []object{
			{"line": 2, "field": "billing_enabled"}, {"line": 2, "field": "limits.call_seconds"}, {"line": 3, "field": "credit"}, {"line": 4, "field": "number"}}},
		"bad values": {"/extensions", "number,username,credit,billing_enabled,limits.call_seconds\n7,\"two\nlines\",,maybe,1.5\n8,,-1,,-5\n9,,1e9,,\n", []object{
			{"line": 2, "field": "billing_enabled"}, {"line": 2, "field": "limits.call_seconds"}, {"line": 4, "field": "credit"}, {"line": 4, "field": "limits.call_seconds"}, {"line": 5, "field": "credit"}}},
		"a balance of one that is there": {"/extensions", "number,balance\n101,5.0001\n", []object{{"line": 2, "field": "balance", "message": "5.0000"}}},
		"a balance that is none":         {"/extensions", "number,balance\n102,9223372036854775808\n", []object{{"line": 2, "field": "balance"}}},
		"a balance beyond the credit":    {"/extensions", "number,balance,credit\n102,-2,1\n", []object{{"line": 2, "field": "balance"}}},
		"more faults than anybody reads": {"/extensions", long, []object{{"line": 2, "field": "number"}}},
		"a rate without price":           {"/rates", "prefix\n9\n", []object{{"line": 2, "field": "rate"}}},
		"a rate without unit":            {"/rates", "prefix,rate\n9,1\n", []object{{"line": 2, "field": "billing_unit"}}},
		"a number as a spreadsheet shortened it": {"/extensions", "number,username\n8.6138E+12,Ann\n1E+05,Bob\n", []object{
			{"line": 2, "field": "number", "message": "shortened"}, {"line": 3, "field": "number", "message": "shortened"}}},
		"a cell beyond the header":      {"/extensions", "number,username,\n7,Ann,x\n8,Bob,\n9,Eve,,y\n", []object{{"line": 2, "message": "3 cells where the header has 2"}, {"line": 4, "message": "4 cells"}}},
		"a column without name":         {"/extensions", "number,,username\n7,,Ann\n", []object{{"line": 1, "message": "column 2 has no name"}}},
		"an id twice":                   {"/rates", "id,rate\n7,0\n7,0\n", []object{{"line": 3, "field": "id", "message": "twice"}}},
		"an id that is none":            {"/rates", "id,rate\nx,0\n0,0\n", []object{{"line": 2, "field": "id"}, {"line": 3, "field": "id"}}},
		"a rate for a shortened number": {"/rates", "rate,extensions\n0,101 8.6E+12\n", []object{{"line": 2, "field": "extensions", "message": "8.6E+12 was shortened"}}},
		"a time that is none":           {"/rates", "rate,start_time,extensions\n0,25:00:00,* 101\n", []object{{"line": 2, "field": "start_time"}}},
	} {
		for _, dry := range []string{"", "?dry_run=1"} {
			r := w.as(rating.Manager, "POST", c.path+"/import"+dry, c.sheet, textCSV)
			r.problem(t, name+dry, 422, "validation")
			got, _ := r.body["errors"].([]any)
			if len(got) != len(c.faults) && name[:4] != "more" || len(got) > 50 {
				t.Errorf("%s: %d errors, want %d: %s", name, len(got), len(c.faults), r.text)
				continue
			}
			for i, want := range c.faults {
				fault := got[i].(object)
				message, _ := want["message"].(string)
				if fault["line"] != float64(want["line"].(int)) || fault["field"] != want["field"] || !strings.Contains(fault["message"].(string), message) {
					t.Errorf("%s: error %d is %v, want %v", name, i, fault, want)
				}
			}
		}
	}
	w.do("GET", "/extensions", nil).expect(t, "nothing of it was done", 200, object{"total": 1, "items.0.credit": "1.0000", "items.0.balance": "5.0000", "items.0.version": 1})
	w.do("GET", "/rates", nil).expect(t, "nor of the rates", 200, object{"total": 0})
	w.as(rating.Admin, "POST", "/extensions/import", "number\n1\n", "Content-Type: application/json").problem(t, "JSON", 400, "malformed")
	w.as(rating.Admin, "POST", "/extensions/import", "", textCSV).problem(t, "no body", 400, "malformed")
	w.as(rating.Admin, "POST", "/rates/import", strings.Repeat("1", 9<<20), textCSV).problem(t, "nine megabytes", 413, "too-large")
}

func TestImportsOfRates(t *testing.T) {
	w := newWorld(t)
	w.do("POST", "/rates", city)
	sheet := "id,active,remark,prefix,number_length,initial_cost,initial_time,rate,billing_unit,start_time,end_time,extensions\n" +
		"1,false,city,9,,,,0.03,,,,101 102\n" +
		",,\"night, \"\"cheap\"\"\",'+49,0,0.5,,0.01,60,22:00:00,06:00:00,*\n" +
		"70,,nobody,,,,,0,,,,\n"
	w.do("POST", "/rates/import?dry_run=true", sheet, textCSV).expect(t, "a dry run", 200, object{"created": 2, "updated": 1})
	w.do("GET", "/rates", nil).expect(t, "stores nothing", 200, object{"total": 1, "items.0.active": true})
	w.do("POST", "/rates/import", sheet, textCSV).expect(t, "an import", 200, object{"created": 2, "updated": 1})
	w.do("GET", "/rates", nil).expect(t, "the rates", 200, object{"total": 3,
		"items.0.id": 1, "items.0.active": false, "items.0.rate": "0.0300", "items.0.initial_cost": "0.1000", "items.0.billing_unit": 55, "items.0.extensions": []string{"101", "102"}, "items.0.version": 2,
		"items.1.id": 70, "items.1.extensions": []string{},
		"items.2.id": 71, "items.2.remark": `night, "cheap"`, "items.2.prefix": "+49", "items.2.start_time": "22:00:00", "items.2.extensions": []string{"*"}})
	exported := w.do("GET", "/rates?format=csv&sort=-id", nil)
	if want := "id,active,remark,prefix,number_length,initial_cost,initial_time,rate,billing_unit,start_time,end_time,extensions\r\n" +
		"71,true,\"night, \"\"cheap\"\"\",'+49,0,0.5000,0,0.0100,60,22:00:00,06:00:00,*\r\n70,true,nobody,,0,0.0000,0,0.0000,0,00:00:00,23:59:59,\r\n" +
		"1,false,city,9,9,0.1000,60,0.0300,55,00:00:00,23:59:59,101 102\r\n"; exported.text != want {
		t.Errorf("exported is\n%s\nwant\n%s", exported.text, want)
	}
	w.do("POST", "/rates/import", exported.text, textCSV).expect(t, "what was exported is imported", 200, object{"created": 0, "updated": 3})
	w.do("GET", "/rates/1", nil).expect(t, "and changes nothing", 200, object{"version": 2})
}

// A large sheet goes in portions and is all there, or not at all; the time is bounded.
func TestALargeSheet(t *testing.T) {
	w := newWorld(t)
	const rows = 3000 // more than the store is asked for at once
	var sheet strings.Builder
	sheet.WriteString("number,username,billing_enabled,credit,balance,limits.daily_spend\n")
	for i := range rows {
		fmt.Fprintf(&sheet, "%d,User %d,true,5,1.5,10\n", 100_000+i, i)
	}
	w.as(rating.Admin, "POST", "/extensions/import", sheet.String()+"x y,,,,,\n", textCSV).problem(t, "one bad line among them", 422, "validation")
	w.do("GET", "/extensions", nil).expect(t, "changes nothing", 200, object{"total": 0})
	began := time.Now()
	w.do("POST", "/extensions/import", sheet.String(), textCSV).expect(t, "all rows", 200, object{"created": rows})
	t.Logf("%d extensions with accounts imported in %v", rows, time.Since(began))
	w.do("GET", "/extensions?q=102999", nil).expect(t, "the last one", 200, object{"total": 1, "items.0.balance": "1.5000", "items.0.limits.daily_spend": "10.0000"})
	began = time.Now()
	again := w.do("GET", "/extensions?format=csv", nil).text
	w.do("POST", "/extensions/import", again, textCSV).expect(t, "once more", 200, object{"created": 0, "updated": rows})
	t.Logf("exported and imported again without a change in %v", time.Since(began))
}
