package auditor

import (
	"time"

	"suluh.example/suluh/internal/check"
	"suluh.example/suluh/internal/lang"
)

// silent is how long a witness may be silent before the pages say so: it is asked
// every hour.
const silent = 24 * time.Hour

// witnessed is what the pages say of the log's witnesses.
type witnessed struct {
	Text string // a sentence: how many have cosigned how much
	Warn bool   // there is no quorum, or it is long ago
	All  []checked
}

// witnesses returns what is said of them, and the end of the verdict if some are
// silent; nil if the roster names none.
func witnesses(l *lang.Language, w *check.Witnesses, now time.Time, zone *time.Location) (*witnessed, string) {
	if w == nil {
		return nil, ""
	}
	x := &witnessed{Text: l.T("auditor.witness.none", "All", len(w.All)), Warn: true}
	if w.Records > 0 {
		x.Text = l.T("auditor.witness.quorum", "By", w.By, "All", len(w.All), "Records", l.Number(w.Records), "Time", l.Time(w.Since, zone))
		x.Warn = now.Sub(w.Since) > silent
	}
	quiet := 0
	var since time.Time // of the one that was heard of least lately
	for _, one := range w.All {
		c := checked{What: lang.Visible(one.Name), Result: l.T("auditor.witness.never")}
		if one.Records > 0 {
			c.Result = l.T("auditor.witness.seen", "Records", l.Number(one.Records), "Time", l.Time(one.Time, zone))
		}
		x.All = append(x.All, c)
		if now.Sub(one.Time) > silent {
			if quiet++; quiet == 1 || one.Time.Before(since) {
				since = one.Time
			}
		}
	}
	switch {
	case quiet == 0:
		return x, ""
	case since.IsZero():
		return x, l.T("auditor.verdict.silent.never", "N", quiet)
	}
	return x, l.T("auditor.verdict.silent", "N", quiet, "Time", l.Time(since, zone))
}
