package ledger

import (
	"strings"
	"testing"

	"tollgate/rating"
)

const goodCall = "15aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

// Whatever the store holds, decoding names the fault and does not panic; what it lets pass can be worked with.

func FuzzDecodeHold(f *testing.F) {
	f.Add("0", "101", "gw1", "100000:60:20000:55", "0", "100000", "", "1559315011000000", "", `2:{}`, 1.5e12)
	f.Add("1", "101", "gw1", "1:0:1:1", "10", "11", "emergency", "1", "2", `2:{}dialog`, 0.0)
	f.Add("2", "", "", "::", "x", "-1", "?", "", "", "99:{}", -1.0)
	f.Fuzz(func(t *testing.T, s, e, w, tariff, k, h, x, z, a, blob string, lease float64) {
		hold, err := decodeHold(goodCall, []any{s, e, w, tariff, k, h, x, z, a, "60000"}, blob, lease)
		if err == nil && (!rating.ValidExtension(hold.Extension) || hold.Answered.IsZero() && s == stateTalking && a != "0") {
			t.Errorf("passed: %+v", hold)
		}
		for n := range 9 { // a record that is cut short
			if _, err := decodeHold(goodCall, []any{s, e, w, tariff, k, h, x, z, a}[:n], blob, lease); err == nil && n < 8 {
				t.Errorf("%d fields pass", n)
			}
		}
	})
}

func FuzzDecodeAccount(f *testing.F) {
	f.Add("1", "0", "1", "0", "1", "1", "prepaid", "0", "0", "1", "0")
	f.Add("9007199254740992", "x", "", "-", "1e3", "2", "?", "?", "1.5", "1", "1")
	f.Fuzz(func(t *testing.T, bal, held, rech, n, seq, bill, pay, lock, cr, tv, shut string) {
		a, err := decodeAccount("101", []any{bal, held, rech, n, seq, bill, pay, lock, cr, tv, shut})
		if err == nil && (!a.Balance.InRange() || !a.Held.InRange() || !a.Credit.InRange()) {
			t.Errorf("passed: %+v", a)
		}
		if _, err := decodeAccount("101", []any{bal, nil, rech}); err == nil {
			t.Error("an account without its fields passes")
		}
	})
}

func FuzzDecodeFiled(f *testing.F) {
	f.Add("1559315011000-0", "c", "1:1000000:900000:60:0:100000", `{"id":"`+goodCall+`","extension":"101","cost":"0.0000"}`)
	f.Add("1559315011000-0", "c", "0:0:0:0:0:0", `{"id":"`+goodCall+`","extension":"101"}`)
	f.Add("1559315011000-0", "e", "1:0:1000000", `{"extension":"101","kind":"recharge","amount":"1.0000"}`)
	f.Add("-", "e", "1:0:1000000:", `{"kind":1}`)
	f.Add("1-1", "c", "-1:0:9223372036854775807:1:1:9223372036854775807", `{"cost":1}`)
	f.Add("1-1", "x", "", "null")
	f.Fuzz(func(t *testing.T, position, field, numbers, text string) {
		filed := decodeFiled(3, position, map[string]any{field: numbers, "m": text})
		if filed.Bad != "" {
			if filed.CDR != nil || filed.Entry != nil || filed.Raw == "" {
				t.Errorf("quarantined with content: %+v", filed)
			}
			return
		}
		if filed.CDR == nil && filed.Entry == nil {
			t.Errorf("neither good nor bad: %+v", filed)
		}
		if e := filed.Entry; e != nil && (e.Before+e.Amount != e.After || !e.Before.InRange() || !e.After.InRange() || e.Seq < 1) {
			t.Errorf("passed: %+v", e)
		}
		if filed.CDR != nil && filed.Entry != nil && filed.Entry.Amount != -filed.CDR.Cost {
			t.Errorf("passed: %+v, %+v", filed.Entry, filed.CDR)
		}
	})
}

func FuzzDecodeIntent(f *testing.F) {
	f.Add("preparing", "A", `{"key":"k","payees":[["101","U"]],"amount":"1.0000"}`, "")
	f.Add("done", "A", `{"payees":[["101","U"]],"amount":"1.0000"}`, "[[0,1000000]]")
	f.Add("refused", "A", `{}`, "NOCREDIT 101")
	f.Add("done", "", `{"payees":[["101"]]}`, "[[0]]")
	f.Fuzz(func(t *testing.T, state, attempt, body, result string) {
		i, err := decodeIntent("name", reply{state, attempt, body, result})
		if err != nil {
			return
		}
		if receipts, err := i.receipts(); err == nil && len(receipts) != len(i.Payees) {
			t.Errorf("%d receipts for %d payees", len(receipts), len(i.Payees))
		}
		if decodeRefusal(result) == nil {
			t.Error("a refusal is no error")
		}
	})
}

func FuzzDecodeBlob(f *testing.F) {
	f.Add([]byte(`2:{}dialog`))
	f.Add([]byte(`-1:{}`))
	f.Add([]byte(`=1:2:3:4`))
	f.Fuzz(func(t *testing.T, blob []byte) {
		draft, dialog, err := decodeBlob(string(blob))
		if err != nil {
			return
		}
		again, err := encodeBlob(draft, draft.ID, draft.Extension, dialog)
		if err != nil {
			t.Skip() // a time that JSON reads but does not write
		}
		if _, same, err := decodeBlob(string(again)); err != nil || string(same) != string(dialog) {
			t.Errorf("%q came back as %q, %v", dialog, same, err)
		}
	})
}

func FuzzSuccessor(f *testing.F) {
	f.Add("1559315011000-0")
	f.Add("0-9223372036854775807")
	f.Add("x-")
	f.Fuzz(func(t *testing.T, position string) {
		next, err := successor(position)
		if err == nil && (!strings.Contains(next, "-") || next == position) {
			t.Errorf("after %q comes %q", position, next)
		}
	})
}

func TestRateOfARecordNamesFewExtensions(t *testing.T) {
	rate := rating.NewRate()
	for range maxNamed + 1 {
		rate.Extensions = append(rate.Extensions, "101")
	}
	cdr := boundedCDR(rating.CDR{Extension: "102", Rate: &rate})
	if len(cdr.Rate.Extensions) != 1 || cdr.Rate.Extensions[0] != "102" || len(rate.Extensions) < maxNamed {
		t.Errorf("recorded %v of %d", cdr.Rate.Extensions, len(rate.Extensions))
	}
}
