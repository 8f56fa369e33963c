//go:build !client

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/member"
	"suluh.example/suluh/internal/report"
)

// written is the flag for what a member writes.
type written struct {
	TextFile string `default:"-" placeholder:"FILE" help:"File with the text; standard input if not named."`
}

// maxText is the most bytes of what a member writes at once.
const maxText = 1 << 20

func readText(file string) (string, error) {
	if file == "-" && term.IsTerminal(int(os.Stdin.Fd())) {
		next("Write the text, then Ctrl-D on a line of its own:")
	}
	in, err := openInput(file)
	if err != nil {
		return "", err
	}
	defer in.Close()
	b, err := io.ReadAll(io.LimitReader(in, maxText+1))
	if err != nil {
		return "", err
	}
	if len(b) > maxText || !utf8.Valid(b) {
		return "", fmt.Errorf("the text is longer than %d bytes or not UTF-8", maxText)
	}
	return strings.TrimSpace(string(b)), nil
}

type caseReplyCmd struct {
	caseArg
	written
}

func (caseReplyCmd) Help() string {
	return "The reporter reads it with the case code. It is recorded and carries your signature.\n\nExample:\n  echo 'Apakah ada kuitansi?' | suluh case reply K-ABCD-EFGH-IJKL-MNOP"
}

func (c *caseReplyCmd) Run(ctx context.Context, in *caseCmd) error {
	in.reads = []string{c.TextFile}
	return in.on(ctx, c.caseArg, func(s *session, of id.Case) error {
		text, err := readText(c.TextFile)
		if err != nil {
			return err
		}
		if err := s.Reply(ctx, of, member.NewOnce(), text); err != nil {
			return err
		}
		fmt.Println("the reporter can read it now")
		return nil
	})
}

type caseNoteCmd struct {
	caseArg
	written
}

func (caseNoteCmd) Help() string {
	return "Every reader of the case sees it; the reporter never does.\n\nExample:\n  suluh case note K-ABCD-EFGH-IJKL-MNOP --text-file catatan.txt"
}

func (c *caseNoteCmd) Run(ctx context.Context, in *caseCmd) error {
	in.reads = []string{c.TextFile}
	return in.on(ctx, c.caseArg, func(s *session, of id.Case) error {
		text, err := readText(c.TextFile)
		if err != nil {
			return err
		}
		if err := s.Note(ctx, of, member.NewOnce(), text); err != nil {
			return err
		}
		fmt.Println("the note is kept")
		return nil
	})
}

type caseStatusCmd struct {
	caseArg
	Status   string `arg:"" help:"The new status."`
	TextFile string `placeholder:"FILE" help:"File with a message for the reporter; - is standard input. A rejection needs one."`
}

func (caseStatusCmd) Help() string {
	return "The statuses that can be set: " + statuses(report.Settable()) + ".\n\nExamples:\n  suluh case status K-ABCD-EFGH-IJKL-MNOP verifying\n  suluh case status K-ABCD-EFGH-IJKL-MNOP rejected --text-file alasan.txt"
}

func statuses(all []report.Status) string {
	s := make([]string, len(all))
	for i, x := range all {
		s[i] = string(x)
	}
	return strings.Join(s, ", ")
}

func (c *caseStatusCmd) Run(ctx context.Context, in *caseCmd) error {
	in.reads = []string{c.TextFile}
	status, err := report.ParseStatus(c.Status)
	if err == nil && !slices.Contains(report.Settable(), status) {
		err = member.ErrStatus
	}
	if err != nil {
		return withHint(err, "those that can be set are "+statuses(report.Settable()))
	}
	return in.on(ctx, c.caseArg, func(s *session, of id.Case) error {
		message := ""
		if c.TextFile != "" {
			if message, err = readText(c.TextFile); err != nil {
				return err
			}
		}
		if err := s.SetStatus(ctx, of, member.NewOnce(), status, message); err != nil {
			return err
		}
		fmt.Println("the reporter sees the status now: " + s.language.T("status."+string(status)))
		return nil
	})
}

// memberArg is the argument that names another member.
type memberArg struct {
	Member string `arg:"" help:"Id of the member."`
}

func (a memberArg) id(s *session) (id.Member, error) {
	if _, ok := s.Roster().Member(id.Member(a.Member)); !ok {
		var known []string
		for _, m := range s.Roster().Members {
			if m.Removed == nil {
				known = append(known, string(m.ID))
			}
		}
		return "", withHint(errors.New("the roster has no such member"), "the members are "+strings.Join(known, ", "))
	}
	return id.Member(a.Member), nil
}

// change does something to another member's standing in a case.
func (c *caseCmd) change(ctx context.Context, a caseArg, m memberArg, do func(*session, id.Case, id.Member) error, said string) error {
	return c.on(ctx, a, func(s *session, of id.Case) error {
		to, err := m.id(s)
		if err != nil {
			return err
		}
		if err := do(s, of, to); err != nil {
			return err
		}
		fmt.Printf(said+"\n", to)
		return nil
	})
}

type caseAssignCmd struct {
	caseArg
	memberArg
}

func (caseAssignCmd) Help() string {
	return "The member must be a reader of the case.\n\nExample:\n  suluh case assign K-ABCD-EFGH-IJKL-MNOP penelaah-dua"
}

func (c *caseAssignCmd) Run(ctx context.Context, in *caseCmd) error {
	return in.change(ctx, c.caseArg, c.memberArg, func(s *session, of id.Case, to id.Member) error { return s.Assign(ctx, of, to) }, "%s is responsible for the case")
}

type caseGrantCmd struct {
	caseArg
	memberArg
}

func (caseGrantCmd) Help() string {
	return "Seals the case's key to another reader of the case's unit. Whom the reporter excluded, or who declared a conflict of interest, is refused.\nA custodian does it with the recovery sheet when no reader is left.\n\nExamples:\n  suluh case grant K-ABCD-EFGH-IJKL-MNOP penelaah-dua\n  suluh case grant K-ABCD-EFGH-IJKL-MNOP penelaah-dua --recovery-sheet ask"
}

func (c *caseGrantCmd) Run(ctx context.Context, in *caseCmd) error {
	in.grants = true
	return in.change(ctx, c.caseArg, c.memberArg, func(s *session, of id.Case, to id.Member) error { return s.Grant(ctx, of, to) }, "%s has access to the case")
}

type caseRevokeCmd struct {
	caseArg
	memberArg
}

func (caseRevokeCmd) Help() string {
	return "Your own access, which declares a conflict of interest and can't be undone by you; or as an approver that of another member of your unit. What was read before can't be taken back.\n\nExample:\n  suluh case revoke K-ABCD-EFGH-IJKL-MNOP penelaah-dua"
}

func (c *caseRevokeCmd) Run(ctx context.Context, in *caseCmd) error {
	return in.change(ctx, c.caseArg, c.memberArg, func(s *session, of id.Case, to id.Member) error { return s.Revoke(ctx, of, to) }, "%s has no access to the case any more")
}
