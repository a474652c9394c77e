package ui

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// inputs of the build, as scripts/stamp.mjs has them.
var inputs = []string{"index.html", "package-lock.json", "package.json", "public", "scripts", "src", "tsconfig.json", "vite.config.ts"}

func TestBuiltPagesAreCurrent(t *testing.T) {
	var names []string
	for _, input := range inputs {
		err := fs.WalkDir(os.DirFS("."), input, func(name string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() && !strings.HasSuffix(name, ".test.ts") {
				names = append(names, name)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(names)
	sum := sha256.New()
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		one := sha256.Sum256(content)
		fmt.Fprintf(sum, "%s  %s\n", hex.EncodeToString(one[:]), name)
	}
	stamped, err := os.ReadFile("dist.sum")
	if err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != strings.TrimSpace(string(stamped)) {
		t.Error("the built interface is older than its sources: run make ui, and commit admin/ui/dist and dist.sum")
	}
}

func get(t *testing.T, h http.Handler, target string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, target, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestPages(t *testing.T) {
	if !Built {
		t.Skip("built without pages")
	}
	h := Handler()
	home := get(t, h, "/")
	if home.Code != http.StatusOK || !strings.Contains(home.Body.String(), `<div id="app">`) || home.Header().Get("Cache-Control") != "no-cache" {
		t.Fatalf("/: %d %v\n%s", home.Code, home.Header(), home.Body)
	}
	if deep := get(t, h, "/extensions/101?x=1"); deep.Code != http.StatusOK || deep.Body.String() != home.Body.String() {
		t.Errorf("a page's own address: %d", deep.Code)
	}
	if again := get(t, h, "/", "If-None-Match", home.Header().Get("ETag")); again.Code != http.StatusNotModified || again.Body.Len() != 0 {
		t.Errorf("index.html that the browser has: %d", again.Code)
	}
	if inline := regexp.MustCompile(`<script(>|[^>]*[^/]>[^<])|<style| style=| on\w+=`).FindString(home.Body.String()); inline != "" {
		t.Errorf("index.html has inline code, which the Content-Security-Policy forbids: %s", inline)
	}
	if elsewhere := regexp.MustCompile(`(src|href)="(https?:)?//`).FindString(home.Body.String()); elsewhere != "" {
		t.Errorf("index.html loads from elsewhere: %s", elsewhere)
	}
	script := regexp.MustCompile(`src="(/assets/[^"]+\.js)"`).FindStringSubmatch(home.Body.String())
	if script == nil {
		t.Fatalf("index.html names no script:\n%s", home.Body)
	}
	plain, small := get(t, h, script[1]), get(t, h, script[1], "Accept-Encoding", "gzip, br")
	if got := plain.Header().Get("Cache-Control"); !strings.Contains(got, "immutable") || !strings.HasPrefix(plain.Header().Get("Content-Type"), "text/javascript") {
		t.Errorf("%s: %v", script[1], plain.Header())
	}
	unpacked, err := gzip.NewReader(small.Body)
	if err != nil || small.Header().Get("Content-Encoding") != "gzip" {
		t.Fatalf("%s: not gzipped: %v", script[1], err)
	}
	if content, err := io.ReadAll(unpacked); err != nil || !bytes.Equal(content, plain.Body.Bytes()) {
		t.Errorf("%s: the gzipped content is another: %v", script[1], err)
	}
	if gone := get(t, h, "/assets/of-an-older-version.js"); gone.Code != http.StatusNotFound {
		t.Errorf("an asset that is not there: %d, want 404 and never a page", gone.Code)
	}
}

func TestNamesStayInside(t *testing.T) {
	h := handlerOf(load(fstest.MapFS{"index.html": {Data: []byte("page")}, "assets/a.js": {Data: []byte("code")}}))
	for _, target := range []string{"/../../etc/passwd", "/assets/../../handler.go", "/%2e%2e/handler.go", "//assets/a.js/.."} {
		if w := get(t, h, target); w.Code == http.StatusOK && w.Body.String() != "page" {
			t.Errorf("%s: %s", target, w.Body)
		}
	}
	if w := get(t, h, "/assets/./a.js"); w.Body.String() != "code" {
		t.Errorf("/assets/./a.js: %d %s", w.Code, w.Body)
	}
}

func TestNothingIsInlinedInTheBuild(t *testing.T) {
	for name, f := range built() {
		if path.Ext(name) == ".css" && bytes.Contains(f.plain, []byte("@import url(http")) {
			t.Errorf("%s imports from elsewhere", name)
		}
		if path.Ext(name) == ".map" {
			t.Errorf("%s: no source maps in the binary", name)
		}
	}
}
