package admin

import (
	"strconv"
	"strings"
)

// ifMatch lets an edit say which version it was made on.
type ifMatch struct {
	IfMatch string `header:"If-Match" doc:"The version that the edit was made on, in quotes; where it is not the newest the answer is 412." example:"\"3\""`
}

// version is the version that the edit was made on; 0 is any. What is no version of ours is one that nothing has.
func (m ifMatch) version() (int64, error) {
	tag := strings.TrimSpace(m.IfMatch)
	if tag == "" || tag == "*" {
		return 0, nil
	}
	version, err := strconv.ParseInt(strings.Trim(tag, `"`), 10, 64)
	if err != nil || version < 1 {
		return 0, staleVersion
	}
	return version, nil
}

// etag is a version as an entity tag.
func etag(version int64) string { return `"` + strconv.FormatInt(version, 10) + `"` }
