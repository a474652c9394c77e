package admin

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"tollgate/rating"
)

// PasswordCost is what a new argon2id hash costs. A hash says its own, so that the cost can change.
type PasswordCost struct {
	Time   uint32 // passes
	Memory uint32 // KiB
}

// usualCost is the OWASP floor for argon2id, about 50 ms and 19 MiB each.
var usualCost = PasswordCost{Time: 2, Memory: 19 * 1024}

const (
	argonThreads = 1
	argonKey     = 32
	argonSalt    = 16

	hashesAtOnce = 2 // so that a flood of log-ins costs 38 MiB and not the machine

	minPassword = 8
	maxPassword = 1024
)

// hasher makes and checks password hashes, a few at once.
type hasher struct {
	cost  PasswordCost
	slots chan struct{}
}

// newHasher takes the usual cost for none.
func newHasher(cost PasswordCost) *hasher {
	return &hasher{cmp.Or(cost, usualCost), make(chan struct{}, hashesAtOnce)}
}

// enter waits for a free slot.
func (h *hasher) enter(ctx context.Context) error {
	select {
	case h.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// hash returns the argon2id hash of a password in PHC form, with a salt of its own.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	if err := h.enter(ctx); err != nil {
		return "", err
	}
	defer func() { <-h.slots }()
	return h.cost.hash(password), nil
}

func (c PasswordCost) hash(password string) string {
	salt := make([]byte, argonSalt)
	rand.Read(salt) // never fails
	key := argon2.IDKey([]byte(password), salt, c.Time, c.Memory, argonThreads, argonKey)
	encode := base64.RawStdEncoding.EncodeToString
	return c.text(encode(salt), encode(key))
}

// text writes a hash in PHC form.
func (c PasswordCost) text(salt, key string) string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.Memory, c.Time, argonThreads, salt, key)
}

// nobody is a hash that no password has. An unknown user costs the same time as a wrong password.
func (h *hasher) nobody() string {
	return h.cost.text(strings.Repeat("A", 22), strings.Repeat("A", 43))
}

// matches reports whether the password has that hash. A hash that cannot be read matches nothing.
func (h *hasher) matches(ctx context.Context, password, hash string) (bool, error) {
	if err := h.enter(ctx); err != nil {
		return false, err
	}
	defer func() { <-h.slots }()
	var version, memory, time, threads int
	fields := strings.Split(hash, "$")
	if len(fields) != 6 || fields[1] != "argon2id" {
		return false, nil
	}
	if n, _ := fmt.Sscanf(fields[2], "v=%d", &version); n != 1 || version != argon2.Version {
		return false, nil
	}
	if n, _ := fmt.Sscanf(fields[3], "m=%d,t=%d,p=%d", &memory, &time, &threads); n != 3 || memory < 8 || memory > 1<<20 || time < 1 || time > 100 || threads < 1 || threads > 64 {
		return false, nil
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(fields[4])
	want, err2 := base64.RawStdEncoding.DecodeString(fields[5])
	if err1 != nil || err2 != nil || len(want) < 16 || len(want) > 128 {
		return false, nil
	}
	got := argon2.IDKey([]byte(password), salt, uint32(time), uint32(memory), uint8(threads), uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}

// checkPassword reports what is wrong with a new password.
func checkPassword(field, password string) error {
	if utf8.RuneCountInString(password) < minPassword || len(password) > maxPassword || !utf8.ValidString(password) {
		return rating.Invalid{{Field: field, Message: fmt.Sprintf("must have at least %d characters and at most %d bytes", minPassword, maxPassword)}}
	}
	return nil
}

// newSecret returns 256 random bits as text that fits into a header, a cookie and a URL.
func newSecret() string {
	secret := make([]byte, 32)
	rand.Read(secret) // never fails
	return base64.RawURLEncoding.EncodeToString(secret)
}

// hashSecret is what is stored of a secret. It is random enough to need no salt and no slow hash.
func hashSecret(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// fingerprint says which password a session was opened with: with another one it is over, also when the log-in and the
// change of the password happened at once.
func fingerprint(passwordHash string) string { return hashSecret(passwordHash)[:16] }
