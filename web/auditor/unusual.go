package auditor

import (
	"net/http"
	"net/url"
	"strconv"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/anomaly"
	"suluh.example/suluh/internal/check"
	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/web/page"
)

// found is a finding as a page tells it.
type found struct {
	When, What string
	Records    []page.Link
	More       string // how many records are not named
	Case       string // where the case's life is
}

// mostNamed is how many records of a finding are named.
const mostNamed = 12

func (s *Server) found(l *lang.Language, log *check.Result, f anomaly.Finding) (x found) {
	x.When = l.Day(f.Last)
	x.What, _, _ = f.Words(l, log.NameOf)
	for _, seq := range f.Records.First(mostNamed) {
		x.Records = append(x.Records, page.Link{Href: s.recordPath(l, seq), Text: l.Number(seq)})
	}
	if n := f.Records.Len() - mostNamed; n > 0 {
		x.More = l.T("auditor.unusual.more", "N", n)
	}
	if f.Case != "" {
		x.Case = l.Path("/kasus/" + string(f.Case))
	}
	return x
}

// ruleFound is a rule with what it has found in a period.
type ruleFound struct {
	Title, Means, Do string
	Number           string
	Link             string
}

type unusualPage struct {
	page.Page
	From, To string
	Range    string
	Rules    []ruleFound // the overview; or one rule:
	One      *ruleFound
	All      string
	Found    []found
	Newer    string
	Older    string
}

// within returns the findings of a period, the newest first.
func within(all []anomaly.Finding, from, to id.Day) (some []anomaly.Finding) {
	for i := len(all) - 1; i >= 0; i-- {
		if f := all[i]; !f.Last.Before(from) && !to.Before(f.Last) {
			some = append(some, f)
		}
	}
	return some
}

func (s *Server) unusual(w http.ResponseWriter, r *request) error {
	log, err := s.verified(w, r)
	if log == nil {
		return err
	}
	l, in := r.l, r.URL.Query()
	from, to, problems := s.period(r, log)
	if today := id.DayOf(s.config.Now(), log.TimeZone()); in.Get("sampai") == "" && to.Before(today) {
		to = today // a log that has stopped is unusual until now
	}
	p := unusualPage{Page: s.page(r, l.T("auditor.unusual.title")), From: in.Get("dari"), To: in.Get("sampai")}
	p.Class, p.Cache, p.Problems = "wide", page.NoCache, problems
	if len(problems) > 0 {
		return s.pages.Write(w, l, "unusual", p)
	}
	some := within(s.watch.unusual(), from, to)
	here := func(rule string, n int) string {
		v := url.Values{}
		for _, name := range []string{"dari", "sampai"} {
			if x := in.Get(name); x != "" {
				v.Set(name, x)
			}
		}
		if rule != "" {
			v.Set("aturan", rule)
		}
		if n > 1 {
			v.Set("halaman", strconv.Itoa(n))
		}
		if len(v) == 0 {
			return l.Path("/kejanggalan")
		}
		return l.Path("/kejanggalan") + "?" + v.Encode()
	}
	p.Range = l.T("auditor.unusual.range", "From", from, "To", to)
	rule := anomaly.Rule(in.Get("aturan"))
	if !l.Has("anomaly." + string(rule) + ".title") {
		p.Title = l.T("auditor.unusual.found", "N", len(some))
		for _, rule := range anomaly.All() {
			n := 0
			for _, f := range some {
				if f.Rule == rule {
					n++
				}
			}
			if n > 0 {
				p.Rules = append(p.Rules, ruleFound{Title: l.T("anomaly." + string(rule) + ".title"), Number: l.Number(int64(n)), Link: here(string(rule), 1)})
			}
		}
		return s.pages.Write(w, l, "unusual", p)
	}
	var of []anomaly.Finding
	for _, f := range some {
		if f.Rule == rule {
			of = append(of, f)
		}
	}
	at, err := strconv.Atoi(in.Get("halaman"))
	if err != nil || at < 1 {
		at = 1
	}
	key := "anomaly." + string(rule)
	p.Title = l.T("auditor.unusual.rule", "Title", l.T(key+".title"), "N", len(of))
	p.One = &ruleFound{Means: l.T(key + ".means"), Do: l.T(key + ".do")}
	p.All = here("", 1)
	const perPage = 25
	for _, f := range of[min(len(of), (at-1)*perPage):min(len(of), at*perPage)] {
		p.Found = append(p.Found, s.found(l, log, f))
	}
	if at > 1 {
		p.Newer = here(string(rule), at-1)
	}
	if len(of) > at*perPage {
		p.Older = here(string(rule), at+1)
	}
	return s.pages.Write(w, l, "unusual", p)
}
