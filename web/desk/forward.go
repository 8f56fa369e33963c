package desk

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strings"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/internal/member"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/vault/membersock"
	"suluh.example/suluh/vault/wire"
	"suluh.example/suluh/web/page"
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

type approvePage struct {
	page.Page
	draft
	Base             string
	OutTitle, Out    string
	Changed          bool // the text has characters that can't be seen as they are
	Lines            []line
	Original         []string // what the reporter wrote
	Left             []*mask
	LeftMore         int
	Digest           id.Digest
	Barred           string // why this member can't approve it
	Alone            bool
	MayReturn        bool
	Prepared, Member string
}

// approve is the page on which a second member reads what will be sent.
func (s *Server) approve(w http.ResponseWriter, v *visit) error {
	c, err := v.session.member.Open(v.Context(), v.of) // the draft may be another by now
	if err != nil {
		return err
	}
	return s.approvePage(w, v, c, draft{Case: v.of, Kind: approving}, "")
}

func (s *Server) approvePage(w http.ResponseWriter, v *visit, c *member.Case, d draft, notice string, problems ...page.Problem) error {
	l, ro, me := v.lang, v.session.member.Roster(), v.session.member.Member()
	if c.Draft == nil || c.Forward == nil || c.Forward.State != accesslog.StagePrepared {
		return s.unfitPage(w, v, "desk.approve.gone")
	}
	p := approvePage{
		Page: s.page(v, l.T("desk.approve.title")), draft: d, Base: l.Path("/kasus/" + string(v.of)),
		OutTitle: c.Draft.Title, Out: c.Draft.Text, Digest: c.Draft.Object, Prepared: name(l, ro, c.Draft.By), Member: string(me),
	}
	p.Page.Class = "wide"
	p.Problems, p.Notice = problems, notice
	if _, err := member.ParseOnce(p.Once); err != nil {
		p.Once = member.NewOnce().String()
	}
	p.Changed = member.Readable(p.Out) != p.Out || member.Readable(p.OutTitle) != p.OutTitle
	p.Lines = []line{
		{l.T("desk.line.class"), l.T("class." + string(c.Draft.Class))},
		{l.T("desk.line.category"), categoryName(l, c.Draft.Category)},
		{l.T("desk.forward.prepared"), l.T("desk.forward.by", "Name", p.Prepared, "Time", l.Time(c.Draft.Time, s.c.Clock.Zone))},
	}
	_, text := c.Proposal()
	if text != "" {
		p.Original = []string{text}
	}
	p.Left, p.LeftMore = few(personal(c.Redactor(), p.OutTitle, p.Out, true))
	alone, err := c.MayApprove(ro, me)
	p.Alone = alone
	for _, x := range []struct {
		err error
		key string
	}{
		{member.ErrKeep, "desk.unfit.keep.text"},
		{member.ErrClass, "desk.approve.class"},
		{member.ErrApprover, "desk.approve.role"},
		{member.ErrSelf, "desk.approve.self"},
		{member.ErrLeft, "desk.approve.left"},
	} {
		if errors.Is(err, x.err) {
			p.Barred = l.T(x.key)
		}
	}
	if err != nil && p.Barred == "" {
		return err
	}
	who, _ := ro.Member(me)
	p.MayReturn = who.Has(roster.Approver) && who.Unit == c.Handling
	return s.pages.Write(w, l, "approve", p)
}

// categoryName is what a category is called, also if there is none.
func categoryName(l *lang.Language, c report.Category) string {
	if c == "" {
		return l.T("desk.line.unsaid")
	}
	return l.T("category." + string(report.ParseCategory(string(c))))
}

// sendApproved hands the text to the forwarder, word for word.
func (s *Server) sendApproved(w http.ResponseWriter, v *visit) error {
	return s.onDraft(w, v, string(approving), func(digest id.Digest, once member.Once, _ draft) error {
		return v.session.member.Approve(v.Context(), v.of, once, digest, v.PostForm.Get("sendiri") == "ya")
	})
}

// sendBack gives a draft back to who prepared it.
func (s *Server) sendBack(w http.ResponseWriter, v *visit) error {
	return s.onDraft(w, v, "kembali", func(digest id.Digest, once member.Once, d draft) error {
		return v.session.member.Decide(v.Context(), v.of, once, member.Decision{Item: digest, Result: accesslog.ResultReturned, Reason: d.Text})
	})
}

