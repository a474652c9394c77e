package rating

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const noon TimeOfDay = 12 * 3600

func rate(id int64, prefix string, length int, extensions ...string) Rate {
	r := NewRate()
	r.ID, r.Prefix, r.NumberLength, r.PerUnit, r.BillingUnit = id, prefix, length, 1, 60
	if extensions != nil {
		r.Extensions = extensions
	}
	return r
}

func TestMatchPrefersTheMoreSpecificRate(t *testing.T) {
	night := rate(9, "98", 0)
	night.StartTime, night.EndTime = 22*3600, 6*3600
	off := rate(10, "988", 0)
	off.Active = false
	for _, c := range []struct {
		name   string
		rates  []Rate
		number string
		at     TimeOfDay
		want   int64
	}{
		{"the longest prefix", []Rate{rate(1, "9", 0), rate(2, "98", 0), rate(3, "", 0)}, "9881", noon, 2},
		{"an empty prefix is any number", []Rate{rate(1, "", 0)}, "+441", noon, 1},
		{"a plus is a character of the number", []Rate{rate(1, "44", 0), rate(2, "+44", 0)}, "+441", noon, 2},
		{"prefix before length", []Rate{rate(1, "9", 4), rate(2, "98", 0)}, "9881", noon, 2},
		{"the exact length before any", []Rate{rate(1, "9", 0), rate(2, "9", 4)}, "9881", noon, 2},
		{"another length is none", []Rate{rate(1, "9", 5)}, "9881", noon, 0},
		{"length before named extension", []Rate{rate(1, "9", 0, "101"), rate(2, "9", 4)}, "9881", noon, 2},
		{"a named extension before all", []Rate{rate(1, "9", 0), rate(2, "9", 0, "100", "101")}, "9881", noon, 2},
		{"then the lower id", []Rate{rate(5, "9", 0), rate(4, "9", 0)}, "9881", noon, 4},
		{"nobody is billed by an empty list", []Rate{rate(1, "9", 0, []string{}...)}, "9881", noon, 1},
		{"a block over midnight, before", []Rate{rate(1, "9", 0), night}, "9881", 23 * 3600, 9},
		{"a block over midnight, after", []Rate{rate(1, "9", 0), night}, "9881", 6 * 3600, 9},
		{"a block over midnight, outside", []Rate{rate(1, "9", 0), night}, "9881", 6*3600 + 1, 1},
		{"an inactive rate is none", []Rate{rate(1, "9", 0), off}, "9881", noon, 1},
	} {
		if c.name == "nobody is billed by an empty list" {
			c.rates[0].Extensions, c.want = []string{}, 0
		}
		got, _ := NewRateIndex(c.rates).Match(RateQuery{"101", c.number, c.at})
		if (got == nil) != (c.want == 0) || (got != nil && got.ID != c.want) {
			t.Errorf("%s: matched %+v, want rate %d", c.name, got, c.want)
		}
	}
}

func TestExplainSaysWhyEachOtherRateDoesNotMatch(t *testing.T) {
	rates := []Rate{rate(1, "9", 0), rate(2, "9", 0), rate(3, "9", 0, "200"), rate(4, "9", 0), rate(5, "8", 0), rate(6, "98", 3), rate(7, "98", 0)}
	rates[1].Active = false
	rates[3].StartTime, rates[3].EndTime = 0, 60
	winner, others := NewRateIndex(rates).Explain(RateQuery{"101", "9881", noon})
	want := []NotMatched{{1, NotSpecific}, {2, NotActive}, {3, NotExtension}, {4, NotTimeBlock}, {5, NotPrefix}, {6, NotNumberLength}}
	if winner == nil || winner.ID != 7 || !reflect.DeepEqual(others, want) {
		t.Errorf("Explain = %+v, %v; want rate 7, %v", winner, others, want)
	}
}

// naive is rule 4.3 as one would read it aloud.
func naive(rates []Rate, q RateQuery) *Rate {
	var best *Rate
	key := func(r *Rate) []int {
		return []int{len(r.Prefix), min(r.NumberLength, 1), min(1, strings.Count(" "+strings.Join(r.Extensions, " ")+" ", " "+q.Extension+" ")), -int(r.ID)}
	}
	for i := range rates {
		r := &rates[i]
		inTime := q.At >= r.StartTime && q.At <= r.EndTime
		if r.StartTime > r.EndTime {
			inTime = q.At >= r.StartTime || q.At <= r.EndTime
		}
		mine := key(r)[2] == 1 || reflect.DeepEqual(r.Extensions, []string{"*"})
		if !r.Active || !inTime || !mine || !strings.HasPrefix(q.Number, r.Prefix) || (r.NumberLength != 0 && r.NumberLength != len(q.Number)) {
			continue
		}
		if best == nil || slices.Compare(key(r), key(best)) > 0 {
			best = r
		}
	}
	return best
}

func TestMatchEqualsTheNaiveReference(t *testing.T) {
	digits := rapid.StringMatching(`\+?[12]{0,4}`)
	extension := rapid.SampledFrom([]string{"100", "101", "102"})
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 30).Draw(t, "rates")
		rates := make([]Rate, n)
		for i := range rates {
			rates[i] = rate(int64(i+1), digits.Draw(t, "prefix"), rapid.IntRange(0, 5).Draw(t, "length"))
			rates[i].Active = rapid.IntRange(0, 4).Draw(t, "active") > 0
			rates[i].StartTime, rates[i].EndTime = TimeOfDay(rapid.Int32Range(0, 9).Draw(t, "start")), TimeOfDay(rapid.Int32Range(0, 9).Draw(t, "end"))
			if rapid.Bool().Draw(t, "named") {
				rates[i].Extensions = rapid.SliceOfNDistinct(extension, 0, 3, rapid.ID[string]).Draw(t, "extensions")
			}
		}
		q := RateQuery{extension.Draw(t, "extension"), digits.Draw(t, "number"), TimeOfDay(rapid.Int32Range(0, 9).Draw(t, "at"))}
		got, _ := NewRateIndex(rates).Match(q)
		want := naive(rates, q)
		if (got == nil) != (want == nil) || (got != nil && got.ID != want.ID) {
			t.Fatalf("%+v matched %+v, the reference says %+v", q, got, want)
		}
	})
}

// manyRates is a deck with every kind of prefix length, as a carrier's is.
func manyRates(n int) []Rate {
	random := rand.New(rand.NewPCG(1, 2))
	rates := make([]Rate, n)
	for i := range rates {
		prefix := fmt.Sprintf("9%0*d", 1+random.IntN(8), random.IntN(1_000_000))
		rates[i] = rate(int64(i+1), prefix[:min(len(prefix), 9)], 0)
	}
	return rates
}

func BenchmarkMatch100k(b *testing.B) {
	index := NewRateIndex(manyRates(100_000))
	random := rand.New(rand.NewPCG(3, 4))
	numbers := make([]string, 4096)
	for i := range numbers {
		numbers[i] = fmt.Sprintf("9%010d", random.IntN(1_000_000_000))
	}
	b.ResetTimer()
	for i := range b.N {
		index.Match(RateQuery{"101", numbers[i%len(numbers)], noon})
	}
}

// All rates share one prefix: each extension has its own.
func BenchmarkMatch100kExtensions(b *testing.B) {
	rates := make([]Rate, 100_000)
	for i := range rates {
		rates[i] = rate(int64(i+1), "9", 0, fmt.Sprint(i))
	}
	index := NewRateIndex(rates)
	b.ResetTimer()
	for i := range b.N {
		index.Match(RateQuery{"99999", "9883600461", noon})
		_ = i
	}
}
