package catalog

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"tollgate/rating"
)

// extensionEdit is what is asked for one extension of a batch.
type extensionEdit struct {
	number  string
	may     allowance
	edit    func(rating.Extension) (rating.Extension, error)
	opening rating.Money
}

// allowance says whether an edit may make a new extension, change one, or either.
type allowance int

const (
	mayAdd allowance = 1 << iota
	mayEdit
)

// extensionPlan is what a batch would write.
type extensionPlan struct {
	write    write
	steps    []string // numbers whose account has a step to do
	result   []rating.Extension
	imported rating.Imported
}

// planExtensions reads, edits and checks a batch without writing anything.
func (c *Catalog) planExtensions(ctx context.Context, by string, edits []extensionEdit) (extensionPlan, error) {
	plan := extensionPlan{write: write{kind: extensionKind}}
	if len(edits) == 0 || len(edits) > MaxBatch {
		return plan, rating.Invalid{{Field: "numbers", Message: fmt.Sprintf("must name 1 to %d extensions", MaxBatch)}}
	}
	numbers, wrong := distinctNumbers(edits)
	all, err := readHeld(ctx, c, extensionForm, numbers)
	if err != nil {
		return plan, err
	}
	var faults Faults
	for i, e := range edits {
		if len(faults) >= maxFaults {
			break
		}
		if bad, ok := wrong[i]; ok {
			faults.add(i, bad)
			continue
		}
		fault := plan.add(e, all[0], by)
		all = all[1:]
		var bad rating.Invalid
		if errors.As(fault, &bad) {
			faults.add(i, bad)
		} else if fault != nil {
			return plan, about(extensionForm, e.number, fault)
		}
	}
	return plan, faults.err()
}

// distinctNumbers returns the numbers of a batch but for those that stand in it twice or are none, which are faults, by edit.
func distinctNumbers(edits []extensionEdit) (numbers []string, wrong map[int]rating.Invalid) {
	seen := make(map[string]bool, len(edits))
	wrong = map[int]rating.Invalid{}
	for i, e := range edits {
		switch {
		case !rating.ValidExtension(e.number):
			wrong[i] = rating.Invalid{{Field: "number", Message: fmt.Sprintf("%q is no extension number", shorten(e.number))}}
		case seen[e.number]:
			wrong[i] = rating.Invalid{{Field: "number", Message: e.number + " stands here twice"}}
		default:
			seen[e.number] = true
			numbers = append(numbers, e.number)
		}
	}
	return numbers, wrong
}

// errNoExtension is for those who ask for a resource and for those who ask who pays.
var errNoExtension = fmt.Errorf("%w: %w", rating.ErrNotFound, rating.ErrUnknownExtension)

// add plans one edit.
func (p *extensionPlan) add(e extensionEdit, h held[rating.Extension], by string) error {
	doc, err := e.begin(h)
	if doc != nil && err != nil {
		p.result = append(p.result, *doc)
	}
	if err != nil {
		return err
	}
	before := *doc
	after, err := e.edit(before)
	if err != nil {
		return err
	}
	if after.Number != e.number {
		return errRenamed
	}
	created := h.doc == nil
	after.Version = before.Version
	if same, err := extensionForm.encode(&after); err != nil || same == h.value && !created {
		p.keep(after, created)
		return err
	}
	after.Version = h.version + 1
	if err := checkExtension(after, e.opening, created); err != nil {
		return err
	}
	value, err := extensionForm.encode(&after)
	if err != nil {
		return err
	}
	d := putDocument{id: e.number, over: h.version, value: value}
	if created || after.Terms != before.Terms || after.Username != before.Username {
		d.step = openOrTerms(after, created, e.opening, by).encode()
		p.steps = append(p.steps, e.number)
	}
	p.write.documents = append(p.write.documents, d)
	p.keep(after, created)
	return nil
}

func (p *extensionPlan) keep(doc rating.Extension, created bool) {
	p.result = append(p.result, doc)
	if created {
		p.imported.Created++
	} else {
		p.imported.Updated++
	}
}

// begin returns what the edit starts from, or why it may not; where the number is taken, with what has it.
func (e extensionEdit) begin(h held[rating.Extension]) (*rating.Extension, error) {
	exists := h.doc != nil || h.err != nil
	switch {
	case !exists && e.may&mayAdd != 0:
		doc := rating.NewExtension(e.number)
		return &doc, nil
	case exists && e.may&mayEdit == 0:
		return h.doc, rating.ErrAccountExists
	}
	if err := h.unusable(); errors.Is(err, rating.ErrNotFound) {
		return nil, errNoExtension
	} else if err != nil {
		return nil, err
	}
	doc := *h.doc
	if e.opening != 0 {
		return nil, rating.Invalid{{Field: "balance", Message: "the extension exists: its balance is changed by a recharge, not by an import"}}
	}
	return &doc, nil
}

// checkExtension validates an extension and what its account begins with.
func checkExtension(e rating.Extension, opening rating.Money, created bool) error {
	var bad rating.Invalid
	if err := e.Validate(); err != nil && !errors.As(err, &bad) {
		return err
	}
	if created && (!opening.InRange() || opening+e.Credit < 0) {
		bad = append(slices.Clone(bad), rating.FieldError{Field: "balance", Message: "must not lie further below zero than the credit allows"})
	}
	if len(bad) > 0 {
		return bad
	}
	return nil
}
