package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"tollgate/rating"
	"tollgate/sipctl/siptest"
)

// The same month with the shipped script: what an operator can do who has curl and a shell.
func TestAMonthsBillingWithCurl(t *testing.T) {
	for _, needed := range []string{"curl", "soffice"} {
		if _, err := exec.LookPath(needed); err != nil {
			t.Skip(needed + " is not installed: .ci/setup installs it")
		}
	}
	t.Parallel()
	n := newNode(t, "")
	carrier := newCarrier(t, siptest.Config{})
	month := func(user, password string, args ...string) string {
		t.Helper()
		command := exec.CommandContext(within(t, time.Minute), deployed("curl", "month.sh"), args...)
		command.Env = append(os.Environ(), "TOLLGATE="+n.api, "TOLLGATE_USER="+user, "TOLLGATE_PASSWORD="+password)
		out, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("month.sh %q: %v\n%s", args, err, out)
		}
		return string(out)
	}
	said := month("admin", adminPassword, "setup", fmt.Sprintf("sip:%s;transport=udp", carrier.Addr()))
	manager := regexp.MustCompile(`billing manager: (\S+) (\S+)`).FindStringSubmatch(said)
	if manager == nil || !strings.Contains(said, "sent as 88360046") || !strings.Contains(said, "costs 0.1800") || !strings.Contains(said, "101 has 10.0000") {
		t.Fatalf("setup says\n%s", said)
	}
	o := &office{node: n}
	for _, extension := range []string{"101", "101", "102"} {
		o.talk(extension, number, 0)
	}
	o.notAnswered("103", number)
	n.await("the calls are in the log", 15*time.Second, func() bool {
		var calls struct{ Total int }
		n.call("GET", "/calls?disposition=any", nil, &calls, 200)
		return calls.Total == 4
	})

	folder := t.TempDir()
	thisMonth := time.Now().UTC().Format("2006-01")
	if said, want := month(manager[1], manager[2], "bill", thisMonth, folder), thisMonth+",All,3,0:00:03,0:00:01,0.3000"; strings.TrimSpace(said) != want {
		t.Errorf("the month is %q, want %q", said, want)
	}
	if parts := sumOf(t, filepath.Join(folder, "extensions.csv"), 5, false); parts != 300_000 {
		t.Errorf("the extensions' months add up to %s", parts)
	}
	if calls := sumOf(t, filepath.Join(folder, "calls.csv"), 5, true); calls != 300_000 {
		t.Errorf("the calls add up to %s", calls)
	}
	for name, rows := range opened(t, folder, "invoice", "calls", "recharges") { // over the CSV files: as LibreOffice shows the workbooks
		last := rows[len(rows)-1]
		want := map[string]string{"invoice": "3|0:00:03|0:00:01|0.3000", "calls": "0:00:01|carrier|0.1000", "recharges": "Ann[101]|0.0000|10.0000|10.0000|recharge|admin|"}[name]
		if got := strings.Join(last, "|"); !strings.HasSuffix(got, want) {
			t.Errorf("%s.xlsx ends with %q, want %q", name, got, want)
		}
	}
	n.proved(10 * time.Second)
}

// sumOf adds up a column of money in a CSV file.
func sumOf(t *testing.T, file string, column int, headed bool) (sum rating.Money) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff")))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range rows {
		if headed && i == 0 {
			continue
		}
		amount, err := rating.ParseMoney(row[column])
		if err != nil {
			t.Fatal(err)
		}
		sum += amount
	}
	return sum
}
