package desk

import (
	"cmp"
	"slices"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/internal/member"
)

// stages are all that forwarding can come to, what needs a person first.
func stages() []accesslog.Stage {
	return []accesslog.Stage{
		accesslog.StageUnknown, accesslog.StageStopped, accesslog.StageRefused, accesslog.StagePrepared, accesslog.StageReturned,
		accesslog.StageSending, accesslog.StageApproved, accesslog.StageSent, accesslog.StageDone, accesslog.StageDropped,
	}
}

// needsPerson tells whether nothing goes on at a stage until somebody does
// something.
func needsPerson(s accesslog.Stage) bool {
	switch s {
	case accesslog.StageUnknown, accesslog.StageStopped, accesslog.StageRefused, accesslog.StagePrepared, accesslog.StageReturned:
		return true
	}
	return false
}

// step is something that a member can do about forwarding.
type step struct{ Href, Text string }

// steps are what can be done at a stage, in words; members who may not do it are
// told so on its page.
func steps(l *lang.Language, base string, s accesslog.Stage) (all []step) {
	add := func(path, key string) { all = append(all, step{base + path, l.T(key)}) }
	switch s {
	case accesslog.StagePrepared:
		add("/setujui", "desk.approve.link")
	case "", accesslog.StageReturned, accesslog.StageDropped:
	case accesslog.StageSent, accesslog.StageDone:
		return nil
	}
	if _, ok := s.After(accesslog.PrepareForward, ""); ok {
		key := "desk.prepare.link"
		if s != "" {
			key = "desk.prepare.link.again"
		}
		add("/teruskan", key)
	}
	if len(decisions(s)) > 0 {
		add("/putuskan", "desk.decide.link")
	}
	return all
}

// decisions are what an approver may decide at a stage; to return a draft has
// its place on the page where it is approved.
func decisions(s accesslog.Stage) (all []accesslog.Result) {
	for _, r := range []accesslog.Result{accesslog.ResultSent, accesslog.ResultAgain, accesslog.ResultUnknown, accesslog.ResultDropped} {
		if _, ok := s.After(accesslog.Decide, r); ok {
			all = append(all, r)
		}
	}
	return all
}

// happened is one thing that became of a text, on the case's page.
type happened struct {
	When, What, Text string
	Lines            []line
}

// forwardedPart is what the case's page tells of forwarding.
type forwardedPart struct {
	State, About   string // "" before anything was prepared
	Todo           string
	Lines          []line
	DraftTitle     string
	Draft          string
	History        []happened // oldest first
	Steps          []step
	Refused        string // why nothing may be forwarded
	NeedsAttention bool
}

// forwardedPart says how far the forwarding of a case has come.
func (s *Server) forwardedPart(l *lang.Language, ro *roster.Roster, c *member.Case) (p forwardedPart) {
	base := l.Path("/kasus/" + string(c.Case))
	var stage accesslog.Stage
	if f := c.Forward; f != nil {
		stage = f.State
		p.State, p.About = l.T("desk.stage."+string(stage)), l.T("desk.stage."+string(stage)+".about")
		p.NeedsAttention = needsPerson(stage)
		p.Todo = todo(l, c)
		add := func(key, value string) {
			if value != "" {
				p.Lines = append(p.Lines, line{l.T("desk.forward." + key), value})
			}
		}
		add("since", l.Day(f.Day))
		add("prepared", name(l, ro, f.Prepared))
		if f.Approved != "" {
			by := name(l, ro, f.Approved)
			if f.Approved == f.Prepared {
				by = l.T("desk.forward.alone", "Name", by)
			}
			add("approved", by)
		}
		reference, tracking, link := found(c)
		add("reference", reference)
		add("tracking", tracking)
		add("link", link)
	}
	if c.Draft != nil {
		p.DraftTitle, p.Draft = c.Draft.Title, c.Draft.Text
	}
	for _, o := range c.Outcomes {
		h := happened{
			When: l.T("desk.from.note", "Name", name(l, ro, o.By), "Time", l.Time(o.Time, s.c.Clock.Zone)), What: l.T("desk.result." + string(o.Result)), Text: o.Text,
		}
		if o.Word != "" {
			h.Lines = append(h.Lines, line{l.T("desk.forward.word"), lang.Visible(o.Word)})
		}
		if o.Status != "" {
			h.Lines = append(h.Lines, line{l.T("desk.line.status"), l.T("status." + string(o.Status))})
		}
		if o.Tracking != "" {
			h.Lines = append(h.Lines, line{l.T("desk.forward.tracking"), lang.Visible(o.Tracking)})
		}
		p.History = append(p.History, h)
	}
	if key := unfit(c); key != "" {
		p.Refused = l.T(key + ".text")
		if stage == "" {
			return p
		}
	}
	p.Steps = steps(l, base, stage)
	if p.Refused != "" { // nothing more is prepared or approved; what is under way can be decided
		p.Steps = slices.DeleteFunc(p.Steps, func(x step) bool { return x.Href != base+"/putuskan" })
	}
	return p
}

// found is where in the queue it is what is being forwarded, as far as the item
// and the newest outcomes tell.
func found(c *member.Case) (reference, tracking, link string) {
	if c.Forward == nil {
		return "", "", ""
	}
	reference = c.Reference
	for _, o := range slices.Backward(c.Outcomes) {
		if o.Item != c.Forward.Item && o.Item != c.Forward.Draft {
			continue
		}
		reference, tracking, link = cmp.Or(reference, lang.Visible(o.Reference)), cmp.Or(tracking, lang.Visible(o.Tracking)), cmp.Or(link, lang.Visible(o.Link))
	}
	return reference, tracking, link
}

// todo says what a person must do now, or "".
func todo(l *lang.Language, c *member.Case) string {
	if c.Forward == nil {
		return ""
	}
	if c.Forward.State == accesslog.StageUnknown {
		if reference, _, _ := found(c); reference != "" {
			return l.T("desk.todo.unknown.ref", "Ref", reference)
		}
	}
	key := "desk.todo." + string(c.Forward.State)
	if !l.Has(key) {
		return ""
	}
	return l.T(key)
}

// sentBack is the reason for which the draft of a case was sent back, or "".
func sentBack(c *member.Case) string {
	if c.Forward == nil || c.Forward.State != accesslog.StageReturned {
		return ""
	}
	for _, o := range slices.Backward(c.Outcomes) {
		if o.Item == c.Forward.Draft && o.Result == accesslog.ResultReturned {
			return o.Text
		}
	}
	return ""
}
