package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

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

// verify verifies the log, from where the state file says on if one is named, and returns what that had seen.
func (c *auditVerifyCmd) verify(ctx context.Context) (log *check.Log, r *check.Result, seen tlog.Tree, err error) {
	files, key, _, err := c.open()
	if err != nil {
		return nil, nil, seen, err
	}
	log = check.New(files, key)
	if c.State != "" {
		if log, err = check.Resume(ctx, files, key, c.State, true); err != nil {
			return nil, nil, seen, err
		}
	}
	log.Progress, log.NoEntries, seen = progress(), c.Released == "", log.Seen()
	r, err = log.Extend(ctx)
	var f *check.Finding
	if errors.As(err, &f) && f.Fault != check.FaultMissing && seen.N > 0 {
		// By itself it may be whole, and another log, or one that was restored.
		alone := check.New(files, key)
		alone.Progress, alone.NoEntries = progress(), true
		if again, fault := alone.Extend(ctx); fault == nil {
			log, r, err = alone, again, alone.Continues(ctx, seen)
		}
	}
	return log, r, seen, err
}

func (c *auditVerifyCmd) Run(ctx context.Context) error {
	if c.Released != "" && c.State != "" {
		return withHint(errors.New("--released needs all entries, and --state skips those that were verified"), "leave --state out")
	}
	log, r, kept, err := c.verify(ctx)
	if err == nil && c.Continues != "" {
		var before tlog.Tree
		if before, err = c.continues(ctx, log, c.LogKey); before.N > kept.N {
			kept = before
		}
	}
	var witnesses *check.Witnesses
	if err == nil {
		witnesses, err = log.Witnesses(ctx)
	}
	var f *check.Finding
	if err != nil && !errors.As(err, &f) {
		return err // nothing was found out
	}
	if err == nil && c.State != "" {
		if err := log.Save(c.State); err != nil {
			return err
		}
	}
	var promised receipt
	if c.Receipt != "" && err == nil {
		if promised, err = c.receipt(log); err != nil {
			return err
		}
	}
	var notes *compared
	if c.Released != "" && err == nil {
		if notes, err = c.released(ctx, log, r); err != nil {
			return err
		}
	}
	if c.JSON {
		v := verdict{Intact: f == nil, Receipt: promised.promise, Released: notes}
		var shout error
		if f == nil {
			shout = wasRestored(r.Unseen(kept))
			v.Intact = shout == nil
			for _, x := range r.Restores {
				v.Restores = append(v.Restores, restored{x.Seq, x.Time, x.Backup, x.Lost.N, x.Lost.Hash.String(), x.Reason, x.Seq >= kept.N})
			}
			v.Records, v.Deposits, v.Destroyed, v.Accesses, v.Waiting, v.Root = r.Records, r.Deposits, r.Destroyed, r.Accesses, r.Waiting, r.Tree.Hash.String()
			if w := witnesses; w != nil {
				v.Witnesses = &cosigners{len(w.All), w.Records, w.By, w.Since}
			}
		} else {
			v.Fault, v.Why, v.Want, v.Got = f.Fault, f.What, f.Want, f.Got
			if f.Seq >= 0 {
				v.Record = &f.Seq
			}
		}
		return errors.Join(printLine(v), err, shout, promised.broken(), notes.broken())
	}
	if err != nil {
		return err
	}
	fmt.Println(intact(r))
	if witnesses != nil {
		fmt.Println(witnesses)
	}
	switch promised.promise {
	case check.Kept:
		fmt.Println("the promise was kept: the deposit of the receipt is in the log")
	case check.Open:
		fmt.Printf("the promise is open: the deposit of the receipt must be in the log by the end of %s\n", promised.due)
	}
	if notes != nil && len(notes.Wrong) == 0 {
		fmt.Printf("%d shares were given by the key witness, each for its record\n", notes.Shares)
	}
	return errors.Join(wasRestored(r.Unseen(kept)), promised.broken(), notes.broken())
}

// continuing holds a log against what was kept of it before.
type continuing struct {
	Continues string `type:"existingfile" placeholder:"CHECKPOINT" help:"A checkpoint that was kept before: the log must still begin with all that it had then."`
}

// continues returns the tree that was kept, if the log still begins with it.
func (c *continuing) continues(ctx context.Context, log *check.Log, logKey string) (before tlog.Tree, err error) {
	key, _, err := readLogKey(logKey)
	if err != nil {
		return before, err
	}
	msg, err := os.ReadFile(c.Continues)
	if err != nil {
		return before, err
	}
	if before, err = accesslog.OpenCheckpoint(msg, key); err != nil {
		return before, errors.New("the checkpoint that was kept is not signed by this log's key")
	}
	return before, log.Continues(ctx, before)
}
