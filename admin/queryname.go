package admin

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// checkQuery is a validation problem for parameters of the query that an operation does not know, or that stand there twice: one
// that is spelled wrong would be passed over, and a filter that does not filter shows everything.
func checkQuery(op *huma.Operation, query url.Values) error {
	var known []string
	for _, p := range op.Parameters {
		if p.In == "query" {
			known = append(known, p.Name)
		}
	}
	message := "is not known here; this address takes no parameters"
	if len(known) > 0 {
		slices.Sort(known)
		message = "is not known here; known are " + strings.Join(known, ", ")
	}
	var faults []fault
	for _, name := range slices.Sorted(maps.Keys(query)) {
		switch {
		case !slices.Contains(known, name):
			faults = append(faults, fault{Location: "query." + name, Message: message})
		case len(query[name]) > 1:
			faults = append(faults, fault{Location: "query." + name, Message: "stands here twice; send it once"})
		}
	}
	if len(faults) == 0 {
		return nil
	}
	return invalid.with(faults...)
}
