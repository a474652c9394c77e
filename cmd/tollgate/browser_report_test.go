package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// browserReport is what Playwright's json reporter writes, as far as it is read here.
type browserReport struct {
	Suites []browserSuite `json:"suites"`
	Errors []browserError `json:"errors"`
}

type browserSuite struct {
	Suites []browserSuite `json:"suites"`
	Specs  []struct {
		Title string `json:"title"`
		File  string `json:"file"`
		Line  int    `json:"line"`
		Tests []struct {
			Results []struct {
				Duration int            `json:"duration"` // ms
				Errors   []browserError `json:"errors"`
			} `json:"results"`
		} `json:"tests"`
	} `json:"specs"`
}

type browserError struct {
	Message string `json:"message"`
}

// failures are the failed browser tests with what each of them says, cut to a few lines.
func (r browserReport) failures() []string {
	var found []string
	for _, e := range r.Errors {
		found = append(found, e.short())
	}
	for _, s := range r.Suites {
		found = append(found, s.failures()...)
	}
	return found
}

func (s browserSuite) failures() []string {
	found := browserReport{Suites: s.Suites}.failures()
	for _, spec := range s.Specs {
		for _, test := range spec.Tests {
			for _, result := range test.Results {
				for _, e := range result.Errors {
					found = append(found, fmt.Sprintf("%s:%d %q after %d ms: %s", spec.File, spec.Line, spec.Title, result.Duration, e.short()))
				}
			}
		}
	}
	return found
}

func (e browserError) short() string {
	const most = 14
	colour := regexp.MustCompile("\x1b\\[[0-9;]*m")
	lines := strings.Split(colour.ReplaceAllString(e.Message, ""), "\n")
	return strings.Join(lines[:min(len(lines), most)], "\n")
}

// sayBrowserFailures repeats at the very end what failed: the list reporter's own words lie far above, before the logs.
func sayBrowserFailures(t *testing.T, ui string) {
	if !t.Failed() {
		return
	}
	text, err := os.ReadFile(filepath.Join(ui, "test-results", "report.json"))
	if err != nil {
		t.Logf("no report of the browser tests: %v", err)
		return
	}
	var report browserReport
	if err := json.Unmarshal(text, &report); err != nil {
		t.Logf("the report of the browser tests: %v", err)
		return
	}
	for _, failure := range report.failures() {
		t.Log(failure)
	}
}
