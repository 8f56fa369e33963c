package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/check"
)

type auditVerifyCmd struct {
	auditLog
	continuing
	State    string `type:"path" placeholder:"FILE" help:"File that keeps what was verified, made if it isn't there: the next run goes on from it, and verifies only what is new."`
	Receipt  string `placeholder:"FILE" help:"A reporter's receipt: tell whether its deposit is in the log as promised; - for standard input."`
	Released string `placeholder:"FILE" help:"What a key witness has noted, its released.jsonl: tell whether each share that it gave is for a record of the log; - for standard input."`
	JSON     bool   `help:"Print one JSON object instead of a sentence."`
}

func (auditVerifyCmd) Help() string {
	return `Checks every record and prints one sentence. The exit status is 0 only if the log is intact.

With --receipt, it prints another sentence: whether the vault kept its promise to log the reporter's deposit. That needs neither the code nor the
report, and tells nothing of them. The exit status is 1 if the promise was broken.

With --continues, a log that was cut back or begun anew since shows, too: keep the checkpoint of each verification, or use suluh audit export, which does.

With --state, too, and the next run goes on from what this one has verified: it takes seconds where the whole takes minutes, and doesn't read old files again. Keep the file where nobody but you can change it; after a restore that loses what it has seen, name another.

With --released, it compares what a key witness has noted of the shares that it gave with the log, and names each that has no record, or one of another member or case. The exit status is 1 if there is any.

A vault that was restored from a backup says so in its log, with what is lost and why. The exit status is then 1, until --continues names a checkpoint that was kept after the restore, or --state a file: who keeps one has been told.

Examples:
  suluh audit verify --log-key log.vkey /media/log
  suluh audit verify --log-key log.vkey --token-file token https://log.example/
  suluh audit verify --log-key log.vkey --continues /media/log/checkpoint /var/lib/suluh/vault/log.sock
  suluh audit verify --log-key log.vkey --state catatan.verified https://log.example/
  suluh audit verify --log-key log.vkey --receipt tanda-terima.txt https://log.example/
  suluh audit verify --log-key log.vkey --released released.jsonl https://log.example/`
}

// verdict is what verify prints with --json.
type verdict struct {
	Intact    bool        `json:"intact"`
	Records   int64       `json:"records,omitempty"`
	Deposits  int64       `json:"deposits,omitempty"`
	Destroyed int64       `json:"destroyed,omitempty"` // answers, by their reporters
	Accesses  int64       `json:"requests,omitempty"`
	Waiting   int         `json:"waiting,omitempty"`
	Root      string      `json:"root,omitempty"`
	Record    *int64      `json:"record,omitempty"` // that is at fault; none if it is the log as a whole
	Fault     check.Fault `json:"fault,omitempty"`
	Why       string      `json:"why,omitempty"`
	Want      string      `json:"want,omitempty"`
	Got       string      `json:"got,omitempty"`
	Restores  []restored  `json:"restores,omitempty"`  // from backups; each has lost what came after the backup
	Witnesses *cosigners  `json:"witnesses,omitempty"` // none if the roster names none

	Receipt  check.Promise `json:"receipt,omitempty"`
	Released *compared     `json:"released,omitempty"` // left out if it was not asked about
}

// cosigners are the witnesses as verify prints them with --json.
type cosigners struct {
	Named   int       `json:"named"`
	Records int64     `json:"records"` // that a quorum has cosigned
	By      int       `json:"by"`
	Since   time.Time `json:"since,omitzero"`
}

// restored is a restore as verify prints it with --json.
type restored struct {
	Record int64     `json:"record"`
	Time   time.Time `json:"time"`
	Backup id.Day    `json:"backup"`
	Had    int64     `json:"had"` // records that the log before is known to have had
	Root   string    `json:"root"`
	Reason string    `json:"reason"`
	New    bool      `json:"new"` // nobody here has kept a checkpoint since
}

// verified is what came of verifying a log that is intact, and of what else was asked.
type verified struct {
	*check.Result
	seen      tlog.Tree        // the most that somebody here has seen of it before
	witnesses *check.Witnesses // nil if the roster names none
	receipt   receipt
	released  *compared // nil if it was not asked about
}

