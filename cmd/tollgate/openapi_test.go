package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// operator knows nothing of the API but its description: it finds operations by their ids, and believes no answer that the
// description does not foresee.
type operator struct {
	t        *testing.T
	base     string
	token    string
	document struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			OperationID string
			RequestBody struct{ Content map[string]any }
			Responses   map[string]struct {
				Content map[string]struct{ Schema shape }
			}
		}
		Components struct{ Schemas map[string]shape }
	}
}

// shape is as much of a JSON schema as the description uses of it for answers.
type shape struct {
	Ref                  string `json:"$ref"`
	Type                 any    // a word, or several
	AnyOf                []shape
	Enum                 []any
	Pattern              string
	Format               string
	Required             []string
	Properties           map[string]shape
	AdditionalProperties any
	Items                *shape
}

// misfit says where a value is not as the description says; "" is fine.
func (o *operator) misfit(at string, value any, s shape) string {
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		s = o.document.Components.Schemas[name]
	}
	if len(s.AnyOf) > 0 {
		var why string
		for _, one := range s.AnyOf {
			if why = o.misfit(at, value, one); why == "" {
				return ""
			}
		}
		return why
	}
	kind := map[bool]string{true: "null"}[value == nil]
	switch v := value.(type) {
	case bool:
		kind = "boolean"
	case float64:
		kind = "number"
		if v == math.Trunc(v) && !strings.Contains(fmt.Sprint(s.Type), "number") {
			kind = "integer"
		}
	case string:
		kind = "string"
		if _, err := time.Parse(time.RFC3339, v); s.Format == "date-time" && err != nil || s.Pattern != "" && !regexp.MustCompile(s.Pattern).MatchString(v) {
			return fmt.Sprintf("%s is %q", at, v)
		}
	case []any:
		kind = "array"
		for i := range v {
			if s.Items == nil {
				break
			}
			if why := o.misfit(fmt.Sprintf("%s[%d]", at, i), v[i], *s.Items); why != "" {
				return why
			}
		}
	case map[string]any:
		kind = "object"
		for _, name := range s.Required {
			if _, ok := v[name]; !ok {
				return at + " lacks " + name
			}
		}
		for name, inner := range v {
			property, described := s.Properties[name]
			if !described && s.AdditionalProperties == false {
				return at + "." + name + " is not described"
			}
			if why := o.misfit(at+"."+name, inner, property); described && why != "" {
				return why
			}
		}
	}
	if s.Type != nil && !slices.Contains(strings.Fields(strings.Trim(fmt.Sprint(s.Type), "[]")), kind) {
		return fmt.Sprintf("%s is of type %s, not %v", at, kind, s.Type)
	}
	if len(s.Enum) > 0 && !slices.Contains(s.Enum, value) {
		return fmt.Sprintf("%s is %v, none of %v", at, value, s.Enum)
	}
	return ""
}

// newOperator reads the description of a running program.
func newOperator(t *testing.T, base string) *operator {
	t.Helper()
	o := &operator{t: t, base: base}
	response, err := http.Get(base + "/api/v1/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&o.document); err != nil || !strings.HasPrefix(o.document.OpenAPI, "3.1.") {
		t.Fatalf("the description is of version %q, %v", o.document.OpenAPI, err)
	}
	return o
}

// outcome is an answer.
type outcome struct {
	status int
	header http.Header
	text   []byte
}

// into decodes a JSON answer.
func (a outcome) into(t *testing.T, value any) outcome {
	t.Helper()
	if err := json.Unmarshal(a.text, value); err != nil {
		t.Fatalf("%d %s: %v", a.status, a.text, err)
	}
	return a
}

// do calls an operation, such as `get-extension 101` or `list-calls ?q=1`, and wants success.
func (o *operator) do(call string, body any, headers ...string) outcome {
	o.t.Helper()
	a, err := o.try(call, body, headers...)
	if err != nil || a.status > 299 {
		o.t.Fatalf("%s: %v, %d %s", call, err, a.status, a.text)
	}
	return a
}

// try calls an operation. Text is sent as a sheet, everything else as JSON.
func (o *operator) try(call string, body any, headers ...string) (outcome, error) {
	words := strings.Fields(call)
	for path, methods := range o.document.Paths {
		for method, op := range methods {
			if op.OperationID != words[0] {
				continue
			}
			query := ""
			for _, word := range words[1:] {
				if strings.HasPrefix(word, "?") {
					query = word
					continue
				}
				path = parameter.ReplaceAllString(path, word)
			}
			request, err := o.request(strings.ToUpper(method), path+query, body, op.RequestBody.Content)
			if err != nil {
				return outcome{}, err
			}
			for _, h := range headers {
				name, value, _ := strings.Cut(h, ": ")
				request.Header.Set(name, value)
			}
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				return outcome{}, err
			}
			defer response.Body.Close()
			text, err := io.ReadAll(io.LimitReader(response.Body, 16<<20))
			foreseen, ok := op.Responses[strconv.Itoa(response.StatusCode)]
			media, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
			if _, known := foreseen.Content[media]; !ok || len(text) > 0 && !known {
				return outcome{}, fmt.Errorf("%s answers %d %s, which its description does not foresee: %s", call, response.StatusCode, media, text)
			}
			var value any
			if strings.HasSuffix(media, "json") && json.Unmarshal(text, &value) == nil {
				if why := o.misfit("the answer", value, foreseen.Content[media].Schema); why != "" {
					return outcome{}, fmt.Errorf("%s answers what its description does not foresee: %s: %s", call, why, text)
				}
			}
			return outcome{response.StatusCode, response.Header, text}, err
		}
	}
	return outcome{}, fmt.Errorf("the description has no operation %s", words[0])
}

var parameter = regexp.MustCompile(`\{[a-z]+\}`)

func (o *operator) request(method, path string, body any, content map[string]any) (*http.Request, error) {
	kind, reader := "application/json", io.Reader(nil)
	switch b := body.(type) {
	case nil:
	case string:
		kind, reader = "text/csv", strings.NewReader(b)
	default:
		text, err := json.Marshal(b)
		if err != nil {
			return nil, err
		}
		reader = strings.NewReader(string(text))
	}
	if body != nil && content[kind] == nil {
		return nil, fmt.Errorf("%s %s takes no %s", method, path, kind)
	}
	request, err := http.NewRequest(method, o.base+path, reader)
	if err != nil {
		return nil, err
	}
	if body != nil {
		request.Header.Set("Content-Type", kind)
	}
	if o.token != "" {
		request.Header.Set("Authorization", "Bearer "+o.token)
	}
	return request, nil
}