// onDraft does what an approver has decided on a draft, and shows the case with
// the notice of that, or the page again.
func (s *Server) onDraft(w http.ResponseWriter, v *visit, notice string, do func(id.Digest, member.Once, draft) error) error {
	digest, err := id.ParseDigest(v.PostForm.Get("naskah"))
	if err != nil {
		return errForm
	}
	d := readDraft(v, approving)
	once, err := member.ParseOnce(d.Once)
	if err != nil {
		return errForm
	}
	if err := do(digest, once, d); err != nil {
		return s.undecided(w, v, d, err)
	}
	return s.to(w, v, "/kasus/"+string(v.of)+"?ok="+notice)
}

// undecided shows the page again on which something was to be decided, with
// what was typed and why it wasn't done.
func (s *Server) undecided(w http.ResponseWriter, v *visit, d draft, err error) error {
	problem := page.Problem{}
	for _, x := range []struct {
		err        error
		field, key string
	}{
		{member.ErrReason, "teks", "desk.decide.reason.missing"},
		{member.ErrDraft, "", "desk.approve.other"},
		{member.ErrForwarder, "", "desk.approve.noforwarder"},
		{member.ErrReporters, "", "desk.reporters.text"},
		{member.ErrApprover, "", "desk.approve.role"},
		{member.ErrDecision, "putusan", "desk.decide.missing"},
		{membersock.ErrState, "", "desk.decide.state"},
		{wire.ErrUnreachable, "", "desk.decide.unsent"},
		{wire.ErrVault, "", "desk.decide.unsent"},
	} {
		if errors.Is(err, x.err) {
			problem = page.Problem{Field: x.field, Text: v.lang.T(x.key)}
		}
	}
	if problem.Text == "" {
		return err
	}
	c, err := v.session.member.Recall(v.Context(), v.of)
	if err != nil {
		return err
	}
	if d.Kind == deciding {
		return s.decidePage(w, v, c, d, "", problem)
	}
	return s.approvePage(w, v, c, d, "", problem)
}

type decidePage struct {
	page.Page
	draft
	Base, State, About, Todo string
	Lines                    []line
	Choices                  []choice
	Tracks                   bool
	Digest                   id.Digest
	Barred                   string
}

// decide is the page on which a person decides where no machine can.
func (s *Server) decide(w http.ResponseWriter, v *visit) error {
	c, err := v.session.member.Open(v.Context(), v.of)
	if err != nil {
		return err
	}
	d := draft{Case: v.of, Kind: deciding}
	if v.Method == http.MethodPost {
		d = readDraft(v, deciding)
	}
	return s.decidePage(w, v, c, d, "")
}

func (s *Server) decidePage(w http.ResponseWriter, v *visit, c *member.Case, d draft, notice string, problems ...page.Problem) error {
	l, ro, me := v.lang, v.session.member.Roster(), v.session.member.Member()
	if c.Forward == nil || len(decisions(c.Forward.State)) == 0 {
		return s.unfitPage(w, v, "desk.decide.nothing")
	}
	part := s.forwardedPart(l, ro, c)
	p := decidePage{
		Page: s.page(v, l.T("desk.decide.title")), draft: d, Base: l.Path("/kasus/" + string(v.of)),
		State: part.State, About: part.About, Todo: part.Todo, Lines: part.Lines, Digest: cmp.Or(c.Forward.Item, c.Forward.Draft),
	}
	p.Problems, p.Notice = problems, notice
	p.draft.Member = me
	if _, err := member.ParseOnce(p.Once); err != nil {
		p.Once = member.NewOnce().String()
	}
	for _, r := range decisions(c.Forward.State) {
		p.Tracks = p.Tracks || r == accesslog.ResultSent
		p.Choices = append(p.Choices, choice{Value: string(r), Text: l.T("desk.decision." + string(r)), Hint: l.T("desk.decision." + string(r) + ".hint"), On: string(r) == d.Chosen})
	}
	if who, _ := ro.Member(me); !who.Has(roster.Approver) || who.Unit != c.Handling {
		p.Barred = l.T("desk.approve.role")
	}
	return s.pages.Write(w, l, "decide", p)
}

type decidedPage struct {
	page.Page
	draft
	Base, What, Hint string
	Digest           id.Digest
}

