package siptest

import (
	"testing"
	"time"
)

// Every message may be lost, doubled or late: the calls come through, and both ends agree on them.
func TestBadNetwork(t *testing.T) {
	t.Parallel()
	p := newPair(t, "udp", 50*time.Millisecond, func(c *PhoneConfig, k *CarrierConfig) {
		c.Network = &Network{Loss: 0.1, Duplicate: 0.1, Jitter: 10 * time.Millisecond, Seed: 1}
		k.Network = &Network{Loss: 0.1, Duplicate: 0.1, Delay: time.Millisecond, Seed: 2}
		k.Default = Answer(5 * time.Millisecond)
	})
	const calls = 40
	var up []*Call
	for range calls {
		up = append(up, p.phone.Call("988"))
	}
	for _, c := range up {
		must[*Message](t)(c.Answered(t.Context()))
	}
	if err := p.carrier.WaitLive(t.Context(), calls); err != nil {
		t.Fatal(err)
	}
	for _, c := range up {
		must[*Message](t)(c.Bye(t.Context()))
	}
	if err := p.carrier.WaitLive(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	rows, _ := p.carrier.Record()
	if total := p.carrier.Totals(); len(rows) != calls || total.Answered != calls || total.Ended != calls {
		t.Errorf("%d rows, %+v", len(rows), total)
	}
	for _, r := range rows {
		if r.EndedBy != Remote {
			t.Errorf("ended by %s", r.EndedBy)
		}
	}
	phone, carrier := p.phone.Counters(), p.carrier.Counters()
	if phone.Retransmitted == 0 || carrier.Retransmitted == 0 || carrier.Repeats == 0 {
		t.Errorf("a network without misfortune: %+v %+v", phone, carrier)
	}
}

func TestNetworkIsTheSameForTheSameSeed(t *testing.T) {
	fates := func(seed uint64) (copies [1000]int) {
		n := (&Network{Loss: 0.2, Duplicate: 0.5, Seed: seed}).open()
		for i := range copies {
			copies[i] = n.copies()
		}
		return copies
	}
	one := fates(7)
	if one != fates(7) || one == fates(8) {
		t.Error("the seed does not decide")
	}
	count := map[int]int{}
	for _, c := range one {
		count[c]++
	}
	if lost, twice := count[0], count[2]; lost < 150 || lost > 250 || twice < 350 || twice > 450 {
		t.Errorf("of 1000 %d were lost and %d came twice", lost, twice)
	}
}
