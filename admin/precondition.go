package admin

import (
	"strconv"
	"strings"
)

// IfMatch lets an edit say which version it was made on.
type IfMatch struct {
	IfMatch string `header:"If-Match" doc:"The version that the edit was made on, in quotes, as ETag has it (or several; * is any); where none is the newest the answer is 412." example:"\"3\""`
}

// check compares the versions that the edit was made on with what is there (RFC 9110 §13.1.1). No header, and *, fit every version.
func (m IfMatch) check(have int64) error {
	if strings.TrimSpace(m.IfMatch) == "" {
		return nil
	}
	for tag := range strings.SplitSeq(m.IfMatch, ",") {
		if tag = strings.TrimSpace(tag); tag == "*" || strings.Trim(tag, `"`) == strconv.FormatInt(have, 10) {
			return nil
		}
	}
	return staleVersion
}

// etag is a version as an entity tag.
func etag(version int64) string { return `"` + strconv.FormatInt(version, 10) + `"` }
