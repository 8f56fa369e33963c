package check

import (
	"slices"
	"time"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
)

// opening is an opened case for whose shares key witnesses may be asked.
type opening struct {
	Seq  int64     `json:"record"`
	Time time.Time `json:"time"`
	By   id.Member `json:"by"`
	Of   id.Case   `json:"of"`
}

// opened keeps an opening for as long as something may refer to it.
func (s *state) opened(r *accesslog.Record, st *accesslog.Statement) {
	i := slices.IndexFunc(s.openings, func(o opening) bool { return r.Time.Sub(o.Time) <= maxSkew })
	if i < 0 {
		i = len(s.openings)
	}
	s.openings = append(s.openings[i:], opening{r.Seq, r.Time, kept(st.Member), kept(st.Case)})
}

// unsealed checks that who asks key witnesses for the shares of a case has just
// opened that very case.
func (s *state) unsealed(r *accesslog.Record, st *accesslog.Statement) error {
	i := slices.IndexFunc(s.openings, func(o opening) bool { return o.Seq == st.Opened })
	switch {
	case i < 0 || s.openings[i].By != st.Member || r.Time.Sub(s.openings[i].Time) > maxSkew:
		return fault(FaultCover, "%s asked for the shares of a case without having just opened one by record %d", st.Member, st.Opened)
	case id.HandleOf(s.openings[i].Of) != st.Handle:
		return fault(FaultCover, "%s opened case %s and asked for the shares of another", st.Member, s.openings[i].Of)
	}
	return nil
}
