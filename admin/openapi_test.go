package admin

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
)

var update = flag.Bool("update", false, "write openapi.json anew")

const documentFile = "openapi.json"

func TestTheCommittedDescriptionIsThatOfTheCode(t *testing.T) {
	now := OpenAPI("1")
	if *update {
		if err := os.WriteFile(documentFile, now, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	committed, err := os.ReadFile(documentFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(committed, now) {
		t.Errorf("%s is older than the code: run go test ./admin -run Description -update", documentFile)
	}
}

// described returns the operations of the API as registered.
func described(t *testing.T) (*Server, []*huma.Operation) {
	t.Helper()
	s := newServer(Config{}, Deps{})
	s.engine()
	var all []*huma.Operation
	for _, item := range s.api.OpenAPI().Paths {
		all = append(all, operationsOf(item)...)
	}
	slices.SortFunc(all, func(a, b *huma.Operation) int { return strings.Compare(a.Path+a.Method, b.Path+b.Method) })
	return s, all
}

func TestEveryOperationSaysWhatItNeeds(t *testing.T) {
	_, all := described(t)
	seen := map[string]bool{}
	for _, op := range all {
		who, _ := op.Metadata[accessKey].(access)
		if op.OperationID == "" || seen[op.OperationID] || op.Summary == "" || len(op.Tags) == 0 || len(who) == 0 {
			t.Errorf("%s %s: id %q (once only), summary %q, tags %q, access %q: none may be empty", op.Method, op.Path, op.OperationID, op.Summary, op.Tags, who)
		}
		seen[op.OperationID] = true
		if (len(op.Security) == 0) != slices.Equal(who, anyone) {
			t.Errorf("%s: security %v and access %v disagree", op.OperationID, op.Security, who)
		}
		for _, p := range op.Parameters {
			if p.Description == "" {
				t.Errorf("%s: parameter %s has no description", op.OperationID, p.Name)
			}
		}
	}
}

func TestEveryFieldIsDescribed(t *testing.T) {
	s, _ := described(t)
	for name, schema := range s.api.OpenAPI().Components.Schemas.Map() {
		for field, property := range schema.Properties {
			if property.Description == "" {
				t.Errorf("%s.%s has no description", name, field)
			}
		}
	}
}

func TestMoneyIsDescribedAsText(t *testing.T) {
	var document map[string]any
	if err := json.Unmarshal(OpenAPI("1"), &document); err != nil {
		t.Fatal(err)
	}
	schemas := document["components"].(map[string]any)["schemas"].(map[string]any)
	for _, at := range [][2]string{{"Extension", "balance"}, {"ExtensionEdit", "credit"}, {"RateNew", "initial_cost"}, {"RechargeBody", "amount"}, {"Quotation", "cost"}, {"Limits", "daily_spend"}} {
		property := schemas[at[0]].(map[string]any)["properties"].(map[string]any)[at[1]].(map[string]any)
		kind, _ := json.Marshal(property["type"])
		if !strings.Contains(string(kind), "string") || !strings.HasPrefix(property["pattern"].(string), "^-?[0-9]") {
			t.Errorf("%s.%s is described as %v", at[0], at[1], property)
		}
	}
}

func TestTheDocumentationPageShowsEverythingWithoutHelpFromElsewhere(t *testing.T) {
	s, all := described(t)
	page := string(s.docsPage())
	for _, op := range all {
		if !strings.Contains(page, `<article id="`+op.OperationID+`">`) {
			t.Errorf("%s is missing", op.OperationID)
		}
	}
	for _, p := range allProblems() {
		if !strings.Contains(page, "<code>"+p.Type+"</code>") {
			t.Errorf("problem %s is missing", p.Type)
		}
	}
	for _, foreign := range []string{"<script", "http://", "https://", "style="} {
		if strings.Contains(page, foreign) {
			t.Errorf("the page contains %s", foreign)
		}
	}
}

// What generated clients stumble over: types that are none, and null that a list of values forgets.
func TestSchemasMeanWhatTheySay(t *testing.T) {
	var document any
	if err := json.Unmarshal(OpenAPI("1"), &document); err != nil {
		t.Fatal(err)
	}
	known := []any{"string", "number", "integer", "boolean", "array", "object", "null"}
	var look func(at string, value any)
	look = func(at string, value any) {
		switch v := value.(type) {
		case []any:
			for _, inner := range v {
				look(at, inner)
			}
		case map[string]any:
			types, _ := v["type"].([]any)
			for _, kind := range types {
				if !slices.Contains(known, kind) {
					t.Errorf("%s: %q is no type", at, kind)
				}
			}
			if enum, ok := v["enum"].([]any); ok && slices.Contains(types, any("null")) && !slices.Contains(enum, nil) {
				t.Errorf("%s may be null, which is none of %v", at, enum)
			}
			for name, inner := range v {
				look(at+"."+name, inner)
			}
		}
	}
	look("", document)
}
