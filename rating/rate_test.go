package rating

import (
	"encoding/json"
	"errors"
	"testing"
)

func TestRateValidationNamesTheField(t *testing.T) {
	for _, c := range []struct {
		field  string
		change func(*Rate)
	}{
		{"prefix", func(r *Rate) { r.Prefix = "9a" }},
		{"prefix", func(r *Rate) { r.Prefix = "9+" }},
		{"number_length", func(r *Rate) { r.NumberLength = -1 }},
		{"number_length", func(r *Rate) { r.Prefix, r.NumberLength = "9999", 3 }},
		{"initial_cost", func(r *Rate) { r.InitialCost = -1 }},
		{"initial_cost", func(r *Rate) { r.InitialCost = MaxPrice + 1 }},
		{"initial_time", func(r *Rate) { r.InitialTime = MaxTariffSeconds + 1 }},
		{"rate", func(r *Rate) { r.PerUnit = -1 }},
		{"billing_unit", func(r *Rate) { r.PerUnit, r.BillingUnit = 1, 0 }},
		{"billing_unit", func(r *Rate) { r.BillingUnit = -1 }},
		{"end_time", func(r *Rate) { r.StartTime, r.EndTime = 5, 5 }},
		{"start_time", func(r *Rate) { r.StartTime = LastSecond + 1 }},
		{"extensions", func(r *Rate) { r.Extensions = []string{"*", "101"} }},
		{"extensions", func(r *Rate) { r.Extensions = []string{"101", "101"} }},
		{"extensions", func(r *Rate) { r.Extensions = []string{"a b"} }},
		{"remark", func(r *Rate) { r.Remark = "\xff" }},
	} {
		r := NewRate()
		c.change(&r)
		var bad Invalid
		if err := r.Validate(); !errors.As(err, &bad) || bad[0].Field != c.field {
			t.Errorf("%+v: %v, want a fault of %s", r, err, c.field)
		}
	}
	if err := NewRate().Validate(); err != nil {
		t.Errorf("an empty form: %v", err)
	}
}

func TestRateInJSONHasTheNamesOfTheContract(t *testing.T) {
	const doc = `{"id":1,"active":true,"remark":"city","prefix":"9","number_length":9,"initial_cost":"0.1000","initial_time":60,"rate":"0.0200","billing_unit":55,"start_time":"00:00:00","end_time":"23:59:59","extensions":["*"],"version":1}`
	var r Rate
	if err := json.Unmarshal([]byte(doc), &r); err != nil {
		t.Fatal(err)
	}
	if r.Tariff != guide {
		t.Errorf("tariff %+v, want %+v", r.Tariff, guide)
	}
	if out, err := json.Marshal(r); err != nil || string(out) != doc {
		t.Errorf("wrote %s, %v\nwant  %s", out, err, doc)
	}
}

func FuzzRate(f *testing.F) {
	f.Add([]byte(`{"id":1,"prefix":"9","rate":"0.02","billing_unit":55,"start_time":"00:00:00","end_time":"23:59:59","extensions":["*"]}`))
	f.Add([]byte(`{"start_time":"24:00:00"}`))
	f.Add([]byte(`{"rate":9e99}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		var r Rate
		if json.Unmarshal(doc, &r) != nil || r.Validate() != nil {
			return
		}
		r.Active = true
		if r.FirstCharge() < 0 || r.Cost(1<<32) < 0 {
			t.Fatalf("a valid rate costs less than nothing: %+v", r)
		}
		NewRateIndex([]Rate{r}).Match(RateQuery{"101", r.Prefix + "1", r.StartTime})
	})
}

func TestTimeOfDay(t *testing.T) {
	for _, bad := range []string{"", "24:00:00", "1:00:00", "00:60:00", "00:00", "00:00:00.5", "aa:bb:cc"} {
		if got, err := ParseTimeOfDay(bad); err == nil {
			t.Errorf("ParseTimeOfDay(%q) = %s", bad, got)
		}
	}
	if got, err := ParseTimeOfDay("23:59:59"); err != nil || got != LastSecond || got.String() != "23:59:59" {
		t.Errorf("23:59:59 = %d, %v", got, err)
	}
}
