package admin

import (
	"net/http"
	"strings"
)

// answersHead lets HEAD ask for everything that GET answers, without its body (RFC 9110 §9.3.2): monitoring asks so whether
// something is there. A stream of events has no end, and stays GET's.
func answersHead(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead && !strings.HasSuffix(r.URL.Path, "/events") {
			asked := *r
			asked.Method = http.MethodGet // net/http knows of the HEAD, and sends no body
			r = &asked
		}
		next.ServeHTTP(w, r)
	})
}
