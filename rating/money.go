package rating

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// Money is an amount in micro-units: 1,000,000 are one unit of the currency. The zero value is nothing.
type Money int64

const (
	// Unit is one unit of the currency: one dollar, one yuan.
	Unit Money = 1_000_000
	// MaxMoney bounds every amount and balance: 2^53-1, exact also in Lua and JavaScript.
	MaxMoney Money = 1<<53 - 1
	// MaxPrice bounds an initial cost and the price of a unit: 10,000 currency units.
	MaxPrice = 10_000 * Unit
)

const (
	fractionDigits = 6                      // of an amount, at most
	shownDigits    = 4                      // of an amount, at least, when printed
	maxWhole       = int64(MaxMoney / Unit) // whole units of the largest amount
)

// ParseMoney reads a decimal amount such as "12.34" or "-0.000001": an optional minus, digits, and at most six
// decimals. It accepts no plus, exponent, comma or space, and reports ErrRange beyond ±9007199254.740991.
func ParseMoney(s string) (Money, error) {
	digits, negative := strings.CutPrefix(s, "-")
	whole, fraction, dotted := strings.Cut(digits, ".")
	if !onlyDigits(whole+fraction) || whole == "" || (dotted && fraction == "") {
		return 0, fmt.Errorf("%q is no amount: write digits, and after a point at most six decimals, such as 12.3400", shorten(s))
	}
	units, err := parseDigits(whole, maxWhole)
	if err != nil {
		return 0, fmt.Errorf("amount %q: %w", shorten(s), err)
	}
	if len(fraction) > fractionDigits {
		return 0, fmt.Errorf("amount %q has more than six decimals", shorten(s))
	}
	micros, err := parseDigits(fraction, int64(Unit)-1)
	if err != nil {
		return 0, fmt.Errorf("amount %q: %w", shorten(s), err)
	}
	for range fractionDigits - len(fraction) {
		micros *= 10
	}
	m := Money(units)*Unit + Money(micros)
	if m > MaxMoney {
		return 0, fmt.Errorf("amount %q: %w", shorten(s), ErrRange)
	}
	if negative {
		m = -m
	}
	return m, nil
}

func onlyDigits(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }) < 0
}

// parseDigits reads ASCII digits up to a limit; no digits are 0.
func parseDigits(s string, limit int64) (int64, error) {
	var n int64
	for i := range len(s) {
		if n = n*10 + int64(s[i]-'0'); n > limit {
			return 0, ErrRange
		}
	}
	return n, nil
}

// shorten bounds a hostile value before it is quoted in an error.
func shorten(s string) string {
	const most = 40
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}

// String prints the amount with four decimals, or with as many as it has: "12.3400", "-0.000001".
func (m Money) String() string {
	var buf [24]byte
	return string(m.append(buf[:0]))
}

func (m Money) append(b []byte) []byte {
	n := uint64(m)
	if m < 0 {
		b, n = append(b, '-'), -n
	}
	b = strconv.AppendUint(b, n/uint64(Unit), 10)
	b = append(b, '.')
	fraction, scale := n%uint64(Unit), uint64(Unit)/10
	for digit := 0; digit < fractionDigits && (digit < shownDigits || fraction > 0); digit++ {
		b = append(b, byte('0'+fraction/scale))
		fraction, scale = fraction%scale, max(scale/10, 1)
	}
	return b
}

// MarshalText gives money to JSON, YAML and CSV as a decimal string, so that no reader can make a float of it.
func (m Money) MarshalText() ([]byte, error) { return m.append(nil), nil }

// UnmarshalText reads what MarshalText wrote. A JSON number is refused by encoding/json before it gets here.
func (m *Money) UnmarshalText(text []byte) error {
	parsed, err := ParseMoney(string(text))
	if err != nil {
		return err
	}
	*m = parsed
	return nil
}

// InRange reports whether m may be stored: |m| <= MaxMoney.
func (m Money) InRange() bool { return -MaxMoney <= m && m <= MaxMoney }

// Add returns m + n, or ErrRange.
func (m Money) Add(n Money) (Money, error) {
	sum := m + n // cannot wrap: both are far below 2^62
	if !m.InRange() || !n.InRange() || !sum.InRange() {
		return 0, ErrRange
	}
	return sum, nil
}

// Times returns m × n for n >= 0, or ErrRange.
func (m Money) Times(n int64) (Money, error) {
	if n < 0 || !m.InRange() {
		return 0, ErrRange
	}
	magnitude := uint64(max(m, -m))
	high, low := bits.Mul64(magnitude, uint64(n))
	if high != 0 || low > uint64(MaxMoney) {
		return 0, ErrRange
	}
	if m < 0 {
		return -Money(low), nil
	}
	return Money(low), nil
}
