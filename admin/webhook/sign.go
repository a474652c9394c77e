package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"
)

// Headers of a request. The receiver computes Sign over the timestamp and the body that came, compares in constant time,
// and refuses timestamps that are older than a few minutes.
const (
	TimestampHeader = "X-Tollgate-Timestamp" // seconds since 1970
	SignatureHeader = "X-Tollgate-Signature" // sha256=…
)

// Timestamp writes a time as the header has it.
func Timestamp(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }

// Sign returns "sha256=" and the HMAC of timestamp + "." + body in hexadecimal letters.
func Sign(secret, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(timestamp + "."))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}
