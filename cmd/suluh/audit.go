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
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
	"golang.org/x/term"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/hidden"
	"suluh.example/suluh/crypto/id"
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
		return errors.Join(json.NewEncoder(os.Stdout).Encode(v), err, shout, promised.broken(), notes.broken())
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

// receipt is what became of a reporter's receipt.
type receipt struct {
	promise check.Promise // "" if none was asked about
	due     id.Day
}

var errPromise = errors.New("the promise was broken: the deposit of the receipt should be in the log and is not")

func (r receipt) broken() error {
	if r.promise == check.Broken {
		return errPromise
	}
	return nil
}

// maxReceipt is more bytes than any receipt has.
const maxReceipt = 4 << 10

func (c *auditVerifyCmd) receipt(log *check.Log) (receipt, error) {
	key, _, err := readLogKey(c.LogKey)
	if err != nil {
		return receipt{}, err
	}
	from := os.Stdin
	if c.Receipt != "-" {
		if from, err = os.Open(c.Receipt); err != nil {
			return receipt{}, err
		}
		defer from.Close()
	}
	msg, err := io.ReadAll(io.LimitReader(from, maxReceipt))
	if err != nil {
		return receipt{}, fmt.Errorf("read receipt: %w", err)
	}
	// As pasted from a page: with line ends of Windows, and with or without the last.
	msg = []byte(strings.TrimSpace(strings.ReplaceAll(string(msg), "\r\n", "\n")) + "\n")
	r, err := accesslog.OpenReceipt(msg, key)
	if err != nil {
		return receipt{}, withHint(errors.New("the receipt is not signed by this log's key, or was changed"), "copy all of it, from \"suluh.example/receipt/v1\" to the line that begins with a dash")
	}
	promise, err := log.Promise(r, id.DayOf(time.Now(), log.TimeZone()))
	return receipt{promise, r.Due}, err
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
	if f.Action = c.Action; c.Action != "" && !strings.Contains(" "+strings.Join(check.Actions(), " ")+" ", " "+c.Action+" ") {
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

type auditExportCmd struct {
	auditLog
	Dir string `arg:"" type:"path" help:"Folder to make, or to bring up to date."`
}

func (auditExportCmd) Help() string {
	return `Writes the log as a folder that any client of C2SP tlog-tiles reads: checkpoint, tile/…, tile/entries/…, and rosters/… and log.vkey with it. Run again it fetches only what is new, and fails if the log does not continue what the folder has. It is verified on the way; one that is not intact leaves the folder's checkpoint as it was.

Examples:
  suluh audit export --log-key log.vkey /var/lib/suluh/vault/log.sock /media/log
  suluh audit export --log-key log.vkey --token-file token https://log.example/ /media/log`
}

func (c *auditExportCmd) Run(ctx context.Context) error {
	files, _, text, err := c.open()
	if err != nil {
		return err
	}
	r, err := check.Export(ctx, c.Dir, files, text, progress())
	if err != nil {
		return err
	}
	fmt.Println(intact(r))
	return wasRestored(r.Unseen(r.Before))
}
