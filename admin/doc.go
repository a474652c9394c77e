// Package admin is the HTTP side of Tollgate: the operators' API under /api/v1, its description, and the end points
// that machines look at (/healthz, /readyz, /metrics). Handlers are thin: the rules are in package rating, the money,
// the catalog and the archive are behind small interfaces that each resource file declares for itself.
package admin
