package catalog

import (
	"strconv"

	"tollgate/rating"
)

// draft is what a refresh has read so far; at is the position that it is complete up to.
type draft struct {
	at    position
	parts map[kind]*part
}

// part holds the values read of one kind by id; "" is a document that is no more.
type part struct {
	whole  bool // everything was read: what is not here is no more
	values map[string]string
}

func newDraft(at position) *draft { return &draft{at, make(map[kind]*part)} }

func (d *draft) untouched() bool { return len(d.parts) == 0 }

func (d *draft) add(documents []named) {
	for _, n := range documents {
		p := d.parts[n.kind]
		if p == nil {
			p = &part{values: make(map[string]string)}
			d.parts[n.kind] = p
		}
		p.values[n.id] = n.value
	}
}

// publish makes the draft the snapshot that everybody sees.
func (c *Catalog) publish(d *draft) {
	base := c.Current()
	change := rating.Change{Version: d.at.version}
	if p := d.parts[extensionKind]; p != nil {
		change.Extensions = decodeAll(c, extensionForm, p)
		if p.whole {
			base.Each(func(e *rating.Extension) bool { return markGone(change.Extensions, e.Number) })
		}
	}
	if p := d.parts[rateKind]; p != nil {
		change.Rates = decodeRates(c, p, base.Rates)
	}
	trunks, rules := d.parts[trunkKind], d.parts[dialRuleKind]
	if trunks != nil || rules != nil {
		change.Plan = rating.NewDialPlan(mergeRules(c, rules, base.Plan), mergeTrunks(c, trunks, base.Plan))
	}
	if p := d.parts[installationKind]; p != nil {
		change.Settings, change.Billing = c.installation(p)
	}
	c.broken.report(c.log)
	c.show(newView(base.With(change), d.at.plan))
}

// decodeAll decodes what was read; what is gone, or cannot be read, is nil.
func decodeAll[T any](c *Catalog, f form[T], p *part) map[string]*T {
	if p.whole {
		c.broken.keep(f.kind, p.values)
	}
	docs := make(map[string]*T, len(p.values))
	for id, value := range p.values {
		docs[id] = nil
		if version, text := splitValue(value); value == "" || version > 0 && text == "" {
			c.broken.mend(f.kind, id)
			continue
		}
		doc, err := f.decode(id, value)
		if err != nil {
			c.broken.add(f.kind, id, err)
			continue
		}
		c.broken.mend(f.kind, id)
		docs[id] = doc
	}
	return docs
}

// markGone notes that a document is no more, unless it was read.
func markGone[K comparable, T any](docs map[K]*T, id K) bool {
	if _, read := docs[id]; !read {
		docs[id] = nil
	}
	return true
}

func decodeRates(c *Catalog, p *part, base *rating.RateIndex) map[int64]*rating.Rate {
	rates := make(map[int64]*rating.Rate, len(p.values))
	for id, r := range decodeAll(c, rateForm, p) {
		if n, err := strconv.ParseInt(id, 10, 64); err == nil {
			rates[n] = r
		}
	}
	if p.whole {
		for i := range base.Rates() {
			markGone(rates, base.Rates()[i].ID)
		}
	}
	return rates
}

func mergeTrunks(c *Catalog, p *part, base *rating.DialPlan) []rating.Trunk {
	var held []*rating.Trunk
	if p == nil || !p.whole {
		held = base.Trunks()
	}
	return merge(c, trunkForm, p, held)
}

func mergeRules(c *Catalog, p *part, base *rating.DialPlan) []rating.DialRule {
	var held []*rating.DialRule
	if p == nil || !p.whole {
		for i := range base.Rules() {
			held = append(held, &base.Rules()[i])
		}
	}
	return merge(c, dialRuleForm, p, held)
}

// merge lays what was read over what is held.
func merge[T any](c *Catalog, f form[T], p *part, held []*T) []T {
	var read map[string]*T
	if p != nil {
		read = decodeAll(c, f, p)
	}
	var merged []T
	for _, doc := range held {
		if _, changed := read[f.id(doc)]; !changed {
			merged = append(merged, *doc)
		}
	}
	for _, doc := range read {
		if doc != nil {
			merged = append(merged, *doc)
		}
	}
	return merged
}

// installation returns the settings and the billing switch where they were read. One that cannot be read stays as it
// was: a wrong guess about them would stop every call.
func (c *Catalog) installation(p *part) (*rating.Settings, *rating.Billing) {
	return readSingle(c, settingsForm, settingsID, p), readSingle(c, billingForm, billingID, p)
}

func readSingle[T any](c *Catalog, f form[T], id string, p *part) *T {
	value, read := p.values[id]
	if !read && !p.whole {
		return nil
	}
	doc, err := f.decode(id, value)
	switch {
	case value == "":
		c.broken.mend(f.kind, id)
		none := f.none()
		return &none
	case err != nil:
		c.broken.add(f.kind, id, err)
		return nil
	}
	c.broken.mend(f.kind, id)
	return doc
}
