package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/anomaly"
	"suluh.example/suluh/internal/check"
	"suluh.example/suluh/internal/lang"
)

// languageFlag is for those commands on the log that speak in sentences.
type languageFlag struct {
	Language string `default:"id" help:"Language of the sentences: id, en."`
}

func (f languageFlag) open() (*lang.Language, error) {
	all, err := lang.Load()
	if err != nil {
		return nil, err
	}
	l := all.Language(f.Language)
	if l.Code() != f.Language {
		return nil, withHint(errors.New("there is no such language"), "--language id or --language en")
	}
	return l, nil
}

// rulesFrom reads a file of rules, or those that are built in.
func rulesFrom(file string) (*anomaly.Rules, error) {
	text := anomaly.Default
	if file != "" {
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		text = string(b)
	}
	return anomaly.Parse(text)
}

type auditAnomaliesCmd struct {
	auditLog
	Rules string `placeholder:"FILE" help:"Rules to look by, instead of those that are built in: change a copy of those."`
	From  string `help:"Only what ended on this day or later (2026-11-24, or \"24 November 2026\")."`
	JSON  bool   `help:"Print one JSON object."`
	languageFlag
}

func (auditAnomaliesCmd) Help() string {
	return `Verifies the whole log first. Then it looks for what is allowed and yet unusual: access out of hours, many cases opened in a day, several exported, and the like. Each finding names its records and says what it means and what to do. A finding is a question to ask somebody, no proof of a wrong; docs/auditor.md says what each rule can and cannot know.

The exit status is 0 whatever is found, and 1 if the log is not intact: then nothing is looked for.

Examples:
  suluh audit anomalies --log-key log.vkey /media/log
  suluh audit rules >rules.toml
  suluh audit anomalies --log-key log.vkey --rules rules.toml --from 2026-11-01 --json /media/log`
}

// unusual is a finding as it is printed with --json.
type unusual struct {
	anomaly.Finding
	What  string `json:"what"`
	Means string `json:"means"`
	Do    string `json:"do"`
}

func (c *auditAnomaliesCmd) Run(ctx context.Context) error {
	rules, err := rulesFrom(c.Rules)
	if err != nil {
		return err
	}
	l, err := c.languageFlag.open()
	if err != nil {
		return err
	}
	var from id.Day
	if c.From != "" {
		if from, err = check.ParseDay(c.From); err != nil {
			return fmt.Errorf("--from: %w", err)
		}
	}
	r, err := c.verify(ctx, true)
	if err != nil {
		return err
	}
	found := []unusual{}
	for _, f := range anomaly.Find(r, rules, id.DayOf(time.Now(), r.TimeZone())) {
		if !f.Last.Before(from) {
			x := unusual{Finding: f}
			x.What, x.Means, x.Do = f.Words(l, r.NameOf)
			found = append(found, x)
		}
	}
	if c.JSON {
		return printJSON(struct {
			Records  int64     `json:"records"`
			Root     string    `json:"root"`
			Findings []unusual `json:"findings"`
		}{r.Records, r.Tree.Hash.String(), found})
	}
	out := bufio.NewWriter(os.Stdout)
	for _, x := range found {
		fmt.Fprintf(out, "%s\n", check.Plain(l.T("anomaly."+string(x.Rule)+".title")))
		for _, s := range []string{x.What, l.T("anomaly.records", "Records", x.Records.String()), x.Means, x.Do} {
			fmt.Fprintf(out, "  %s\n", check.Plain(s))
		}
	}
	fmt.Fprintf(out, "%s\n", l.T("anomaly.count", "N", len(found)))
	err = out.Flush()
	if err == nil {
		fmt.Fprintln(os.Stderr, "suluh:", intact(r))
	}
	return err
}

type auditRulesCmd struct{}

func (auditRulesCmd) Help() string {
	return "The rules are a TOML file with a comment on each. One that a copy leaves out is not looked for.\n\nExample:\n  suluh audit rules >rules.toml"
}

func (auditRulesCmd) Run() error {
	_, err := os.Stdout.WriteString(anomaly.Default)
	return err
}
