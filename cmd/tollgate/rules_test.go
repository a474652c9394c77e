package main

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The house rules, as tests: a rule that nobody checks is a wish.

const repository = "../.."

type goPackage struct {
	ImportPath, Name, Doc, Dir     string
	Imports, GoFiles, XTestImports []string
}

func packages(t *testing.T) []goPackage {
	t.Helper()
	command := exec.Command("go", "list", "-json=ImportPath,Name,Doc,Dir,Imports,GoFiles", "./...")
	command.Dir = repository
	out, err := command.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var list []goPackage
	decoder := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

// Siblings meet in cmd/tollgate only; what they share is in rating.
func TestWhoMayImportWhom(t *testing.T) {
	allowed := map[string][]string{ // of our own packages; longest prefix of the importer decides
		"tollgate/rating": {}, "tollgate/license": {},
		"tollgate/rating/ledger": {"tollgate/rating"}, "tollgate/rating/ledger/ledgertest": {"tollgate/rating", "tollgate/rating/ledger", "tollgate/rating/embedded/redistest"},
		"tollgate/rating/catalog": {"tollgate/rating"}, "tollgate/rating/hooks": {"tollgate/rating"}, "tollgate/rating/auditlog": {"tollgate/rating"}, "tollgate/rating/archive": {"tollgate/rating"}, "tollgate/rating/backup": {}, "tollgate/rating/embedded": {"tollgate/rating/embedded"},
		"tollgate/sipctl": {"tollgate/rating", "tollgate/sipctl"}, "tollgate/sipctl/siptest": {"tollgate/sipctl/digest"}, "tollgate/sipctl/guard": {}, "tollgate/sipctl/digest": {},
		"tollgate/admin": {"tollgate/rating", "tollgate/license", "tollgate/admin"}, "tollgate/cmd/tollgate": {"tollgate"},
	}
	for _, p := range packages(t) {
		rule := ""
		for prefix := range allowed {
			if (p.ImportPath == prefix || strings.HasPrefix(p.ImportPath, prefix+"/")) && len(prefix) > len(rule) {
				rule = prefix
			}
		}
		if rule == "" {
			t.Errorf("%s: no rule says what it may import", p.ImportPath)
			continue
		}
		for _, imported := range p.Imports {
			if !strings.HasPrefix(imported, "tollgate/") || imported == p.ImportPath {
				continue
			}
			fine := slices.ContainsFunc(allowed[rule], func(a string) bool {
				inner := a != "tollgate/rating" && strings.HasPrefix(imported, a+"/") // the domain's children are siblings of each other
				return imported == a || inner
			})
			if !fine {
				t.Errorf("%s imports %s", p.ImportPath, imported)
			}
		}
		if rule == "tollgate/rating" || rule == "tollgate/license" {
			for _, imported := range p.Imports {
				if strings.Contains(strings.Split(imported, "/")[0], ".") {
					t.Errorf("%s is for the standard library only, and imports %s", p.ImportPath, imported)
				}
			}
		}
	}
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	for _, p := range packages(t) {
		if p.Doc == "" {
			t.Errorf("%s has no package comment", p.ImportPath)
		}
		if banned := []string{"utils", "util", "common", "types", "models", "helpers", "internal", "pkg"}; slices.Contains(banned, filepath.Base(p.ImportPath)) {
			t.Errorf("%s: name a package after what a reader looks for", p.ImportPath)
		}
	}
}

// sourceFiles calls f with every Go file of ours, tests included.
func sourceFiles(t *testing.T, f func(path string, file *ast.File, set *token.FileSet)) {
	t.Helper()
	err := filepath.WalkDir(repository, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".go" {
			if entry != nil && entry.IsDir() && (entry.Name() == "node_modules" || strings.HasPrefix(entry.Name(), ".") && len(entry.Name()) > 2) {
				return fs.SkipDir
			}
			return err
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		f(path, file, set)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestFilesAndFunctionsStaySmall(t *testing.T) {
	const mostLines, mostFunction = 500, 70
	sourceFiles(t, func(path string, file *ast.File, set *token.FileSet) {
		test := strings.HasSuffix(path, "_test.go")
		if lines := set.Position(file.End()).Line; lines > mostLines && !test {
			t.Errorf("%s has %d lines: what is its second reason?", path, lines)
		}
		for _, d := range file.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && !test {
				if lines := set.Position(fn.End()).Line - set.Position(fn.Pos()).Line + 1; lines > mostFunction {
					t.Errorf("%s: %s has %d lines", path, fn.Name.Name, lines)
				}
			}
		}
	})
}

func TestMetricsAreRegisteredWhereTheyAreHandedIn(t *testing.T) {
	sourceFiles(t, func(path string, file *ast.File, _ *token.FileSet) {
		for _, spec := range file.Imports {
			if strings.HasSuffix(strings.Trim(spec.Path.Value, `"`), "prometheus/promauto") {
				t.Errorf("%s: promauto registers on a global registry", path)
			}
		}
	})
}
