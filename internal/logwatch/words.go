package logwatch

import (
	"fmt"
	"strings"
	"time"

	"suluh.example/suluh/internal/check"
	"suluh.example/suluh/internal/lang"
)

// mostFound is how many findings a message tells; the rest it counts.
const mostFound = 20

// Words says the news to a person: a subject of one line, and a text with what it
// means, what to do, and the checkpoints that prove it.
func (n News) Words(l *lang.Language, origin string, zone *time.Location) (subject, text string) {
	var b strings.Builder
	say := func(s string) { fmt.Fprintf(&b, "%s\n", check.Plain(s)) }
	subject = l.T("watch."+string(n.Kind)+".subject", "N", len(n.Found))
	say(subject)
	say(l.T("watch.log", "Log", origin))
	b.WriteByte('\n')
	switch n.Kind {
	case Away, Stalled:
		say(l.T("watch."+string(n.Kind)+".since", "Time", l.Time(n.Since, zone)))
	}
	if f := n.Fault; f != nil {
		say(l.T("auditor.fault." + string(f.Fault)))
		if f.Seq >= 0 {
			say(l.T("watch.record", "Record", f.Seq))
		}
		say(l.T("watch.detail", "Text", f.Error()))
		if f.Want != "" {
			say(l.T("watch.want", "Text", f.Want))
			say(l.T("watch.got", "Text", f.Got))
		}
	}
	if x := n.Restore; x != nil {
		say(l.T("watch.detail", "Text", x.String()))
	}
	if n.Why != "" {
		say(l.T("watch.detail", "Text", n.Why))
	}
	for i, f := range n.Found {
		if i == mostFound {
			say(l.T("watch.unusual.more", "N", len(n.Found)-i))
			break
		}
		what, means, do := f.Words(l, n.NameOf)
		say(what)
		say("  " + l.T("watch.records", "Records", f.Records.String()))
		say("  " + means)
		say("  " + do)
	}
	if n.Kind != Well {
		b.WriteByte('\n')
		say(l.T("watch." + string(n.Kind) + ".do"))
	}
	for _, c := range []struct{ key, text string }{{"watch.kept", n.Kept}, {"watch.shown", n.Shown}} {
		if c.text != "" {
			fmt.Fprintf(&b, "\n%s\n\n", l.T(c.key))
			for line := range strings.Lines(c.text) {
				fmt.Fprintf(&b, "%s\n", check.Plain(strings.TrimSuffix(line, "\n")))
			}
		}
	}
	return check.Plain(subject), b.String()
}
