package admin

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// mostFaults bounds how many faults an answer lists.
const mostFaults = 100

// words are what Huma's checks say, and what we say in their place: what the field must be. $1 is what was found.
var words = []struct {
	theirs *regexp.Regexp
	ours   string
}{
	{regexp.MustCompile(`^required \w+ parameter is missing$`), "is missing"},
	{regexp.MustCompile(`^unexpected property$`), "is not known here, or can only be read"},
	{regexp.MustCompile(`^expected string to be RFC 3339 date-time$`), "must be a time such as 2019-05-31T15:03:31Z"},
	{regexp.MustCompile(`^expected string to be (.+)$`), "must be $1"},
	{regexp.MustCompile(`^expected string$`), "must be a string, in quotes"},
	{regexp.MustCompile(`^expected boolean$`), "must be true or false, without quotes"},
	{regexp.MustCompile(`^invalid boolean$`), "must be 1 (or true) or 0 (or false)"},
	{regexp.MustCompile(`^expected integer$`), "must be a whole number, without quotes"},
	{regexp.MustCompile(`^invalid integer$`), "must be a whole number"},
	{regexp.MustCompile(`^expected number$`), "must be a number, without quotes"},
	{regexp.MustCompile(`^expected array$`), "must be a list"},
	{regexp.MustCompile(`^expected object$`), "must be an object"},
	{regexp.MustCompile(`^expected value to be one of "(.*)"$`), "must be one of $1"},
	{regexp.MustCompile(`^expected number >= 1e\+06$`), "must be 1000000 or more"},
	{regexp.MustCompile(`^expected number <= 1e\+06$`), "must be 1000000 or less"},
	{regexp.MustCompile(`^expected number <= 3\.1536e\+07$`), "must be 31536000 or less"},
	{regexp.MustCompile(`^expected number >= (\S+)$`), "must be $1 or more"},
	{regexp.MustCompile(`^expected number <= (\S+)$`), "must be $1 or less"},
	{regexp.MustCompile(`^expected length >= 1$`), "must not be empty"},
	{regexp.MustCompile(`^expected length >= (\d+)$`), "must have at least $1 characters"},
	{regexp.MustCompile(`^expected length <= (\d+)$`), "must have at most $1 characters"},
	{regexp.MustCompile(`^expected array length >= 1$`), "must name at least one"},
	{regexp.MustCompile(`^expected array length >= (\d+)$`), "must name at least $1"},
	{regexp.MustCompile(`^expected array length <= (\d+)$`), "must name at most $1"},
	{regexp.MustCompile(`^expected array items to be unique$`), "must name nothing twice"},
	{regexp.MustCompile(`^json: cannot unmarshal number .*$`), "a number in it is too large"},
}

var requiredProperty = regexp.MustCompile(`^expected required property (\S+) to be present$`)

// inOurWords is a fault that Huma has found: with the field in its location, and in words that say what it must be. The value at
// fault is not repeated: it may be a password.
func inOurWords(d *huma.ErrorDetail) fault {
	if missing := requiredProperty.FindStringSubmatch(d.Message); missing != nil {
		return fault{Location: d.Location + "." + missing[1], Message: "is missing"}
	}
	if d.Location == "body" {
		if field := quoted(d.Value, d.Message); field != "" {
			return fault{Location: "body." + field, Message: d.Message}
		}
	}
	for _, w := range words {
		if w.theirs.MatchString(d.Message) {
			return fault{Location: d.Location, Message: w.theirs.ReplaceAllString(d.Message, w.ours)}
		}
	}
	return fault{Location: d.Location, Message: d.Message}
}

// quoted finds the field of a body whose text an error quotes, such as an amount that is out of range; "" where there is none.
// encoding/json does not say which field it was.
func quoted(value any, message string) string {
	text, _ := value.(string)
	var fields map[string]json.RawMessage
	if !strings.Contains(message, `"`) || json.Unmarshal([]byte(text), &fields) != nil {
		return ""
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if raw := string(fields[name]); len(raw) > 2 && strings.HasPrefix(raw, `"`) && strings.Contains(message, raw) {
			return name
		}
	}
	return ""
}
