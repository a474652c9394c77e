package admin

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"tollgate/admin/ui"
)

// pages serves the web interface: its files, and index.html under every other address that a browser opens as a page
// (it is a single-page application). Programs, and everything under /api, get a problem in place of a page. A program built
// without pages shows the description of the API at the root.
func pages(handler http.Handler) gin.HandlerFunc {
	return func(c *gin.Context) {
		path, method := c.Request.URL.Path, c.Request.Method
		asked := path == "/" || ui.Has(path) || strings.Contains(c.GetHeader("Accept"), "text/html")
		switch {
		case method != http.MethodGet && method != http.MethodHead, path == apiPrefix, strings.HasPrefix(path, apiPrefix+"/"):
			writeProblem(c, notFound)
		case ui.Built && asked:
			handler.ServeHTTP(c.Writer, c.Request)
		case path == "/":
			c.Redirect(http.StatusFound, "/docs")
		default:
			writeProblem(c, notFound)
		}
	}
}

// apiPrefix is where the API is, whatever its version.
const apiPrefix = "/api"
