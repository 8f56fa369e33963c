package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/term"

	"suluh.example/suluh/crypto/hidden"
	"suluh.example/suluh/internal/check"
)

type auditCmd struct {
	Verify auditVerifyCmd `cmd:"" help:"Verify an access log from outside."`
	List   auditListCmd   `cmd:"" help:"List who did what, from a log that is verified first."`
	Export auditExportCmd `cmd:"" help:"Verify a log and keep a folder of its files up to date."`

	Anomalies auditAnomaliesCmd `cmd:"" help:"Find what is unusual in a log, by rules that can be changed."`
	Watch     auditWatchCmd     `cmd:"" help:"Follow a log, and say when it forks, shrinks, stalls or has something unusual in it."`
	WatchPage auditWatchPageCmd `cmd:"" help:"Compare the pages for reporters with the release in the log, as a visitor sees them."`
	Rules     auditRulesCmd     `cmd:"" help:"Print the rules that are built in, to change a copy."`

	auditServing
}

// auditLog is the log that a command reads.
type auditLog struct {
	LogKey    string `required:"" help:"The log's verifier key (name+hash+key), or a file that has it."`
	TokenFile string `help:"File with the token that auditors have for the log's URL; - for standard input."`
	Log       string `arg:"" help:"A folder of tiles, a URL, or the vault's log.sock."`
}

// open returns the log's files and its key, as text and read.
func (c *auditLog) open() (files check.Files, key note.Verifier, text string, err error) {
	lessGarbage()
	if key, text, err = readLogKey(c.LogKey); err != nil {
		return nil, nil, "", err
	}
	var token hidden.Value[string]
	if c.TokenFile != "" {
		if token, err = askSecret("Token", c.TokenFile); err != nil {
			return nil, nil, "", fmt.Errorf("token: %w", err)
		}
	}
	files, err = check.Source(c.Log, token)
	return files, key, text, err
}

// readLogKey takes a verifier key or the name of a file that has one, and
// returns it read, and as text.
func readLogKey(arg string) (note.Verifier, string, error) {
	key, err := verifierKey(arg)
	if err != nil {
		return nil, "", fmt.Errorf("log key: %w", err)
	}
	return key, keyText(arg), nil
}

// progress shows how far a long verification is, where somebody watches.
func progress() func(done, of int64) {
	if !term.IsTerminal(int(os.Stderr.Fd())) {
		return nil
	}
	var bar *progressbar.ProgressBar
	return func(done, of int64) {
		if bar == nil && of-done > 20_000 {
			bar = progressbar.NewOptions64(of, progressbar.OptionSetWriter(os.Stderr), progressbar.OptionSetDescription("verifying"),
				progressbar.OptionShowCount(), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100*time.Millisecond))
		}
		if bar != nil {
			_ = bar.Set64(done) // what the terminal doesn't take is not missed
		}
	}
}

// verify verifies the whole log; for a list, entries are kept.
func (c *auditLog) verify(ctx context.Context, entries bool) (*check.Result, error) {
	files, key, _, err := c.open()
	if err != nil {
		return nil, err
	}
	log := check.New(files, key)
	log.Progress, log.NoEntries = progress(), !entries
	return log.Extend(ctx)
}

// wasRestored shouts: nobody shall take a log for whole that says itself that it
// isn't, until he keeps a checkpoint that has the record of it.
func wasRestored(unseen []check.Restored) error {
	if len(unseen) == 0 {
		return nil
	}
	var all []string
	for _, x := range unseen {
		all = append(all, x.String())
	}
	return withHint(errors.New("the log is NOT whole: it was "+strings.Join(all, "; and it was ")),
		"ask the operator for the written record of it, and the Inspektur whether he knew; whoever holds a later checkpoint of before has proof of more that was lost. Then keep the checkpoint of now, for --continues")
}

// intact is the one sentence.
func intact(r *check.Result) string {
	destroyed := ""
	if r.Destroyed > 0 {
		destroyed = fmt.Sprintf("%d answers destroyed by their reporters, ", r.Destroyed)
	}
	whole, none := "the log is intact", "none missing or changed"
	if n := len(r.Restores); n > 0 {
		whole, none = "the log is intact since it was restored from a backup", "none missing or changed but for what was lost by that"
	}
	s := fmt.Sprintf("%s: %d records, %s (%d deposits, %s%d requests of members)", whole, r.Records, none, r.Deposits, destroyed, r.Accesses)
	switch {
	case r.Waiting == 1:
		s += "; 1 case was opened before the batch of its day, and its readers are checked once that is in the log"
	case r.Waiting > 1:
		s += fmt.Sprintf("; %d cases were opened before the batch of their day, and their readers are checked once that is in the log", r.Waiting)
	}
	return s
}
