package admin

import (
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// admitNull lists null among the values of what may be null: a list of values is the whole of what JSON Schema lets pass.
func admitNull(schemas map[string]*huma.Schema) {
	for _, schema := range schemas {
		for _, property := range schema.Properties {
			if property.Nullable && len(property.Enum) > 0 && !slices.Contains(property.Enum, any(nil)) {
				property.Enum = append(slices.Clone(property.Enum), nil)
			}
		}
	}
}

// describeProblems says of every answer that is no success which problems it may be, and which headers come with it.
func describeProblems(api *huma.OpenAPI) {
	types := map[string][]string{} // by status
	headers := map[string]map[string]*huma.Param{}
	for _, p := range allProblems() {
		status := strconv.Itoa(p.Status)
		types[status] = append(types[status], p.Type)
	}
	text := func(description string) *huma.Param {
		return &huma.Param{Description: description, Schema: &huma.Schema{Type: huma.TypeString}}
	}
	headers["401"] = map[string]*huma.Param{"WWW-Authenticate": text("Bearer: send a token.")}
	for _, status := range []string{"429", "503"} {
		headers[status] = map[string]*huma.Param{"Retry-After": text("Seconds to wait before the request is worth repeating.")}
	}
	for _, item := range api.Paths {
		for _, op := range operationsOf(item) {
			for status, response := range op.Responses {
				if types[status] == nil {
					continue
				}
				response.Description = strings.Join(slices.DeleteFunc(slices.Clone(types[status]), func(kind string) bool { return !ofOperation(kind, op) }), ", ")
				response.Headers = headers[status]
			}
		}
	}
}

// ofOperation reports whether a problem that shares its status with others can be one of an operation.
func ofOperation(kind string, op *huma.Operation) bool {
	switch kind {
	case keyReused.Type:
		return op.OperationID == "recharge"
	case insufficientFunds.Type:
		return op.OperationID == "recharge" || op.OperationID == "preview-recharge"
	}
	return true
}