// checkDecision says once more what was decided, before it is.
func (s *Server) checkDecision(w http.ResponseWriter, v *visit) error {
	d := readDraft(v, deciding)
	c, err := v.session.member.Recall(v.Context(), v.of)
	if err != nil {
		return err
	}
	if c.Forward == nil || !slices.Contains(decisions(c.Forward.State), accesslog.Result(d.Chosen)) {
		return s.decidePage(w, v, c, d, "", page.Problem{Field: "putusan", Text: v.lang.T("desk.decide.missing")})
	}
	digest, err := id.ParseDigest(v.PostForm.Get("naskah"))
	if err != nil {
		return errForm
	}
	l := v.lang
	p := decidedPage{
		Page: s.page(v, l.T("desk.decide.check")), draft: d, Base: l.Path("/kasus/" + string(v.of)), Digest: digest,
		What: l.T("desk.decision." + d.Chosen), Hint: l.T("desk.decision." + d.Chosen + ".hint"),
	}
	if accesslog.Result(d.Chosen) != accesslog.ResultSent {
		p.draft.Heading = ""
	}
	p.Member = v.session.member.Member()
	return s.pages.Write(w, l, "decided", p)
}

// saveDecision hands in what a person decided.
func (s *Server) saveDecision(w http.ResponseWriter, v *visit) error {
	digest, err := id.ParseDigest(v.PostForm.Get("naskah"))
	if err != nil {
		return errForm
	}
	d := readDraft(v, deciding)
	once, err := member.ParseOnce(d.Once)
	if err != nil {
		return errForm
	}
	x := member.Decision{Item: digest, Result: accesslog.Result(d.Chosen), Reason: d.Text}
	if x.Result == accesslog.ResultSent {
		x.Tracking = strings.TrimSpace(d.Heading)
	}
	if err := v.session.member.Decide(v.Context(), v.of, once, x); err != nil {
		return s.undecided(w, v, d, err)
	}
	return s.to(w, v, "/kasus/"+string(v.of)+"?ok="+string(deciding))
}

// waitingCase is a case on the page of what is forwarded.
type waitingCase struct {
	Href, Title, Since string
	Steps              []step
}

// waiting are the cases at one stage.
type waiting struct {
	ID, State, Count, About, Todo string
	Needs                         bool
	Cases                         []waitingCase
	More                          int
}

type outboxPage struct {
	page.Page
	Stages []waiting
}

// shownWaiting is how many cases of a stage the page of what is forwarded lists.
const shownWaiting = 100

// outbox is the page of all that is being forwarded: what needs a person first.
func (s *Server) outbox(w http.ResponseWriter, v *visit) error {
	items, err := v.session.refreshList(v.Context())
	if err != nil {
		return err
	}
	l, p, needs := v.lang, outboxPage{}, 0
	slices.SortStableFunc(items, func(a, b member.Item) int { // the oldest first
		if a.Forward == nil || b.Forward == nil {
			return 0
		}
		return cmp.Or(a.Forward.Day.Sub(b.Forward.Day), cmp.Compare(a.Forward.Seq, b.Forward.Seq))
	})
	for _, stage := range stages() {
		x := waiting{ID: string(stage), State: l.T("desk.stage." + string(stage)), About: l.T("desk.stage." + string(stage) + ".about"), Needs: needsPerson(stage)}
		if key := "desk.todo." + string(stage); l.Has(key) {
			x.Todo = l.T(key)
		}
		n, oldest := 0, id.Day{}
		for _, i := range items {
			if i.Forward == nil || i.Forward.State != stage {
				continue
			}
			if n++; n == 1 {
				oldest = i.Forward.Day
			}
			if n > shownWaiting {
				x.More++
				continue
			}
			base := l.Path("/kasus/" + string(i.Case))
			c := waitingCase{Href: base + "#penerusan", Title: title(l, i), Since: l.Day(i.Forward.Day), Steps: firstSteps(l, base, stage)}
			if i.Err != nil && strings.TrimSpace(i.Title) == "" {
				c.Title = l.T("desk.inbox.closed")
			}
			x.Cases = append(x.Cases, c)
		}
		if n == 0 {
			continue
		}
		if x.Needs {
			needs += n
		}
		x.Count = l.T("desk.outbox.count", "N", n, "Day", oldest)
		p.Stages = append(p.Stages, x)
	}
	p.Page = s.page(v, l.T("desk.outbox.title", "N", needs))
	p.Languages = s.languages(v)
	return s.pages.Write(w, l, "outbox", p)
}

// firstSteps are those of the steps at a stage that come first.
func firstSteps(l *lang.Language, base string, stage accesslog.Stage) []step {
	all := steps(l, base, stage)
	switch stage {
	case accesslog.StagePrepared, accesslog.StageReturned:
		return all[:1]
	case accesslog.StageUnknown, accesslog.StageStopped, accesslog.StageRefused, accesslog.StageSending:
		return all
	}
	return nil
}
