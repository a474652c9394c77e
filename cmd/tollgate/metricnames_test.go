package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tollgate/sipctl/siptest"
)

// Names of metrics: what the program registers, what is documented, what dashboards and rules use.

// newTestApp is the program in this process, on a store in memory, with TLS, so that it has every metric.
func newTestApp(t *testing.T) *app {
	t.Helper()
	dir := t.TempDir()
	ca, err := siptest.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	certificate, key, err := ca.Issue(time.Now().Add(48*time.Hour), "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	files := TLSFiles{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
	for path, text := range map[string][]byte{files.Cert: certificate, files.Key: key} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := demoConfig(dir, freeAddress(), "127.0.0.1:0")
	c.Store.Ephemeral, c.SIP.TLS.Cert, c.SIP.TLS.Key, c.Admin.TLS = true, files.Cert, files.Key, files
	a, err := newApp(t.Context(), c, adminPassword, func(string) {}, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	a.registry.MustRegister(newLogWriter(io.Discard).collector()) // as serve does
	return a
}

// runTestApp runs it until the test ends.
func runTestApp(t *testing.T, a *app) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
}

var description = regexp.MustCompile(`^Desc\{fqName: "([^"]+)", help: "(.*?)"(?:, unit: "[^"]*")?, constLabels: \{([^}]*)\}, variableLabels: [{\[](.*)[}\]]\}$`)

// described are the labels of every metric that the program has registered, also of those that nothing has counted yet.
func described(t *testing.T, registry *prometheus.Registry) map[string][]string {
	t.Helper()
	descriptions := make(chan *prometheus.Desc)
	go func() { registry.Describe(descriptions); close(descriptions) }()
	all := map[string][]string{}
	for d := range descriptions {
		m := description.FindStringSubmatch(d.String())
		if m == nil {
			t.Fatalf("not understood: %s", d)
		}
		if m[2] == "" {
			t.Errorf("%s has no help", m[1])
		}
		labels := strings.FieldsFunc(m[4], func(r rune) bool { return strings.ContainsRune(", ", r) })
		for pair := range strings.SplitSeq(m[3], ",") {
			if name, _, constant := strings.Cut(pair, "="); constant {
				labels = append(labels, name)
			}
		}
		slices.Sort(labels)
		all[m[1]] = labels
	}
	return all
}

var documentedRow = regexp.MustCompile("(?m)^\\| `(tollgate_\\w+)` \\| (\\w+) \\| ([^|]*) \\|")

func TestEveryMetricIsDocumentedWithItsLabels(t *testing.T) {
	a := newTestApp(t)
	runTestApp(t, a)
	text, err := os.ReadFile(filepath.Join(deployFolder, "prometheus", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string][]string{}
	for _, m := range documentedRow.FindAllStringSubmatch(string(text), -1) {
		labels := strings.FieldsFunc(m[3], func(r rune) bool { return strings.ContainsRune("`, ", r) })
		slices.Sort(labels)
		documented[m[1]] = labels
	}
	have := described(t, a.registry)
	maps.DeleteFunc(have, func(name string, _ []string) bool { return !strings.HasPrefix(name, "tollgate_") })
	for name, labels := range have {
		if d, there := documented[name]; !there || !slices.Equal(d, labels) {
			t.Errorf("%s has the labels %v; deploy/prometheus/README.md says (%v) %v", name, labels, there, d)
		}
		for _, forbidden := range []string{"extension", "account", "number", "call", "call_id", "username", "address"} {
			if slices.Contains(labels, forbidden) {
				t.Errorf("%s has the unbounded label %s", name, forbidden)
			}
		}
	}
	for name := range documented {
		if _, there := have[name]; !there {
			t.Errorf("deploy/prometheus/README.md documents %s, which is not there", name)
		}
	}
	for _, name := range specified {
		if _, there := have[name]; !there {
			t.Errorf("%s is promised and not there", name)
		}
	}
}

// specified are the names that operators may rely on.
var specified = strings.Fields(`tollgate_calls_active tollgate_invites_total tollgate_calls_total tollgate_call_duration_seconds tollgate_post_dial_delay_seconds
	tollgate_cutoffs_total tollgate_cutoff_lateness_seconds tollgate_authorize_seconds tollgate_store_operation_seconds tollgate_store_up tollgate_store_ephemeral
	tollgate_outbox_lag tollgate_spool_entries tollgate_audit_drift tollgate_charged_total tollgate_recharged_total tollgate_trunk_up tollgate_trunk_calls_active
	tollgate_sip_requests_total tollgate_sip_responses_total tollgate_sip_malformed_total tollgate_auth_failures_total
	tollgate_tls_certificate_expiry_timestamp_seconds tollgate_license_remaining_seconds`)

// expressions are those of all panels and rules, by where they are, with the variables of Grafana replaced.
func expressions(t *testing.T) map[string]string {
	t.Helper()
	variables := strings.NewReplacer("$instance", ".*", "$trunk", ".*", "$__rate_interval", "20s", "$window", "1m", "$__range", "1m")
	all := map[string]string{}
	for name, d := range readDashboards(t) {
		for _, p := range d.Panels {
			for _, target := range p.Targets {
				all[fmt.Sprintf("%s: panel %q %s", name, p.Title, target.RefID)] = variables.Replace(target.Expr)
			}
		}
	}
	for _, r := range readRules(t) {
		all["rule "+r.Record+r.Alert] = r.Expr
	}
	return all
}

var (
	metricInExpr = regexp.MustCompile(`\b((?:trunk|job|job_result|job_currency|job_op):[\w:]+|(?:tollgate|process|go)_\w+|up)(\{[^}]*\})?`)
	labelInExpr  = regexp.MustCompile(`(\w+)(?:=~|!~|!=|=)"`)
	groupInExpr  = regexp.MustCompile(`\b(?:by|on|without|group_left|ignoring) \(([^)]*)\)`)
)

func TestDashboardsAndRulesUseMetricsThatAreThere(t *testing.T) {
	a := newTestApp(t)
	runTestApp(t, a)
	have := described(t, a.registry)
	recorded := map[string]bool{"up": true}
	for _, r := range readRules(t) {
		recorded[r.Record] = true
	}
	for where, expr := range expressions(t) {
		labels := map[string]bool{"job": true, "instance": true, "le": true, "": true}
		found := metricInExpr.FindAllStringSubmatch(expr, -1)
		if len(found) == 0 {
			t.Errorf("%s uses no metric: %s", where, expr)
		}
		for _, m := range found {
			name := m[1]
			for _, suffix := range []string{"_bucket", "_sum", "_count"} {
				if base, cut := strings.CutSuffix(name, suffix); cut && have[base] != nil {
					name = base
				}
			}
			_, there := have[name]
			if !there && !recorded[name] {
				t.Errorf("%s uses %s, which is not there", where, m[1])
			}
			for _, l := range have[name] {
				labels[l] = true
			}
			if strings.Contains(name, ":") { // recorded: the labels are in its name and expression
				for _, l := range []string{"trunk", "result", "currency", "op"} {
					labels[l] = true
				}
			}
		}
		used := labelInExpr.FindAllStringSubmatch(expr, -1)
		for _, m := range groupInExpr.FindAllStringSubmatch(expr, -1) {
			for l := range strings.SplitSeq(m[1], ",") {
				used = append(used, []string{"", strings.TrimSpace(l)})
			}
		}
		for _, m := range used {
			if !labels[m[1]] {
				t.Errorf("%s uses the label %s, which none of its metrics has: %s", where, m[1], expr)
			}
		}
	}
}