// verifyAsked verifies the log, and then all that was asked of it. The error is a
// [*check.Finding] if it isn't intact.
func (c *auditVerifyCmd) verifyAsked(ctx context.Context) (v verified, err error) {
	files, key, _, err := c.open()
	if err != nil {
		return v, err
	}
	log, err := c.extend(ctx, files, key, &v)
	if err != nil {
		return v, err
	}
	if c.Continues != "" {
		before, err := c.continues(ctx, log, key)
		if err != nil {
			return v, err
		}
		if before.N > v.seen.N {
			v.seen = before
		}
	}
	if v.witnesses, err = log.Witnesses(ctx); err != nil {
		return v, err
	}
	if c.State != "" {
		if err := log.Save(c.State); err != nil {
			return v, err
		}
	}
	if c.Receipt != "" {
		if v.receipt, err = c.receipt(log, key); err != nil {
			return v, err
		}
	}
	if c.Released != "" {
		v.released, err = c.released(ctx, log, v.Result)
	}
	return v, err
}

// extend verifies the log from where the state file says on, if one is named.
func (c *auditVerifyCmd) extend(ctx context.Context, files check.Files, key note.Verifier, v *verified) (log *check.Log, err error) {
	log = check.New(files, key)
	if c.State != "" {
		if log, err = check.Resume(ctx, files, key, c.State, true); err != nil {
			return nil, err
		}
	}
	log.Progress, log.NoEntries, v.seen = progress(), c.Released == "", log.Seen()
	v.Result, err = log.Extend(ctx)
	var f *check.Finding
	if errors.As(err, &f) && f.Fault != check.FaultMissing && v.seen.N > 0 {
		// By itself it may be whole, and another log, or one that was restored.
		alone := check.New(files, key)
		alone.Progress, alone.NoEntries = progress(), true
		if again, fault := alone.Extend(ctx); fault == nil {
			v.Result = again
			return alone, alone.Continues(ctx, v.seen)
		}
	}
	return log, err
}

func (c *auditVerifyCmd) Run(ctx context.Context) error {
	if c.Released != "" && c.State != "" {
		return withHint(errors.New("--released needs all entries, and --state skips those that were verified"), "leave --state out")
	}
	v, err := c.verifyAsked(ctx)
	if err != nil {
		var f *check.Finding
		if c.JSON && errors.As(err, &f) { // else nothing was found out
			return errors.Join(printLine(faulty(f)), err)
		}
		return err
	}
	if c.JSON {
		err = printLine(v.verdict())
	} else {
		v.print()
	}
	return errors.Join(err, wasRestored(v.Unseen(v.seen)), v.receipt.broken(), v.released.broken())
}

// faulty is the verdict on a log that isn't intact.
func faulty(f *check.Finding) verdict {
	v := verdict{Fault: f.Fault, Why: f.What, Want: f.Want, Got: f.Got}
	if f.Seq >= 0 {
		v.Record = &f.Seq
	}
	return v
}

func (v verified) verdict() verdict {
	d := verdict{
		Intact: len(v.Unseen(v.seen)) == 0, Records: v.Records, Deposits: v.Deposits, Destroyed: v.Destroyed, Accesses: v.Accesses, Waiting: v.Waiting,
		Root: v.Tree.Hash.String(), Receipt: v.receipt.promise, Released: v.released,
	}
	for _, x := range v.Restores {
		d.Restores = append(d.Restores, restored{x.Seq, x.Time, x.Backup, x.Lost.N, x.Lost.Hash.String(), x.Reason, x.Seq >= v.seen.N})
	}
	if w := v.witnesses; w != nil {
		d.Witnesses = &cosigners{len(w.All), w.Records, w.By, w.Since}
	}
	return d
}

// print says it in sentences. What is wrong is an error's to say.
func (v verified) print() {
	fmt.Println(intact(v.Result))
	if v.witnesses != nil {
		fmt.Println(v.witnesses)
	}
	switch v.receipt.promise {
	case check.Kept:
		fmt.Println("the promise was kept: the deposit of the receipt is in the log")
	case check.Open:
		fmt.Printf("the promise is open: the deposit of the receipt must be in the log by the end of %s\n", v.receipt.due)
	}
	if v.released != nil && len(v.released.Wrong) == 0 {
		fmt.Printf("%d shares were given by the key witness, each for its record\n", v.released.Shares)
	}
}

// continuing holds a log against what was kept of it before.
type continuing struct {
	Continues string `type:"existingfile" placeholder:"CHECKPOINT" help:"A checkpoint that was kept before: the log must still begin with all that it had then."`
}

// continues returns the tree that was kept, if the log still begins with it.
func (c *continuing) continues(ctx context.Context, log *check.Log, key note.Verifier) (before tlog.Tree, err error) {
	msg, err := os.ReadFile(c.Continues)
	if err != nil {
		return before, err
	}
	if before, err = accesslog.OpenCheckpoint(msg, key); err != nil {
		return before, errors.New("the checkpoint that was kept is not signed by this log's key")
	}
	return before, log.Continues(ctx, before)
}
