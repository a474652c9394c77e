package rating

import (
	"fmt"
	"time"
)

// Role is what an operator, or a program that acts for one, may do.
type Role string

// The roles, from the most to the least.
const (
	Admin   Role = "admin"   // device administrator: everything
	Manager Role = "manager" // billing user: extensions, money, rates, reports
	Viewer  Role = "viewer"  // reads what a manager reads
)

// Valid reports whether the role is one of ours.
func (r Role) Valid() bool { return r == Admin || r == Manager || r == Viewer }

// User may log in.
type User struct {
	Name         string    `json:"username"`
	Role         Role      `json:"role"`
	PasswordHash string    `json:"password_hash"` // argon2id in PHC form; never shown
	CreatedAt    time.Time `json:"created_at"`
	Version      int64     `json:"version"`
}

// Validate reports every field that is out of bounds, as Invalid.
func (u User) Validate() error {
	var bad Invalid
	bad.add(validName(u.Name), "username", "must be 1 to 64 of: letters, digits, . _ -")
	bad.add(u.Role.Valid(), "role", "must be admin, manager or viewer")
	return bad.err()
}

// Session is a log-in. It is found by the hash of its token; the token itself is known to the client only.
type Session struct {
	Hash      string    `json:"hash"` // SHA-256 of the token, lower-case hex
	Username  string    `json:"username"`
	Password  string    `json:"password"` // which one it was opened with, as a digest of its hash; it ends with it
	CreatedAt time.Time `json:"created_at"`
	SeenAt    time.Time `json:"seen_at"`    // last request, to the minute
	ExpiresAt time.Time `json:"expires_at"` // whatever happens
}

// Token lets a program use the API. It is found by the hash of its secret, which is shown once.
type Token struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"` // what it is for
	Hash      string     `json:"hash"` // SHA-256 of the secret, lower-case hex
	Role      Role       `json:"role"`
	CreatedAt time.Time  `json:"created_at"`
	CreatedBy string     `json:"created_by"`
	ExpiresAt *time.Time `json:"expires_at"` // nil = never
}

// Validate reports every field that is out of bounds, as Invalid.
func (t Token) Validate() error {
	var bad Invalid
	bad.add(t.Name != "" && len(t.Name) <= MaxUsername && printable(t.Name), "name", fmt.Sprintf("must be 1 to %d bytes of printable text", MaxUsername))
	bad.add(t.Role.Valid(), "role", "must be admin, manager or viewer")
	bad.add(t.ExpiresAt == nil || t.ExpiresAt.After(t.CreatedAt), "expires_at", "must lie in the future, or be null for never")
	return bad.err()
}

// Expired reports whether the token is of no use any more.
func (t Token) Expired(now time.Time) bool { return t.ExpiresAt != nil && !now.Before(*t.ExpiresAt) }
