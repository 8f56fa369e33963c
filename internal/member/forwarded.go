package member

import (
	"slices"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/vault/membersock"
)

// approvedItem is an item as the case has it.
type approvedItem struct {
	object membersock.CaseObject
	item   report.Item
}

// checkItems finds what the queue has of the case. What isn't as it was prepared is
// Unopened.
func (c *Case) checkItems(items []approvedItem) {
	for _, x := range items {
		if !c.asPrepared(x) {
			c.Unopened = append(c.Unopened, Unopened{x.object, ErrItem})
		} else if c.Forward != nil && x.object.Digest == c.Forward.Item {
			c.Reference = x.item.Reference
		}
	}
}

// asPrepared tells whether an item is, word for word, the draft that the record
// of its approval names.
func (c *Case) asPrepared(x approvedItem) bool {
	i := slices.IndexFunc(c.Access, func(e membersock.AccessEntry) bool { return e.Seq == x.object.Seq && e.Item == x.item.Draft })
	d := slices.IndexFunc(c.drafts, func(d Draft) bool { return d.Object == x.item.Draft })
	if i < 0 || d < 0 {
		return false
	}
	p := c.drafts[d]
	return x.item.Recipient == c.key.ListRecipient().String() && p.By == x.item.Prepared && p.Title == x.item.Title && p.Text == x.item.Text &&
		p.Class == x.item.Class && p.Category == x.item.Category
}

// forwarded finds the draft that the vault says is being forwarded, and takes
// what became of it. That draft must be the last that the records say was
// prepared: another would be an older text that the vault put in its place.
func (c *Case) forwarded(r *roster.Roster, clock report.Clock) {
	for i := range c.Outcomes {
		if o := &c.Outcomes[i]; !tellsOutcomes(r, o.By) {
			c.unopen(o.Object, ErrSigner)
		}
	}
	c.Outcomes = slices.DeleteFunc(c.Outcomes, func(o Outcome) bool { return !tellsOutcomes(r, o.By) })
	f := c.Forward
	if f == nil {
		return
	}
	for i := len(c.Access) - 1; i >= 0; i-- {
		e := c.Access[i]
		if e.Action != accesslog.PrepareForward {
			continue
		}
		last := slices.ContainsFunc(e.Objects, func(o id.Object) bool { return o.Role == id.RoleDraft && o.Digest == f.Draft })
		if d := len(c.drafts) - 1; last && d >= 0 && c.drafts[d].Object == f.Draft && c.drafts[d].By == f.Prepared {
			c.Draft = &c.drafts[d]
		}
		break
	}
	if c.Draft == nil {
		c.unopen(f.Draft, ErrDraft)
	}
	if o := c.outcome(); o != nil {
		c.came(o.Outcome, clock)
	}
}

// outcome returns the newest outcome of what is being forwarded, or nil.
func (c *Case) outcome() *Outcome {
	for i := range c.Outcomes {
		if c.Forward != nil && c.Outcomes[i].Object == c.Forward.Outcome {
			return &c.Outcomes[i]
		}
	}
	return nil
}
