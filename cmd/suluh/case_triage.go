//go:build !client

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/internal/member"
	"suluh.example/suluh/internal/report"
)

type caseTriageCmd struct {
	caseArg
	Class    string `placeholder:"CLASS" help:"What kind of complaint it is: oversight, which stays in the vault; general, aspiration or information, which may go to the main queue."`
	Category string `placeholder:"CATEGORY" help:"What it is about, e.g. pungli."`
	Title    string `placeholder:"TEXT" help:"Title for the list."`
	SameAs   string `placeholder:"CASE" help:"Case of which this one is a duplicate; \"\" if it is none after all. Both stay as they are." default:"-"`
	JSON     bool   `help:"Print JSON."`
}

func (caseTriageCmd) Help() string {
	return "What is not named stays as it is. Without flags it says what the case is now, and which units are competent by the positions in the roster: people decide.\n\nExamples:\n  suluh case triage K-ABCD-EFGH-IJKL-MNOP\n  suluh case triage K-ABCD-EFGH-IJKL-MNOP --class general --category maladministrasi\n  suluh case triage K-ABCD-EFGH-IJKL-MNOP --same-as K-QRST-UVWX-YZ23-4567"
}

// triaged is what suluh case triage --json prints.
type triaged struct {
	Case      id.Case         `json:"case"`
	Class     report.Class    `json:"class,omitempty"`
	Category  report.Category `json:"category,omitempty"`
	Title     string          `json:"title,omitempty"`
	SameAs    id.Case         `json:"same_as,omitempty"`
	Handling  id.Unit         `json:"handling"`
	Suggested []id.Unit       `json:"suggested"`
}

func (c *caseTriageCmd) Run(ctx context.Context, in *caseCmd) error {
	var t member.Triage
	var err error
	if c.Class != "" {
		if t.Class, err = report.ParseClass(c.Class); err != nil {
			return withHint(err, "the classes are "+joined(report.Classes()))
		}
	}
	if t.Category = report.ParseCategory(c.Category); c.Category != "" && t.Category == "" {
		return withHint(errors.New("unknown category"), "the categories are "+joined(report.Categories()))
	}
	t.Title = strings.TrimSpace(c.Title)
	if c.SameAs != "-" && c.SameAs != "" {
		if t.SameAs, err = (caseArg{c.SameAs}).id(); err != nil {
			return err
		}
	}
	return in.opened(ctx, c.caseArg, func(s *session, x *member.Case) error {
		of := x.Item.Case
		if c.SameAs == "-" {
			t.SameAs = x.SameAs
		}
		if t != (member.Triage{SameAs: x.SameAs}) {
			if err := s.Triage(ctx, of, member.NewOnce(), t); err != nil {
				return err
			}
			if x, err = s.Open(ctx, of); err != nil {
				return err
			}
		}
		d := triaged{of, x.Class, x.Category, x.Title, x.SameAs, x.Handling, append([]id.Unit{}, x.Competent(s.Roster())...)}
		if c.JSON {
			return printJSON(d)
		}
		w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintf(w, "class\t%s\n", s.language.T("class."+cmp.Or(string(d.Class), "none")))
		fmt.Fprintf(w, "category\t%s\n", orDash(string(d.Category)))
		fmt.Fprintf(w, "title\t%s\n", orDash(lang.Visible(d.Title)))
		fmt.Fprintf(w, "same as\t%s\n", orDash(string(d.SameAs)))
		fmt.Fprintf(w, "unit\t%s\n", d.Handling)
		fmt.Fprintf(w, "competent\t%s\n", orDash(joined(d.Suggested)))
		return w.Flush()
	})
}

func joined[S ~string](all []S) string {
	s := make([]string, len(all))
	for i, x := range all {
		s[i] = string(x)
	}
	return strings.Join(s, ", ")
}

type caseReferCmd struct {
	caseArg
	Unit string `arg:"" help:"Id of the unit that handles the case from now on."`
	Ends bool   `help:"End the access of everybody who is not of that unit, yours too: where there is a conflict of interest."`
	JSON bool   `help:"Print JSON."`
}

func (caseReferCmd) Help() string {
	return "Seals the case's key to the readers of another unit, but for whom the reporter excluded and who declared a conflict of interest. It is recorded. What was read before can't be taken back.\n\nExamples:\n  suluh case refer K-ABCD-EFGH-IJKL-MNOP itkab\n  suluh case refer K-ABCD-EFGH-IJKL-MNOP itjen --ends"
}

func (c *caseReferCmd) Run(ctx context.Context, in *caseCmd) error {
	in.grants = true
	return in.on(ctx, c.caseArg, func(s *session, of id.Case) error {
		r := s.Roster()
		var units []id.Unit
		for _, u := range r.Units {
			units = append(units, u.ID)
		}
		if !slices.Contains(units, id.Unit(c.Unit)) {
			return withHint(member.ErrNoUnit, "the units are "+joined(units))
		}
		if err := s.Refer(ctx, of, id.Unit(c.Unit), c.Ends); err != nil {
			return err
		}
		if c.JSON {
			return printJSON(struct {
				Case id.Case `json:"case"`
				Unit string  `json:"unit"`
				Ends bool    `json:"ends"`
			}{of, c.Unit, c.Ends})
		}
		if c.Ends {
			fmt.Printf("%s handles the case; nobody else has access to it\n", c.Unit)
		} else {
			fmt.Printf("%s handles the case; who had access keeps it\n", c.Unit)
		}
		return nil
	})
}
