//go:build !client

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/export"
	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/internal/member"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/vault/membersock"
)

type caseListCmd struct {
	Status string `placeholder:"STATUS" help:"Only cases with this status, e.g. received."`
	Unread bool   `help:"Only cases with something that you have not read."`
	SameAs string `placeholder:"CASE" help:"Only duplicates of this case."`
	JSON   bool   `help:"Print one JSON object a line."`
}

func (caseListCmd) Help() string {
	return "Examples:\n  suluh case list --status received\n  suluh case list --json | jq -r 'select(.unread > 0) | .case'\n  suluh case list --same-as K-ABCD-EFGH-IJKL-MNOP"
}

// listedCase is a line of suluh case list --json.
type listedCase struct {
	Case     id.Case         `json:"case"`
	Day      id.Day          `json:"day"`
	Class    report.Class    `json:"class,omitempty"`
	Status   report.Status   `json:"status"`
	Since    id.Day          `json:"since"`
	Due      id.Day          `json:"due,omitzero"`
	Unread   int             `json:"unread"`
	Files    int             `json:"files"`
	Unit     id.Unit         `json:"unit"`
	Handling id.Unit         `json:"handling"`
	SameAs   id.Case         `json:"same_as,omitempty"`
	Assigned id.Member       `json:"assigned,omitempty"`
	Readers  []id.Member     `json:"readers"`
	Category report.Category `json:"category,omitempty"`
	Title    string          `json:"title,omitempty"`
	Forward  accesslog.Stage `json:"forward,omitempty"` // how far its forwarding has come
	Split    *shownSplit     `json:"split,omitempty"`   // left out if the case's key is not split
	Error    string          `json:"error,omitempty"`
}

// shownSplit says without whom a case doesn't open.
type shownSplit struct {
	Need int         `json:"need"`
	Of   []id.Member `json:"of"`
}

func listedCaseOf(i member.Item) listedCase {
	l := listedCase{
		Case: i.Case, Day: i.Day, Class: i.Class, Status: i.Status, Since: i.Since, Due: i.Due, Unread: i.Unread, Files: i.Files,
		Unit: i.Unit, Handling: i.Handling, SameAs: i.SameAs, Assigned: i.Assigned, Readers: i.Readers, Category: i.Category, Title: i.Title,
	}
	if i.Forward != nil {
		l.Forward = i.Forward.State
	}
	if i.Split.Need > 0 {
		l.Split = &shownSplit{i.Split.Need, i.Split.Of}
	}
	if i.Err != nil {
		l.Error = i.Err.Error()
	}
	return l
}

func (c *caseListCmd) Run(ctx context.Context, in *caseCmd) error {
	if c.Status != "" {
		if _, err := report.ParseStatus(c.Status); err != nil {
			return withHint(err, "the statuses are "+statuses(report.Statuses()))
		}
	}
	var same id.Case
	if c.SameAs != "" {
		var err error
		if same, err = (caseArg{c.SameAs}).id(); err != nil {
			return err
		}
	}
	return in.with(ctx, func(s *session) error {
		items, err := s.List(ctx)
		if err != nil {
			return err
		}
		if same != "" {
			items = member.Duplicates(items, same)
		}
		if w := s.Witnessed(); w.Lag(time.Now()) > member.LagNote {
			next(fmt.Sprintf("no quorum of witnesses has cosigned the access log since %s; you can go on working, and those who run the vault should know", w.Since.Format(time.DateOnly)))
		}
		items = slices.DeleteFunc(items, func(i member.Item) bool {
			return c.Status != "" && i.Status != report.Status(c.Status) || c.Unread && i.Unread == 0
		})
		slices.SortStableFunc(items, func(a, b member.Item) int { return b.Day.Sub(a.Day) })
		if c.JSON {
			for _, i := range items {
				if err := printLine(listedCaseOf(i)); err != nil {
					return err
				}
			}
			return nil
		}
		return writeList(os.Stdout, items)
	})
}

