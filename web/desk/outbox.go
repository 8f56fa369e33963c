package desk

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/internal/member"
	"suluh.example/suluh/web/page"
)

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
