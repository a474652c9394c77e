package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"tollgate/rating"
	"tollgate/rating/archive"
	"tollgate/rating/archive/postgrestest"
)

// Two processes on one Redis and one PostgreSQL, which is killed in between: calls go on without it, and it has every
// record once.
func TestTwoNodesOnPostgres(t *testing.T) {
	t.Parallel()
	server, err := postgrestest.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	p := newPairWith(t, server.DSN(""))
	hangUp := func(dialled string) {
		t.Helper()
		if m, err := p.answered(rich, dialled).Bye(within(t, 10*time.Second)); err != nil || m.Code != 200 {
			t.Fatalf("BYE of %s: %v %v", dialled, m, err)
		}
	}
	hangUp("9811")
	p.calls(1)
	if err := server.Kill9(); err != nil {
		t.Fatal(err)
	}
	hangUp("9822") // billed while there is no archive
	if status, text, err := p.try("GET", "/calls", nil); err != nil || status != 503 {
		t.Errorf("the call log without its database: %d %v %s", status, err, text)
	}
	if out, code := p.tollgate("check", "-c", p.config); code != 1 || !strings.Contains(out, "is the server up") {
		t.Errorf("check without the database: exit %d\n%s", code, out)
	}
	p.kill9() // the node that led is gone as well, and comes back before the database
	p.launch()
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	p.awaitReady()
	p.login()
	hangUp("9833")
	p.check(map[string]struct{ node, by, cost string }{"9811": {"gw1", "caller", "0.1000"}, "9822": {"gw1", "caller", "0.1000"}, "9833": {"gw1", "caller", "0.1000"}})
	if out, code := p.tollgate("check", "-c", p.config); code != 0 || !regexp.MustCompile(`ok +archive +postgres://.*, id [A-Z0-9]+`).MatchString(out) {
		t.Errorf("check: exit %d\n%s", code, out)
	}
	var changes struct{ Total int }
	p.other.call("GET", "/audit-log?q=extension", nil, &changes, 200)
	if changes.Total == 0 {
		t.Error("the other node lists no change of an extension")
	}
	p.anotherArchiveIsRefused()
}

// anotherArchiveIsRefused starts the second node with an archive of its own, which has a record.
func (p *pair) anotherArchiveIsRefused() {
	p.t.Helper()
	path := filepath.Join(p.t.TempDir(), archiveFile)
	lonely, err := archive.Open(p.t.Context(), archive.Options{DSN: path})
	if err != nil {
		p.t.Fatal(err)
	}
	err = (&archive.Drain{Outbox: oneRecord{}, Archive: lonely}).Flush(p.t.Context())
	if err = errors.Join(err, lonely.Close()); err != nil {
		p.t.Fatal(err)
	}
	text, err := os.ReadFile(p.other.config)
	if err != nil {
		p.t.Fatal(err)
	}
	wrong := regexp.MustCompile(`(?m)^archive: .*$`).ReplaceAllString(string(text), fmt.Sprintf("archive: { dsn: %q }", "sqlite:"+path))
	file := filepath.Join(p.t.TempDir(), "wrong.yaml")
	if err := os.WriteFile(file, []byte(wrong), 0o600); err != nil {
		p.t.Fatal(err)
	}
	p.other.stop()
	for _, command := range []string{"serve", "check", "audit"} {
		if out, code := p.tollgate(command, "-c", file); code == 0 || !strings.Contains(out, "store files into the archive") {
			p.t.Errorf("%s with another archive: exit %d\n%s", command, code, out)
		}
	}
}

// oneRecord is an outbox that holds one refused call.
type oneRecord struct{}

func (oneRecord) Shards() int { return 1 }

func (oneRecord) Read(_ context.Context, _ int, after string, _ int) ([]rating.Filed, error) {
	if after != "" {
		return nil, nil
	}
	return []rating.Filed{{Position: "1-0", CDR: &rating.CDR{ID: "c", Extension: "1", StartedAt: time.Now(), Disposition: rating.Rejected, Count: 1}}}, nil
}

func (oneRecord) Trim(context.Context, int, string) error { return nil }