// writeList shows cases in aligned columns, the title last.
func writeList(out io.Writer, items []member.Item) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "CASE\tDAY\tSTATUS\tDUE\tUNREAD\tFILES\tCATEGORY\tTITLE")
	for _, i := range items {
		title := lang.Visible(i.Title)
		switch {
		case i.Err != nil:
			title = "can't be shown: " + strings.ReplaceAll(i.Err.Error(), "\n", ": ")
		case title == "" && i.Split.Need > 0:
			title = "(once it is opened)"
		case title == "":
			title = "-"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%d\t%s\t%s\n", i.Case, i.Day, i.Status, orDash(i.Due.String()), i.Unread, i.Files, orDash(string(i.Category)), title)
	}
	return w.Flush()
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

type caseShowCmd struct {
	caseArg
	JSON bool `help:"Print JSON."`
}

func (caseShowCmd) Help() string {
	return "Opening a case is recorded in the access log, under your name; so is looking through your list for what is a duplicate of it.\n\nExample:\n  suluh case show K-ABCD-EFGH-IJKL-MNOP | less"
}

// shownCase is what suluh case show --json prints.
type shownCase struct {
	listedCase
	Messages    []shownMessage           `json:"messages"`
	Notes       []shownMessage           `json:"notes"`
	Attachments []shownAttachment        `json:"attachments"`
	Copies      []id.Case                `json:"copies"`         // cases that are duplicates of this one
	Keep        bool                     `json:"keep,omitempty"` // the reporter asked that nothing is forwarded
	Draft       *shownDraft              `json:"draft,omitempty"`
	Reference   string                   `json:"reference,omitempty"` // by which the queue has it, or would
	Outcomes    []shownOutcome           `json:"outcomes,omitempty"`
	Access      []membersock.AccessEntry `json:"access"`
	Unopened    []shownUnopened          `json:"unopened,omitempty"`
}

// shownDraft and shownOutcome are what is forwarded, and what became of it.
type shownDraft struct {
	Object id.Digest `json:"object"`
	By     id.Member `json:"by"`
	report.Draft
}

type shownOutcome struct {
	By id.Member `json:"by"`
	report.Outcome
}

type shownMessage struct {
	By     id.Member      `json:"by,omitempty"` // nobody: the reporter
	Day    id.Day         `json:"day"`
	Status report.Status  `json:"status,omitempty"`
	Report *report.Report `json:"report,omitempty"`
	Text   string         `json:"text,omitempty"`

	// Destroyed is when the reporter had the answer destroyed; what is shown is
	// the members' own copy.
	Destroyed id.Day `json:"destroyed,omitzero"`
}

type shownAttachment struct {
	Number int `json:"number"`
	report.Attachment
	Gone bool `json:"gone,omitempty"`
}

type shownUnopened struct {
	id.Object
	Error string `json:"error"`
}

func (c *caseShowCmd) Run(ctx context.Context, in *caseCmd) error {
	return in.on(ctx, c.caseArg, func(s *session, of id.Case) error {
		next("Opening this case is recorded in the access log.")
		x, err := s.Open(ctx, of)
		if err != nil {
			return err
		}
		for _, m := range x.Unwanted() {
			next(fmt.Sprintf("The reporter asked that %s does not read this case, who can read it all the same: take the access away, and tell the auditors.", m))
		}
		if f := x.Forward; f != nil && x.Keep && (f.State == accesslog.StagePrepared || f.State == accesslog.StageApproved) {
			next("The reporter asked that nothing of this case is forwarded, and a text of it is " + string(f.State) + ": an approver drops it with suluh case decide.")
		}
		items, err := s.List(ctx) // which alone tells what is a duplicate of it
		if err != nil {
			return err
		}
		copies := []id.Case{}
		for _, i := range member.Duplicates(items, of) {
			copies = append(copies, i.Case)
		}
		if c.JSON {
			shown := shownCaseOf(x)
			shown.Copies = copies
			return printJSON(shown)
		}
		fmt.Print(export.Conversation(s.language, x, copies, func(member.Attachment) string { return "" }))
		return nil
	})
}

func shownCaseOf(x *member.Case) shownCase {
	c := shownCase{
		listedCase: listedCaseOf(x.Item), Keep: x.Keep, Reference: x.Reference,
		Messages: []shownMessage{}, Notes: []shownMessage{}, Attachments: []shownAttachment{}, Access: x.Access,
	}
	for _, m := range x.Messages {
		if m.Letter != nil {
			c.Messages = append(c.Messages, shownMessage{Day: m.Day, Report: m.Letter.Report, Text: m.Letter.Text})
		} else {
			c.Messages = append(c.Messages, shownMessage{By: m.By, Day: m.Day, Status: m.Answer.Status, Text: m.Answer.Text, Destroyed: m.Destroyed})
		}
	}
	for _, n := range x.Notes {
		c.Notes = append(c.Notes, shownMessage{By: n.By, Day: n.Day, Text: n.Text})
	}
	for _, a := range x.Attachments {
		c.Attachments = append(c.Attachments, shownAttachment{a.Number, a.Attachment, a.Gone})
	}
	if d := x.Draft; d != nil {
		c.Draft = &shownDraft{d.Object, d.By, d.Draft}
	}
	for _, o := range x.Outcomes {
		c.Outcomes = append(c.Outcomes, shownOutcome{o.By, o.Outcome})
	}
	for _, u := range x.Unopened {
		c.Unopened = append(c.Unopened, shownUnopened{u.Object, u.Err.Error()})
	}
	return c
}
