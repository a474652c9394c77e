package admin

import (
	"strconv"
	"strings"
)

// IfMatch lets an edit say which version it was made on.
type IfMatch struct {
	IfMatch string `header:"If-Match" doc:"The version that the edit was made on, in quotes; where it is not the newest the answer is 412." example:"\"3\""`
}

// check compares the version that the edit was made on with what is there. No header, and *, fit every version.
func (m IfMatch) check(have int64) error {
	tag := strings.TrimSpace(m.IfMatch)
	if tag == "" || tag == "*" || strings.Trim(tag, `"`) == strconv.FormatInt(have, 10) {
		return nil
	}
	return staleVersion
}

// etag is a version as an entity tag.
func etag(version int64) string { return `"` + strconv.FormatInt(version, 10) + `"` }
