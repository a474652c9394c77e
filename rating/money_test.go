package rating

import (
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParseMoney(t *testing.T) {
	for _, c := range []struct {
		in   string
		want Money
	}{
		{"0", 0}, {"12.34", 12_340_000}, {"12.3400", 12_340_000}, {"0.000001", 1}, {"-0.000001", -1}, {"007", 7_000_000},
		{"-0", 0}, {"9007199254.740991", MaxMoney}, {"-9007199254.740991", -MaxMoney},
	} {
		if got, err := ParseMoney(c.in); err != nil || got != c.want {
			t.Errorf("ParseMoney(%q) = %d, %v; want %d", c.in, got, err, c.want)
		}
	}
	for _, in := range []string{"", "-", ".", ".5", "5.", "+5", "1e3", "1,5", " 1", "1 ", "--1", "1.2.3", "0.0000001", "0.0000000", "NaN", "Inf", "0x1", "١",
		"9007199254.740992", "99999999999999999999999999", "-9007199254.740992", strings.Repeat("9", 10_000)} {
		if got, err := ParseMoney(in); err == nil {
			t.Errorf("ParseMoney(%q) = %s, want an error", shorten(in), got)
		}
	}
	if _, err := ParseMoney("9007199254.740992"); !errors.Is(err, ErrRange) {
		t.Errorf("beyond the range: %v, want ErrRange", err)
	}
}

func TestMoneyShowsAtLeastFourDecimals(t *testing.T) {
	for m, want := range map[Money]string{0: "0.0000", 100_000: "0.1000", 1: "0.000001", -1: "-0.000001", 12_345_600: "12.3456", -12_345_670: "-12.34567",
		MaxMoney: "9007199254.740991", 10: "0.00001"} {
		if got := m.String(); got != want {
			t.Errorf("Money(%d) = %q, want %q", int64(m), got, want)
		}
	}
}

func TestMoneyIsAStringInJSON(t *testing.T) {
	out, err := json.Marshal(struct{ M Money }{1_500_000})
	if err != nil || string(out) != `{"M":"1.5000"}` {
		t.Errorf("Marshal = %s, %v", out, err)
	}
	for _, in := range []string{`1.5`, `15`, `true`, `{}`, `["1"]`, `"1.5x"`} {
		var m Money
		if err := json.Unmarshal([]byte(in), &m); err == nil {
			t.Errorf("Unmarshal(%s) = %s, want an error", in, m)
		}
	}
}

func TestMoneyParsesWhatItPrints(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := Money(rapid.Int64Range(int64(-MaxMoney), int64(MaxMoney)).Draw(t, "m"))
		if back, err := ParseMoney(m.String()); err != nil || back != m {
			t.Fatalf("ParseMoney(%q) = %d, %v; want %d", m, back, err, m)
		}
	})
}

func TestMoneyArithmeticIsExactOrRefused(t *testing.T) {
	bound := big.NewInt(int64(MaxMoney))
	check := func(t *rapid.T, got Money, err error, exact *big.Int) {
		fits := new(big.Int).Abs(exact).Cmp(bound) <= 0
		if fits != (err == nil) || (fits && exact.Int64() != int64(got)) {
			t.Fatalf("got %d, %v; exactly %s", got, err, exact)
		}
	}
	amount := rapid.Int64Range(int64(-MaxMoney), int64(MaxMoney))
	rapid.Check(t, func(t *rapid.T) {
		a, b, n := amount.Draw(t, "a"), amount.Draw(t, "b"), rapid.Int64Min(0).Draw(t, "n")
		sum, err := Money(a).Add(Money(b))
		check(t, sum, err, new(big.Int).Add(big.NewInt(a), big.NewInt(b)))
		product, err := Money(a).Times(n)
		check(t, product, err, new(big.Int).Mul(big.NewInt(a), big.NewInt(n)))
	})
	if _, err := Money(1).Times(-1); err == nil {
		t.Error("a negative number of times is accepted")
	}
}

func FuzzParseMoney(f *testing.F) {
	for _, s := range []string{"12.34", "-0.000001", "9007199254.740991", "1e9", "", "٣.١"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, err := ParseMoney(s)
		if err != nil {
			return
		}
		exact, ok := new(big.Rat).SetString(s)
		if !ok || exact.Mul(exact, big.NewRat(int64(Unit), 1)).Cmp(big.NewRat(int64(m), 1)) != 0 {
			t.Fatalf("ParseMoney(%q) = %d micro-units", s, m)
		}
	})
}
