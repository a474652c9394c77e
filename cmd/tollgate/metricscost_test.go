package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"tollgate/rating"
)

// What /metrics costs where much is configured.

func TestAScrapeWithTenThousandExtensionsAndFiftyTrunks(t *testing.T) {
	if testing.Short() {
		t.Skip("it fills a catalog")
	}
	const extensions, trunks, scrapes = 10_000, 50, 20
	a := newTestApp(t)
	runTestApp(t, a)
	ctx := t.Context()
	for i := range trunks {
		trunk := rating.NewTrunk()
		trunk.Name, trunk.URI, trunk.ProbeInterval = fmt.Sprintf("T%02d", i), fmt.Sprintf("sip:127.0.0.1:%d", 20_000+i), 0
		if _, err := a.catalog.AddTrunk(ctx, trunk); err != nil {
			t.Fatal(err)
		}
	}
	rows := make([]rating.ExtensionRow, extensions)
	for i := range rows {
		rows[i] = rating.ExtensionRow{Number: fmt.Sprint(100_000 + i), Edit: func(e rating.Extension) (rating.Extension, error) { return e, nil }}
	}
	if in, err := a.catalog.ImportExtensions(ctx, rows, "test", false); err != nil || in.Created != extensions {
		t.Fatalf("%+v %v", in, err)
	}
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	scrape := func() string {
		response, err := client.Get("https://" + a.admin.Addr().String() + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		return string(must(io.ReadAll(response.Body)))
	}
	text := ""
	for deadline := time.Now().Add(10 * time.Second); !strings.Contains(text, `trunk="T49"`); text = scrape() {
		if time.Now().After(deadline) {
			t.Fatal("the trunks are not shown")
		}
		time.Sleep(50 * time.Millisecond)
	}
	took := make([]time.Duration, scrapes)
	for i := range took {
		began := time.Now()
		text = scrape()
		took[i] = time.Since(began)
	}
	slices.Sort(took)
	series := 0
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "#") {
			series++
		}
	}
	t.Logf("%d extensions, %d trunks: %d series, %d kB, median %v, worst %v", extensions, trunks, series, len(text)>>10, took[scrapes/2], took[scrapes-1])
	if strings.Contains(text, "100001") || strings.Contains(text, "104999") {
		t.Error("an extension is named")
	}
	if most := 1500 + 80*trunks; series > most {
		t.Errorf("%d series, want at most %d", series, most)
	}
	if took[scrapes/2] > 250*time.Millisecond {
		t.Errorf("half of the scrapes take over %v", took[scrapes/2])
	}
}
