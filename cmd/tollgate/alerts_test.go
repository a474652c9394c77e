package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// The rules as Prometheus reads them.

type rule struct {
	Record, Alert, Expr string
	For                 string
	Labels, Annotations map[string]string
}

func readRules(t *testing.T) (all []rule) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(deployFolder, "prometheus", "rules", "*.yml"))
	if err != nil || len(files) == 0 {
		t.Fatal("no rules", err)
	}
	for _, path := range files {
		var file struct {
			Groups []struct{ Rules []rule }
		}
		readYAML(t, path, &file)
		for _, g := range file.Groups {
			all = append(all, g.Rules...)
		}
	}
	return all
}

func readYAML(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = yaml.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// promtool runs Prometheus' own checks in deploy/prometheus.
func promtool(t *testing.T, args ...string) {
	t.Helper()
	program, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed: .ci/setup installs it (Debian package prometheus)")
	}
	command := exec.Command(program, args...)
	command.Dir = filepath.Join(deployFolder, "prometheus")
	if out, err := command.CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func TestPromtoolAcceptsConfigurationAndRules(t *testing.T) {
	promtool(t, "check", "config", "prometheus.yml")
	promtool(t, "check", "rules", "rules/recording.yml", "rules/alerts.yml")
}

func TestAlertsFireAndDoNotFire(t *testing.T) {
	if testing.Short() {
		t.Skip("twenty seconds of processor")
	}
	t.Parallel()
	promtool(t, "test", "rules", "tests/recording.yml", "tests/alerts.yml")
}

func TestEveryAlertIsTestedAndSaysWhatToDo(t *testing.T) {
	var tests struct{ Tests []struct{ Name string } }
	readYAML(t, filepath.Join(deployFolder, "prometheus", "tests", "alerts.yml"), &tests)
	tested := func(name string) bool {
		return slices.ContainsFunc(tests.Tests, func(c struct{ Name string }) bool { return strings.HasPrefix(c.Name, name) })
	}
	readme, err := os.ReadFile(filepath.Join(deployFolder, "prometheus", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	alerts := 0
	for _, r := range readRules(t) {
		if r.Alert == "" {
			continue
		}
		alerts++
		if !tested(r.Alert+" fires") || !tested(r.Alert+" does not fire: ") {
			t.Errorf("%s: tests/alerts.yml does not show it fire and not fire", r.Alert)
		}
		for _, key := range []string{"summary", "description", "runbook"} {
			if len(r.Annotations[key]) < 10 {
				t.Errorf("%s has no %s", r.Alert, key)
			}
		}
		if s := r.Labels["severity"]; s != "critical" && s != "warning" {
			t.Errorf("%s has the severity %q", r.Alert, s)
		}
		if !strings.Contains(string(readme), "`"+r.Alert+"`") {
			t.Errorf("%s is not in deploy/prometheus/README.md", r.Alert)
		}
	}
	if alerts < 20 {
		t.Errorf("only %d alerts were read", alerts)
	}
}
