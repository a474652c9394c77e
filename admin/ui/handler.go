package ui

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
)

// file is one built file, ready to be sent.
type file struct {
	plain, gzipped []byte // gzipped is nil where it would not be smaller
	contentType    string
	etag           string
}

// Handler serves the pages. Names under assets/ carry a hash of what they hold and may be kept for ever; every path that is
// no file is a page of the single-page application and gets index.html, which is asked for again each time.
func Handler() http.Handler {
	return handlerOf(built())
}

// Has reports whether a path is one of the built files, as opposed to a page of the application.
func Has(urlPath string) bool {
	_, ok := built()[strings.TrimPrefix(urlPath, "/")]
	return ok || strings.HasPrefix(urlPath, "/assets/")
}

// built reads, hashes and compresses the embedded files once for a process (under 100 ms for a megabyte).
var built = sync.OnceValue(func() map[string]file { return load(files()) })

func load(source fs.FS) map[string]file {
	found := map[string]file{}
	err := fs.WalkDir(source, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(source, name)
		if err != nil {
			return err
		}
		found[name] = newFile(name, content)
		return nil
	})
	if err != nil { // embedded files do not fail
		panic(fmt.Errorf("ui: %w", err))
	}
	return found
}

func newFile(name string, content []byte) file {
	sum := sha256.Sum256(content)
	f := file{plain: content, contentType: typeOf(name), etag: `"` + hex.EncodeToString(sum[:12]) + `"`}
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil { // cannot be: the level is a constant
		panic(err)
	}
	if _, err = w.Write(content); err == nil {
		err = w.Close()
	}
	if err != nil { // memory does not fail
		panic(err)
	}
	if out.Len() < len(content) {
		f.gzipped = out.Bytes()
	}
	return f
}

// types are those that the system's tables get wrong or do not know.
var types = map[string]string{".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".html": "text/html; charset=utf-8",
	".svg": "image/svg+xml", ".md": "text/plain; charset=utf-8"}

func typeOf(name string) string {
	if known, ok := types[path.Ext(name)]; ok {
		return known
	}
	if found := mime.TypeByExtension(path.Ext(name)); found != "" {
		return found
	}
	return "application/octet-stream"
}

func handlerOf(found map[string]file) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
		f, ok := found[name]
		immutable := strings.HasPrefix(name, "assets/")
		if !ok && !immutable {
			f, ok = found["index.html"]
		}
		if !ok {
			http.Error(w, "There is no such file.", http.StatusNotFound)
			return
		}
		f.send(w, r, immutable)
	})
}

// send answers with the file, gzipped where the browser takes that, or with 304 where it has it already.
func (f file) send(w http.ResponseWriter, r *http.Request, immutable bool) {
	header := w.Header()
	header.Set("Content-Type", f.contentType)
	header.Set("ETag", f.etag)
	header.Set("Vary", "Accept-Encoding")
	header.Set("Cache-Control", "no-cache")
	if immutable {
		header.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if strings.Contains(r.Header.Get("If-None-Match"), f.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	content := f.plain
	if f.gzipped != nil && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		header.Set("Content-Encoding", "gzip")
		content = f.gzipped
	}
	header.Set("Content-Length", strconv.Itoa(len(content)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(content) // the visitor is gone: nobody to tell
	}
}
