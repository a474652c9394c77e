package admin

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"
)

const apiDescription = "Operate Tollgate: extensions and their money, rates, calls, trunks, dial rules, settings. " +
	"Money is a string such as \"12.3400\", never a JSON number. Times are RFC 3339 in UTC. Lists are paged. " +
	"Errors are problems as of RFC 9457 whose type says what went wrong. " +
	"An edit may send the version that it was made on as If-Match."

var (
	//go:embed docs.html
	docsHTML string
	//go:embed docs.css
	docsCSS []byte
)

// plainRoutes are those outside of the API.
func (s *Server) plainRoutes(engine *gin.Engine) {
	engine.GET("/healthz", serveHealth)
	engine.GET("/readyz", s.serveReady)
	if s.config.MetricsListen == "" {
		engine.GET("/metrics", s.serveMetrics)
	}
	document := s.document()
	engine.GET(apiBase+"/openapi.json", func(c *gin.Context) { c.Data(http.StatusOK, "application/json", document) })
	page := s.docsPage()
	engine.GET("/docs", func(c *gin.Context) { c.Data(http.StatusOK, "text/html; charset=utf-8", page) })
	engine.GET("/docs.css", func(c *gin.Context) { c.Data(http.StatusOK, "text/css; charset=utf-8", docsCSS) })
}

// document is the description of the API.
func (s *Server) document() []byte {
	document, err := json.MarshalIndent(s.api.OpenAPI(), "", " ")
	if err != nil { // made of our own types; a test prints it
		panic(err)
	}
	return append(document, '\n')
}

// OpenAPI returns the description of the API (OpenAPI 3.1), for a program of that version.
func OpenAPI(version string) []byte {
	s := newServer(Config{Version: version}, Deps{})
	s.engine()
	return s.document()
}

// docsPage renders the same description for people, without a script and without anything from elsewhere.
func (s *Server) docsPage() []byte {
	page := template.Must(template.New("docs").Parse(docsHTML))
	var out strings.Builder
	if err := page.Execute(&out, s.docs()); err != nil { // made of our own types; a test renders it
		panic(err)
	}
	return []byte(out.String())
}

// docs is what the page shows.
type docs struct {
	Title, Version, Description string
	Groups                      []docsGroup
	Schemas                     []docsSchema
	Problems                    []*problem
}

type docsGroup struct {
	Name       string
	Operations []docsOperation
}

type docsOperation struct {
	ID, Method, Path, Summary, Description, Access string
	Parameters                                     []docsField
	Body, Answer                                   string // names of schemas
	Status                                         string
}

type docsSchema struct {
	Name   string
	Fields []docsField
}

type docsField struct {
	Name, Where, Type, Link, Doc string
	Required                     bool
}

func (s *Server) docs() docs {
	document := s.api.OpenAPI()
	d := docs{Title: document.Info.Title, Version: document.Info.Version, Description: document.Info.Description, Problems: allProblems()}
	groups := map[string]int{}
	for _, path := range slices.Sorted(maps.Keys(document.Paths)) {
		for _, op := range operationsOf(document.Paths[path]) {
			tag := op.Tags[0]
			at, ok := groups[tag]
			if !ok {
				at = len(d.Groups)
				groups[tag] = at
				d.Groups = append(d.Groups, docsGroup{Name: tag})
			}
			d.Groups[at].Operations = append(d.Groups[at].Operations, describeOperation(op))
		}
	}
	schemas := document.Components.Schemas.Map()
	for _, name := range slices.Sorted(maps.Keys(schemas)) {
		d.Schemas = append(d.Schemas, describeSchema(name, schemas[name]))
	}
	return d
}

func operationsOf(item *huma.PathItem) []*huma.Operation {
	all := []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete}
	return slices.DeleteFunc(all, func(op *huma.Operation) bool { return op == nil })
}

func describeOperation(op *huma.Operation) docsOperation {
	o := docsOperation{ID: op.OperationID, Method: op.Method, Path: op.Path, Summary: op.Summary, Description: op.Description, Access: "without log-in"}
	if who, ok := op.Metadata[accessKey].(access); ok && !slices.Equal(who, anyone) {
		names := make([]string, len(who))
		for i, role := range who {
			names[i] = string(role)
		}
		o.Access = strings.Join(names, ", ")
	}
	for _, p := range op.Parameters {
		f := describeField(p.Name, p.Schema, p.Required)
		f.Where, f.Doc = p.In, cmp.Or(p.Description, f.Doc)
		o.Parameters = append(o.Parameters, f)
	}
	if op.RequestBody != nil {
		o.Body = refOf(op.RequestBody.Content)
	}
	for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
		if strings.HasPrefix(status, "2") {
			o.Status, o.Answer = status, refOf(op.Responses[status].Content)
		}
	}
	return o
}

// refOf names the schema of a JSON body.
func refOf(content map[string]*huma.MediaType) string {
	media := content["application/json"]
	if media == nil || media.Schema == nil {
		return ""
	}
	return strings.TrimPrefix(media.Schema.Ref, schemaPrefix)
}

func describeSchema(name string, schema *huma.Schema) docsSchema {
	d := docsSchema{Name: name}
	for _, field := range slices.Sorted(maps.Keys(schema.Properties)) {
		f := describeField(field, schema.Properties[field], slices.Contains(schema.Required, field))
		d.Fields = append(d.Fields, f)
	}
	return d
}

func describeField(name string, schema *huma.Schema, required bool) docsField {
	f := docsField{Name: name, Required: required, Doc: schema.Description, Type: schema.Type}
	target := schema
	if schema.Type == huma.TypeArray && schema.Items != nil {
		target = schema.Items
		f.Type = "list of " + target.Type
	}
	if len(schema.AnyOf) > 0 { // an object, or null
		target = schema.AnyOf[0]
		f.Type = "or null:"
	}
	if target.Ref != "" {
		f.Link = strings.TrimPrefix(target.Ref, schemaPrefix)
		f.Type = strings.TrimSuffix(strings.TrimPrefix(f.Type, "object"), target.Type)
	}
	if target.PatternDescription != "" {
		f.Type += ": " + target.PatternDescription
	}
	if len(target.Enum) > 0 {
		words, _ := json.Marshal(target.Enum) // strings and numbers
		f.Type += " of " + string(words)
	}
	if schema.Nullable {
		f.Type += " or null"
	}
	return f
}
