package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"strings"
	"time"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/check"
)

type auditListCmd struct {
	auditLog
	Member string `help:"Only what this member did."`
	Case   string `help:"Only what was done to this case (K-…)."`
	Action string `help:"Only this action: ${actions}."`
	From   string `help:"Only from this day on (2026-11-24, or \"24 November 2026\"), in the log's time zone."`
	To     string `help:"Only until this day."`
	Format string `enum:"table,jsonl,csv" default:"table" help:"table, jsonl (a JSON object a line) or csv."`
}

func (auditListCmd) Help() string {
	return `Verifies the whole log first, and lists nothing from one that is not intact. Times of a table are in the log's time zone, those of jsonl and csv in UTC.

Examples:
  suluh audit list --log-key log.vkey --member penelaah-satu --from 2026-11-01 /media/log
  suluh audit list --log-key log.vkey --action open --format csv /media/log >opened.csv
  suluh audit list --log-key log.vkey --case K-ABCD-EFGH-IJKL-MNOP --format jsonl /var/lib/suluh/vault/log.sock | jq .`
}

func (c *auditListCmd) filter() (f check.Filter, err error) {
	if c.Member != "" {
		if f.Member, err = id.ParseMember(c.Member); err != nil {
			return f, errors.New("--member is not a member's id")
		}
	}
	if c.Case != "" {
		if f.Case, err = id.ParseCase(strings.ToUpper(c.Case)); err != nil {
			return f, errors.New("--case is not a case's name (K-XXXX-XXXX-XXXX-XXXX)")
		}
	}
	if f.Action = c.Action; c.Action != "" && !slices.Contains(check.Actions(), c.Action) {
		return f, errors.New("--action is none of " + strings.Join(check.Actions(), ", "))
	}
	if c.From != "" {
		if f.From, err = check.ParseDay(c.From); err != nil {
			return f, fmt.Errorf("--from: %w", err)
		}
	}
	if c.To != "" {
		if f.To, err = check.ParseDay(c.To); err != nil {
			return f, fmt.Errorf("--to: %w", err)
		}
	}
	return f, nil
}

func (c *auditListCmd) Run(ctx context.Context) error {
	f, err := c.filter()
	if err != nil {
		return err
	}
	r, err := c.verify(ctx, true)
	if err != nil {
		return err
	}
	f.Zone = r.TimeZone()
	out := bufio.NewWriter(os.Stdout)
	switch c.Format {
	case "csv":
		err = check.WriteCSV(out, r.Entries.Select(f), r.NameOf)
	case "jsonl":
		e := json.NewEncoder(out)
		for x := range r.Entries.Select(f) {
			if err = e.Encode(x); err != nil {
				break
			}
		}
	default:
		err = writeTable(out, r.Entries.Select(f), f.Zone)
	}
	if err = errors.Join(err, out.Flush()); err == nil {
		fmt.Fprintln(os.Stderr, "suluh:", intact(r))
	}
	return err
}

// writeTable goes through the entries twice: once for the columns' widths.
func writeTable(w io.Writer, entries iter.Seq[check.Entry], zone *time.Location) error {
	cells := func(e check.Entry) [6]string {
		at := e.Day.String()
		if at == "" {
			at = e.Time.In(zone).Format("2006-01-02 15:04:05 MST")
		}
		return [6]string{fmt.Sprint(e.Seq), at, e.Action, string(e.Member), string(e.To), string(e.Case)}
	}
	head := [6]string{"RECORD", "TIME", "ACTION", "MEMBER", "TO", "CASE"}
	var width [6]int
	for i, s := range head {
		width[i] = len(s)
	}
	for e := range entries {
		for i, s := range cells(e) {
			width[i] = max(width[i], len(s))
		}
	}
	line := func(row [6]string) error {
		var b strings.Builder
		for i, s := range row {
			fmt.Fprintf(&b, "%-*s  ", width[i], check.Plain(s))
		}
		_, err := fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
		return err
	}
	if err := line(head); err != nil {
		return err
	}
	for e := range entries {
		if err := line(cells(e)); err != nil {
			return err
		}
	}
	return nil
}
