package catalog

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"tollgate/rating"
	"tollgate/rating/embedded/redistest"
)

func TestADocumentThatCannotBeUsedIsLeftOutAndNamed(t *testing.T) {
	everyStore(t, func(t *testing.T, client redis.UniversalClient) {
		ctx := t.Context()
		var log bytes.Buffer
		c := New(client, newLedger(), Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
		must(c.AddExtension(ctx, extension("101"), ""))(t)
		must(c.AddRate(ctx, rate("9")))(t)
		must(c.AddTrunk(ctx, trunk("a")))(t)
		good := client.HGet(ctx, rateKind.key(), "1").Val()
		for _, b := range []struct {
			kind      kind
			id, value string
		}{
			{extensionKind, "102", "no version"}, {extensionKind, "103", "1 {"}, {extensionKind, "104", `1 {"number":"105"}`},
			{extensionKind, "107", `1 {"number":"107","payment_type":"barter","status":"unlocked"}`}, {extensionKind, "108", "1 null"},
			{rateKind, "x", good}, {rateKind, "2", good}, {rateKind, "3", `1 {"id":3,"initial_cost":0.5}`}, {rateKind, "4", "1 []"},
			{trunkKind, "b", `1 {"name":"b","uri":"tel:1"}`}, {dialRuleKind, "1", "-1 {}"}, {installationKind, "settings", "7 {}"}, {installationKind, "billing", "x"},
			{extensionKind, strings.Repeat("1", 200), "1 {}"},
		} {
			client.HSet(ctx, b.kind.key(), b.id, b.value)
		}
		c.EditBilling(ctx, func(b rating.Billing) (rating.Billing, error) { return b, nil }) // is broken itself: takes the defaults
		client.Del(ctx, logKey)
		if err := c.Refresh(ctx); err != nil {
			t.Fatal(err)
		}
		client.HSet(ctx, headKey, "stamp", "another") // everything is read
		if err := c.Refresh(ctx); err != nil {
			t.Fatal(err)
		}
		s := c.Current()
		if s.Extensions() != 1 || len(s.Rates.Rates()) != 1 || len(s.Plan.Trunks()) != 1 || len(s.Plan.Rules()) != 0 || s.Settings.RingTimeout != 180 {
			t.Errorf("the snapshot has %d extensions, %d rates, %d trunks, %d rules, settings %+v", s.Extensions(), len(s.Rates.Rates()),
				len(s.Plan.Trunks()), len(s.Plan.Rules()), s.Settings)
		}
		named := make(map[string]string)
		for _, q := range c.Quarantined() {
			named[q.Kind+"/"+q.ID] = q.Reason
		}
		for _, want := range []string{"extensions/102", "extensions/103", "extensions/104", "extensions/107", "extensions/108", "rates/x",
			"rates/2", "rates/3", "rates/4", "trunks/b", "dial_rules/1", "installation/settings", "extensions/" + strings.Repeat("1", 60) + "…"} {
			if named[want] == "" {
				t.Errorf("%s is not named among %v", want, named)
			}
			if _, id, _ := strings.Cut(want, "/"); !strings.Contains(log.String(), "id="+id) && !strings.Contains(log.String(), `id="`+id) {
				t.Errorf("%s is not in the log", want)
			}
		}

		// What can be mended by writing or deleting goes away again.
		must(c.EditSettings(ctx, func(s rating.Settings) (rating.Settings, error) { s.RingTimeout = 99; return s, nil }))(t)
		if err := c.DeleteExtension(ctx, "102", "", nil); err != nil {
			t.Error(err)
		}
		if err := c.DeleteRate(ctx, 3, nil); err != nil {
			t.Error(err)
		}
		for _, q := range c.Quarantined() {
			if q.ID == "102" || q.ID == "settings" || q.ID == "3" {
				t.Errorf("%s %s is still named", q.Kind, q.ID)
			}
		}
		if c.Current().Settings.RingTimeout != 99 {
			t.Error("settings that could not be read could not be written either")
		}
	})
}

func TestADamagedHeadIsAnErrorAndNoPanic(t *testing.T) {
	client := redistest.Start(t)
	c := New(client, nil, Options{Log: quiet})
	for _, damage := range []func(){
		func() { client.HSet(t.Context(), headKey, "version", "many") },
		func() { client.Del(t.Context(), headKey); client.Set(t.Context(), rateKind.key(), "x", 0) },
	} {
		damage()
		if err := c.Refresh(t.Context()); err == nil {
			t.Error("no error")
		}
		if _, stale := c.Stale(); !stale || c.Current() == nil {
			t.Error("not stale, or no snapshot")
		}
	}
}

func FuzzDecode(f *testing.F) {
	e := extension("101")
	e.Version = 3
	value, err := extensionForm.encode(&e)
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{value, "", "3", "3 ", "3 {}", "3 null", "-3 {}", "9999999999999999 {}", `1 {"number":"101","limits":{"daily_spend":1}}`} {
		f.Add("101", seed)
	}
	f.Fuzz(func(t *testing.T, id, value string) {
		doc, err := extensionForm.decode(id, value)
		if err == nil {
			again, err := extensionForm.encode(doc)
			if err != nil || doc.Number != id {
				t.Fatalf("%q under %q became %+v, %v", value, id, doc, err)
			}
			if twice, err := extensionForm.decode(id, again); err != nil || fmt.Sprint(twice.Terms) != fmt.Sprint(doc.Terms) {
				t.Fatalf("%q became %q: %v", value, again, err)
			}
		}
		rateForm.decode(id, value)
		trunkForm.decode(id, value)
		dialRuleForm.decode(id, value)
		settingsForm.decode(id, value)
		billingForm.decode(id, value)
		tokenForm.decode(id, value)
		userForm.decode(id, value)
		decodeSession(id, value)
	})
}
