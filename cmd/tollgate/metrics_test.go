package main

import (
	"math"
	"strings"
	"testing"
	"time"

	"tollgate/rating"
)

// value is a metric of the app without labels, or with the label value that is given.
func (a *app) value(t *testing.T, name, label string) float64 {
	t.Helper()
	families, err := a.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.Metric {
			if label != "" && (len(m.Label) != 1 || m.Label[0].GetValue() != label) {
				continue
			}
			return m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	t.Fatalf("%s %s is not shown", name, label)
	return 0
}

// reaches waits until a metric is what it should be.
func (a *app) reaches(t *testing.T, name, label string, want func(float64) bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !want(a.value(t, name, label)); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s %s is %v", name, label, a.value(t, name, label))
		}
	}
}

func TestMetricsOfTheMoneyMove(t *testing.T) {
	a := newTestApp(t)
	ctx := t.Context()
	is := func(want float64) func(float64) bool { return func(v float64) bool { return v == want } }
	for name, want := range map[string]float64{"tollgate_store_up": 1, "tollgate_store_ephemeral": 1, "tollgate_store_durable": 0, "tollgate_outbox_lag": 0,
		"tollgate_audit_drift": 0, "tollgate_audit_last_timestamp_seconds": 0, "tollgate_license_remaining_seconds": math.Inf(1)} {
		if have := a.value(t, name, ""); have != want {
			t.Errorf("%s begins with %v, want %v", name, have, want)
		}
	}
	for _, listener := range []string{"sip", "admin"} {
		if left := a.value(t, "tollgate_tls_certificate_expiry_timestamp_seconds", listener) - float64(time.Now().Unix()); left < 47*3600 || left > 49*3600 {
			t.Errorf("the certificate of %s ends in %v s, want two days", listener, left)
		}
	}
	e := rating.NewExtension("101")
	e.BillingEnabled = true
	if _, err := a.catalog.AddExtension(ctx, e, "test"); err != nil {
		t.Fatal(err)
	}
	for _, pay := range []rating.Recharge{{Key: "1", Amount: 12_500_000}, {Key: "2", Amount: -2_000_000, Note: "too much"}} {
		pay.Payees, pay.By, pay.At = []rating.Payee{{Extension: "101"}}, "test", time.Now()
		if _, err := a.ledger.Recharge(ctx, pay); err != nil {
			t.Fatal(err)
		}
	}
	if lag := a.value(t, "tollgate_outbox_lag", ""); lag < 2 {
		t.Errorf("two records wait for the archive, tollgate_outbox_lag is %v", lag)
	}
	runTestApp(t, a)
	a.reaches(t, "tollgate_outbox_lag", "", is(0))
	a.reaches(t, "tollgate_recharged_total", "USD", is(12.5)) // without the adjustment
	a.reaches(t, "tollgate_archive_filed_total", "", func(v float64) bool { return v >= 2 })
	a.auditAlong(ctx)
	if v := a.value(t, "tollgate_audit_drift", ""); v != 0 {
		t.Errorf("tollgate_audit_drift is %v with nothing wrong", v)
	}
	if at := a.value(t, "tollgate_audit_last_timestamp_seconds", ""); time.Since(time.Unix(int64(at), 0)) > time.Minute {
		t.Errorf("the audit is shown as of %v", at)
	}
	a.steal(t)
	a.auditAlong(ctx)
	if v := a.value(t, "tollgate_audit_drift", ""); v < 1 {
		t.Errorf("tollgate_audit_drift is %v though a balance was changed behind our back", v)
	}
}

// steal takes money out of an account behind the ledger's back.
func (a *app) steal(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	keys, err := a.store.Client.Keys(ctx, "*").Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		if there, err := a.store.Client.HExists(ctx, key, balanceField).Result(); err == nil && there && strings.Contains(key, "101") {
			if err := a.store.Client.HIncrBy(ctx, key, balanceField, -1_000_000).Err(); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatalf("no account among %v", keys)
}
