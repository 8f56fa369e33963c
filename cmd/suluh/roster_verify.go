package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/check"
	"suluh.example/suluh/internal/recipients"
)

type rosterVerifyCmd struct {
	auditLog
	continuing
	RootKey string   `required:"" env:"SULUH_ROOT_KEY" placeholder:"VKEY|FILE" help:"Root key that rosters are signed with (name+hash+key), or a file that has it; from another source than the log."`
	Case    []string `help:"Only these cases (K-…); none for the rosters alone."`
	Readers []string `type:"existingfile" placeholder:"FILE" help:"What suluh vault readers printed: whom cases were sealed to. Repeat for more files."`
	Roster  []string `type:"existingfile" placeholder:"FILE" help:"A signed roster: tell whether the log has it, and since when it is in force. Repeat for more."`
	JSON    bool     `help:"Print one JSON object instead of tables."`
}

func (rosterVerifyCmd) Help() string {
	return `Verifies the log as suluh audit verify does, and shows which roster was in force when, what each version changed, and to whom each case was sealed: at its deposit, by a grant, by a referral. Every roster must be signed by the root key that you name, and everybody that a case was sealed to must be a reader of one unit in the roster that was in force on that day. The exit status is 0 only if all of that holds.

The log alone proves of a deposit's readers only those who have used their key: nobody may learn from it whom a reporter left out. The others are listed as possible. Ask the operator in writing about the cases that you choose; what he answers with (suluh vault readers) is checked against the deposit's record with --readers, and can't be made up. A leaf that stays closed is a dummy, or the key of somebody from whom it was taken away.

Examples:
  suluh roster verify --log-key log.vkey --root-key root.vkey /media/log
  suluh roster verify --log-key log.vkey --root-key root.vkey --case none --roster roster-3.note /media/log
  suluh roster verify --log-key log.vkey --root-key root.vkey --case K-ABCD-EFGH-IJKL-MNOP --readers K-ABCD-EFGH-IJKL-MNOP.readers --json /media/log`
}

// rosterVerdict is what verify prints with --json.
type rosterVerdict struct {
	Sound   bool                 `json:"sound"`
	Records int64                `json:"records"`
	Root    string               `json:"root"` // of the log's tree
	Rosters []recipients.Version `json:"rosters"`
	Cases   []recipients.Case    `json:"cases"`
	Faults  []recipients.Fault   `json:"faults"`

	// Of a log that can't be trusted, as suluh audit verify has them.
	Record *int64      `json:"record,omitempty"`
	Fault  check.Fault `json:"fault,omitempty"`
	Why    string      `json:"why,omitempty"`
}

var errRecipients = errors.New("not everything that cases were sealed by is in order: see above")

func (c *rosterVerifyCmd) Run(ctx context.Context) error {
	root, err := readRootKey(c.RootKey)
	if err != nil {
		return err
	}
	only, none, err := c.chosen()
	if err != nil {
		return err
	}
	openings, err := readOpenings(c.Readers)
	if err != nil {
		return err
	}
	files, key, _, err := c.open()
	if err != nil {
		return err
	}
	log := check.New(files, key)
	log.Progress, log.NoEntries = progress(), true
	var ledger *recipients.Ledger
	if !none {
		ledger = recipients.Follow(log, only...)
	}
	v := rosterVerdict{Rosters: []recipients.Version{}, Cases: []recipients.Case{}, Faults: []recipients.Fault{}}
	r, kept, err := c.trust(ctx, log, key)
	var all []recipients.Version
	if err == nil {
		all, err = recipients.Versions(ctx, files, root, r)
	}
	var f *check.Finding
	if c.JSON && errors.As(err, &f) {
		v.Fault, v.Why = f.Fault, f.What
		if f.Seq >= 0 {
			v.Record = &f.Seq
		}
		return errors.Join(printJSON(v), err)
	}
	if err != nil {
		return err
	}
	v.Records, v.Root, v.Rosters = r.Records, r.Tree.Hash.String(), all
	var unknown []error
	for _, name := range c.Roster {
		unknown = append(unknown, inLog(name, root, v.Rosters, r.TimeZone()))
	}
	if !none {
		cases, faults := ledger.Cases(r, openings)
		v.Cases, v.Faults = append(v.Cases, cases...), append(v.Faults, faults...)
		for _, of := range only {
			if !has(v.Cases, of) && !faultOf(v.Faults, of) {
				unknown = append(unknown, fmt.Errorf("%s: the log has no deposit of this case, or it enters it at the end of its day", of))
			}
		}
	}
	wrong := errors.Join(unknown...)
	v.Sound = wrong == nil && len(v.Faults) == 0
	if c.JSON {
		err = printJSON(v)
	} else {
		out := bufio.NewWriter(os.Stdout)
		err = errors.Join(v.write(out, r), out.Flush())
	}
	if len(v.Faults) > 0 {
		wrong = errors.Join(wrong, withHint(errRecipients, "keep this copy of the log and the openings, and tell the Inspektur, not only those who run the server"))
	}
	return errors.Join(err, wrong, wasRestored(r.Unseen(kept)))
}

// trust verifies the log, also against what was kept of it and what its witnesses
// have cosigned.
func (c *rosterVerifyCmd) trust(ctx context.Context, log *check.Log, key note.Verifier) (r *check.Result, kept tlog.Tree, err error) {
	kept = accesslog.EmptyTree()
	if r, err = log.Extend(ctx); err != nil {
		return nil, kept, err
	}
	if c.Continues != "" {
		if kept, err = c.continues(ctx, log, key); err != nil {
			return nil, kept, err
		}
	}
	if _, err := log.Witnesses(ctx); err != nil {
		return nil, kept, err
	}
	if r.Roster == nil {
		return nil, kept, errors.New("the log has no roster yet")
	}
	return r, kept, nil
}

