package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The dashboards as Grafana reads them.

type dashboard struct {
	UID, Title    string
	SchemaVersion int
	ID            *int
	Inputs        []any `json:"__inputs"`
	Templating    struct {
		List []struct {
			Name, Type string
			Query      any
		}
	}
	Panels []panel
}

type panel struct {
	ID                       int
	Type, Title, Description string
	Datasource               datasource
	GridPos                  struct{ X, Y, W, H int }
	Targets                  []struct {
		RefID, Expr string
		Datasource  datasource
	}
	FieldConfig struct {
		Defaults struct {
			Unit       string
			Thresholds struct {
				Steps []struct {
					Color string
					Value *float64
				}
			}
		}
	}
}

type datasource struct{ Type, UID string }

const deployFolder = repository + "/deploy"

func readDashboards(t *testing.T) map[string]dashboard {
	t.Helper()
	all := map[string]dashboard{}
	for _, name := range []string{"operations", "business"} {
		text, err := os.ReadFile(filepath.Join(deployFolder, "grafana", name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		var d dashboard
		if err := json.Unmarshal(text, &d); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all[name] = d
	}
	return all
}

func TestDashboardsAreWhatGrafanaImports(t *testing.T) {
	uids := map[string]bool{}
	for name, d := range readDashboards(t) {
		if d.Title == "" || d.UID == "" || uids[d.UID] || d.SchemaVersion < 36 || d.ID != nil || d.Inputs != nil {
			t.Errorf("%s: uid %q, title %q, schema %d, id %v, inputs %v: a dashboard that is imported without a question has none of these wrong", name, d.UID, d.Title, d.SchemaVersion, d.ID, d.Inputs)
		}
		uids[d.UID] = true
		variables := map[string]string{}
		for _, v := range d.Templating.List {
			variables[v.Name] = v.Type
		}
		if variables["datasource"] != "datasource" || variables["instance"] != "query" || variables["trunk"] != "query" {
			t.Errorf("%s: variables %v: datasource, instance (node) and trunk are wanted", name, variables)
		}
		variables["__rate_interval"], variables["__range"] = "built in", "built in"
		ids := map[int]string{}
		for i, p := range d.Panels {
			if other, taken := ids[p.ID]; taken || p.ID == 0 {
				t.Errorf("%s: panel %q has the id %d of %q", name, p.Title, p.ID, other)
			}
			ids[p.ID] = p.Title
			for _, other := range d.Panels[:i] {
				if a, b := p.GridPos, other.GridPos; a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H {
					t.Errorf("%s: panels %q and %q lie on each other", name, p.Title, other.Title)
				}
			}
			if p.GridPos.X < 0 || p.GridPos.W < 1 || p.GridPos.H < 1 || p.GridPos.X+p.GridPos.W > 24 {
				t.Errorf("%s: panel %q does not fit: %+v", name, p.Title, p.GridPos)
			}
			if p.Type != "row" {
				checkPanel(t, name, p, variables)
			}
		}
	}
}

var variableName = regexp.MustCompile(`\$\{?(\w+)\}?`)

func checkPanel(t *testing.T, name string, p panel, variables map[string]string) {
	t.Helper()
	if p.Title == "" || p.Description == "" || p.FieldConfig.Defaults.Unit == "" || len(p.Targets) == 0 || p.Datasource.UID != "${datasource}" {
		t.Errorf("%s: panel %q lacks a title, a description, a unit, a target or the chosen data source", name, p.Title)
	}
	steps := p.FieldConfig.Defaults.Thresholds.Steps
	if len(steps) == 0 || steps[0].Value != nil {
		t.Errorf("%s: panel %q: the first threshold must have no value", name, p.Title)
	}
	for i := 2; i < len(steps); i++ {
		if *steps[i].Value <= *steps[i-1].Value {
			t.Errorf("%s: panel %q: thresholds must rise", name, p.Title)
		}
	}
	refs := map[string]bool{}
	for _, target := range p.Targets {
		if target.RefID == "" || refs[target.RefID] || target.Datasource.UID != "${datasource}" {
			t.Errorf("%s: panel %q: target %q: refId must be unique, the data source the chosen one", name, p.Title, target.RefID)
		}
		refs[target.RefID] = true
		for _, m := range variableName.FindAllStringSubmatch(target.Expr, -1) {
			if variables[m[1]] == "" {
				t.Errorf("%s: panel %q uses the variable %s, which is not there", name, p.Title, m[1])
			}
		}
		if !strings.Contains(target.Expr, "$instance") {
			t.Errorf("%s: panel %q does not obey the variable for the node: %s", name, p.Title, target.Expr)
		}
	}
}
