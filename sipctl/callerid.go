package sipctl

import (
	"strings"

	"tollgate/rating"
)

// callerID is who calls, as the trunk is told: the extension's own caller id, else the trunk's, else what a trusted peer
// says, else the extension's number.
func callerID(u *setup, t *rating.Trunk, extension string) (user, display string) {
	display = u.invite.From().DisplayName
	switch e := u.admission.Extension; {
	case e != nil && e.CallerID != "":
		return escapeUser(e.CallerID), display
	case t.FromUser != "":
		return escapeUser(t.FromUser), display
	case u.from.trusted != nil && safeUser(u.invite.From().Address.User):
		return u.invite.From().Address.User, display
	}
	return escapeUser(extension), display
}

// safeUser reports whether a user part may be written as it is (RFC 3261 §25.1, without the password).
func safeUser(user string) bool {
	if user == "" || len(user) > 64 {
		return false
	}
	for i := range len(user) {
		c := user[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && !strings.ContainsRune("-_.!~*'()&=+$,/%", rune(c)) {
			return false
		}
	}
	return true
}

// quoted writes a display name as a quoted string. The parser leaves escapes as they are, so a quote in it is one that has
// not been escaped.
func quoted(display string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := 0; i < len(display) && i < 200; i++ {
		switch c := display[i]; {
		case c < ' ' || c == 0x7f:
		case c == '\\' && i+1 < len(display) && display[i+1] >= ' ':
			b.WriteByte(c)
			i++
			b.WriteByte(display[i])
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// private reports whether the caller wants his identity withheld (RFC 3323, RFC 3325 §9.3).
func (u *setup) private() bool {
	for _, h := range u.invite.GetHeaders("Privacy") {
		for p := range strings.FieldsFuncSeq(strings.ToLower(h.Value()), func(r rune) bool { return r == ';' || r == ',' || r == ' ' }) {
			if p == "id" || p == "user" || p == "header" {
				return true
			}
		}
	}
	return false
}

// inviteHeaders are the lines of the INVITE to a trunk beyond those of the dialog.
func (c *Call) inviteHeaders(t *rating.Trunk, d dialog) []byte {
	u := c.setup
	h := make(text, 0, 512)
	h.header("Allow", allowed)
	if t.IdentityHeader == rating.IdentityPAI {
		user, _ := callerID(u, t, c.extension)
		h.header("P-Asserted-Identity", "<sip:"+user+"@"+c.server.host(d.Flow)+">")
	}
	h.passed(u.invite.Headers(), c.origin(callerSide), identityHeader(u.from))
	return h
}