// chosen returns the cases that were named.
func (c *rosterVerifyCmd) chosen() (only []id.Case, none bool, err error) {
	if len(c.Case) == 1 && c.Case[0] == "none" {
		return nil, true, nil
	}
	for _, name := range c.Case {
		of, err := id.ParseCase(strings.ToUpper(name))
		if err != nil {
			return nil, false, errors.New("--case is not a case's name (K-XXXX-XXXX-XXXX-XXXX)")
		}
		only = append(only, of)
	}
	return only, false, nil
}

// maxOpenings is the most bytes of a file with openings: some thousand cases.
const maxOpenings = 64 << 20

func readOpenings(names []string) (all []accesslog.Readers, err error) {
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		text, err := io.ReadAll(io.LimitReader(f, maxOpenings))
		if err = errors.Join(err, f.Close()); err != nil {
			return nil, err
		}
		more, err := accesslog.ParseReaders(text)
		if err != nil {
			return nil, withHint(fmt.Errorf("%s: %w", name, err), "it has to be what suluh vault readers printed, whole and unchanged")
		}
		all = append(all, more...)
	}
	return all, nil
}

// inLog tells whether a signed roster is one of the log's, and prints since when.
func inLog(name string, root note.Verifier, versions []recipients.Version, zone *time.Location) error {
	signed, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	mine, err := roster.Parse(signed, root)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	for _, v := range versions {
		if v.Digest == roster.Digest(signed) {
			fmt.Fprintf(os.Stderr, "suluh: %s is version %d, in the log since record %d%s\n", name, v.Version, v.Record, replaced(v, zone))
			return nil
		}
	}
	return withHint(fmt.Errorf("%s: version %d is signed by the root key and NOT in the log: nothing may be sealed by it", name, mine.Version),
		"ask the keeper of the root key who had it signed, and whether it was ever installed (suluh vault roster)")
}

func replaced(v recipients.Version, zone *time.Location) string {
	if v.Until.IsZero() {
		return ", and in force"
	}
	return ", and was replaced on " + v.Until.In(zone).Format(time.DateOnly)
}

func has(cases []recipients.Case, of id.Case) bool {
	for _, x := range cases {
		if x.Case == of {
			return true
		}
	}
	return false
}

func faultOf(faults []recipients.Fault, of id.Case) bool {
	for _, f := range faults {
		if f.Case == of {
			return true
		}
	}
	return false
}

// write shows the verdict to people.
func (v *rosterVerdict) write(out io.Writer, r *check.Result) error {
	at := func(t time.Time) string {
		if t.IsZero() {
			return "now"
		}
		return t.In(r.TimeZone()).Format("2006-01-02 15:04:05 MST")
	}
	say := func(format string, args ...any) { fmt.Fprintf(out, format+"\n", args...) } // the flush says what fails
	say("%s", intact(r))
	say("%d version(s) of the roster, each signed by the root key and in the log:\n", len(v.Rosters))
	for _, x := range v.Rosters {
		say("version %d  record %d  from %s until %s  %s", x.Version, x.Record, at(x.From), at(x.Until), x.Digest)
		for _, change := range x.Changes {
			say("    %s", check.Plain(change))
		}
	}
	for _, x := range v.Cases {
		say("\n%s  deposited on %s, record %d, sealed by version %s", x.Case, x.Day, x.Record, versions(x.Rosters))
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "  RECIPIENT\tBY\tRECORD\tUNTIL\tROSTER\tPROVEN BY")
		for _, p := range x.Recipients {
			by, proof := string(p.How), "the record itself"
			if p.By != "" {
				by += " of " + string(p.By)
			}
			switch {
			case p.How != recipients.Deposit:
			case p.Disclosed && p.Proof > 0:
				proof = fmt.Sprintf("the opening, record %d", p.Proof)
			case p.Disclosed:
				proof = "the opening"
			default:
				proof = fmt.Sprintf("record %d", p.Proof)
			}
			fmt.Fprintf(w, "  %s\t%s\t%d\t%s\t%s\t%s\n", p.Name, by, p.Record, numberOr(p.Until), numberOr(p.Roster), proof)
		}
		if err := w.Flush(); err != nil {
			return err
		}
		switch {
		case x.Disclosed && x.Closed == 0:
			say("  nobody else")
		case x.Disclosed:
			say("  %d of %d leaves stay closed: dummies, or of those from whom the key was taken away", x.Closed, x.Leaves)
		default:
			say("  nothing is proven of the other %d of %d leaves, dummies among them; possible are: %s", x.Closed, x.Leaves, namesOf(x.Possible))
		}
	}
	if len(v.Faults) == 0 && len(v.Cases) > 0 {
		say("\n%d case(s): all whom they are proven to be sealed to were readers of one unit in the roster of that day", len(v.Cases))
	}
	for _, f := range v.Faults {
		say("\nNOT IN ORDER: %s: %s", f.Case, check.Plain(f.What))
	}
	return nil
}

func versions(all []int64) string {
	var s []string
	for _, v := range all {
		s = append(s, fmt.Sprint(v))
	}
	return strings.Join(s, " or ")
}

func namesOf(all []id.Member) string {
	if len(all) == 0 {
		return "nobody"
	}
	var s []string
	for _, m := range all {
		s = append(s, string(m))
	}
	return strings.Join(s, ", ")
}

func numberOr(n int64) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprint(n)
}
