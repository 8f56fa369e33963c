//go:build !client

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"filippo.io/age"
	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"suluh.example/suluh/crypto/keyfile"
	"suluh.example/suluh/internal/backup"
	"suluh.example/suluh/internal/durable"
	"suluh.example/suluh/vault"
	"suluh.example/suluh/vault/controlsock"
)

type backupCmd struct {
	Make   backupMakeCmd   `cmd:"" default:"withargs" help:"Copy a vault into a folder, and read the copy back."`
	Key    backupKeyCmd    `cmd:"" help:"Make the key pair that the keys in backups are sealed to."`
	List   backupListCmd   `cmd:"" help:"List the backups in a folder."`
	Check  backupCheckCmd  `cmd:"" help:"Read backups back, whole."`
	Forget backupForgetCmd `cmd:"" help:"Remove backups, and what only they need."`
}

type backupMakeCmd struct {
	Dir       string   `required:"" type:"path" help:"Directory of the vault."`
	To        string   `required:"" type:"path" help:"Folder for the backups; made if it isn't there. Better on another disk."`
	Recipient []string `required:"" sep:"none" placeholder:"age1pq1…|FILE" help:"Whom the log's key and the onion keys are sealed to, or a file that says it; may be repeated. suluh backup key makes one."`
	OnionDir  []string `type:"existingdir" sep:"none" placeholder:"DIR" help:"Directory of another onion service than the vault's own, whose keys are sealed too; may be repeated."`
	Keep      int      `default:"14" help:"How many backups to keep: older ones are removed once this one is whole. 0 keeps all."`
	Quick     bool     `help:"Read back only what is new, instead of all large objects."`
}

func (backupMakeCmd) Help() string {
	return `Works whether the vault runs or not. Large objects that the folder has already are not copied again. A record of it enters the access log.

There is one backup a day at most: a later one of the same day takes its place. Make it right after midnight, when the day's deposits are in the log: one that is made in the middle of a day tells which of that day's reports had come by then. Answers that reporters destroyed since are destroyed in the folder's earlier backups, too.

Examples:
  suluh backup --dir /var/lib/suluh/vault --to /media/backup --recipient backup.pub
  suluh backup --dir /var/lib/suluh/vault --to /media/backup --recipient backup.pub --onion-dir /var/lib/suluh/onion --keep 30`
}

func (c *backupMakeCmd) Run(ctx context.Context) (err error) {
	cfg := backup.Config{Vault: c.Dir, To: c.To, OnionDirs: c.OnionDir, Keep: c.Keep, Quick: c.Quick, Progress: bytesDone("backing up")}
	if c.Keep < 0 {
		return errors.New("--keep is a number of backups, or 0 for all")
	}
	for _, r := range c.Recipient {
		more, err := recipientsFrom(r)
		if err != nil {
			return err
		}
		cfg.Recipients = append(cfg.Recipients, more...)
	}
	control := controlsock.NewClient(filepath.Join(c.Dir, "control.sock"))
	var own *vault.Vault // opened if none runs
	cfg.Snapshot = func(ctx context.Context) (*controlsock.Snapshot, error) {
		if own == nil {
			s, err := control.Snapshot(ctx)
			if !controlsock.IsAbsent(err) {
				return s, err
			}
			if own, err = openVault(ctx, vault.Config{Dir: c.Dir, Log: logger(os.Stderr, slog.LevelInfo)}); err != nil {
				return nil, err
			}
		}
		return own.Snapshot(ctx)
	}
	defer func() {
		if own != nil {
			err = errors.Join(err, own.Close())
		}
	}()
	r, err := backup.Run(ctx, cfg)
	if err != nil {
		return err
	}
	fmt.Printf("backup %s is whole: %d records of the log, %d large objects (%d new, %s)\n", r.Generation, r.Records, r.Blobs, r.Copied, inMiB(r.Bytes))
	if r.Destroyed > 0 {
		fmt.Printf("%d answers that their reporters had destroyed are gone from earlier backups\n", r.Destroyed)
	}
	if len(r.Dropped) > 0 {
		fmt.Printf("removed: %s\n", strings.Join(r.Dropped, ", "))
	}
	return nil
}

func inMiB(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

// recipientsFrom takes a recipient or the name of a file that has some, a line
// each.
func recipientsFrom(arg string) (all []string, err error) {
	text := arg
	if b, err := os.ReadFile(arg); err == nil {
		text = string(b)
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if _, err := age.ParseHybridRecipient(line); err != nil {
			return nil, withHint(errors.New("--recipient is neither a hybrid recipient (age1pq1…) nor a file that has one"), "suluh backup key makes a pair")
		}
		all = append(all, line)
	}
	if len(all) == 0 {
		return nil, withHint(errors.New("--recipient names nobody"), "suluh backup key makes a pair")
	}
	return all, nil
}

// bytesDone shows how far a long copy is, where somebody watches.
func bytesDone(what string) func(done, of int64) {
	if !term.IsTerminal(int(os.Stderr.Fd())) {
		return nil
	}
	var bar *progressbar.ProgressBar
	return func(done, of int64) {
		if bar == nil {
			bar = progressbar.NewOptions64(of, progressbar.OptionSetWriter(os.Stderr), progressbar.OptionSetDescription(what),
				progressbar.OptionShowBytes(true), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100*time.Millisecond))
		}
		bar.ChangeMax64(of)
		_ = bar.Set64(done) // what the terminal doesn't take is not missed
	}
}

type backupKeyCmd struct {
	File string `arg:"" type:"path" help:"File to make for the private key. The public one is printed."`
}

func (backupKeyCmd) Help() string {
	return `Make it on another machine than the vault's, and keep it there or on paper: whoever has it and a backup can sign in the log's name, and take over the onion address. It opens no report. An age identity of the stock tool (age-keygen -pq) or a unit's recovery sheet serves as well.

Example:
  suluh backup key backup.key >backup.pub`
}

func (c *backupKeyCmd) Run() error {
	i, err := age.GenerateHybridIdentity()
	if err != nil {
		return err
	}
	if err := durable.WriteFile(c.File, []byte(i.String()+"\n"), 0o600); errors.Is(err, os.ErrExist) {
		return withHint(errors.New("there is such a file already; nothing was changed"), "name another one: the key in it may be needed for backups of before")
	} else if err != nil {
		return err
	}
	fmt.Println(i.Recipient().String())
	return nil
}

// backupFolder is the folder that a command works on.
type backupFolder struct {
	From string `required:"" type:"existingdir" help:"Folder with the backups."`
}

// opened does something with the folder.
func (c *backupFolder) opened(do func(*backup.Folder) error) error {
	f, err := backup.Open(c.From)
	if err != nil {
		return err
	}
	return errors.Join(do(f), f.Close())
}

type backupListCmd struct{ backupFolder }

func (backupListCmd) Help() string {
	return "Newest first: its name, the records of its log, its large objects, its size.\n\nExample:\n  suluh backup list --from /media/backup"
}

func (c *backupListCmd) Run(ctx context.Context) error {
	return c.opened(func(f *backup.Folder) error {
		names, err := f.Generations()
		if err != nil {
			return err
		}
		for _, name := range names {
			x, err := f.Info(ctx, name)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			fmt.Printf("%s  %8d records  %6d large objects  %s\n", x.Name, x.Records, x.Blobs, inMiB(x.Bytes))
		}
		return nil
	})
}

type backupCheckCmd struct {
	backupFolder
	Backup []string `arg:"" optional:"" help:"Names of backups; default: all."`
}

func (backupCheckCmd) Help() string {
	return "Reads every file of a backup again, compares digests, lets SQLite look at the database, and verifies the log in it. Exit status 1 if anything is not as it was written.\n\nExample:\n  suluh backup check --from /media/backup"
}

func (c *backupCheckCmd) Run(ctx context.Context) error {
	return c.opened(func(f *backup.Folder) (err error) {
		if len(c.Backup) == 0 {
			if c.Backup, err = f.Generations(); err != nil {
				return err
			}
		}
		var errs []error
		for _, name := range c.Backup {
			if err := f.Check(ctx, name, bytesDone("reading")); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", name, err))
				continue
			}
			fmt.Println(name, "is whole")
		}
		return errors.Join(errs...)
	})
}

type backupForgetCmd struct {
	backupFolder
	Backup []string `arg:"" help:"Names of backups, as suluh backup list has them."`
}

func (backupForgetCmd) Help() string {
	return "What is removed can't be brought back. Copies of the folder elsewhere are yours to remove.\n\nExample:\n  suluh backup forget --from /media/backup 2026-11-01 2026-11-02"
}

func (c *backupForgetCmd) Run(ctx context.Context) error {
	return c.opened(func(f *backup.Folder) error { return f.Forget(ctx, c.Backup...) })
}

type restoreCmd struct {
	Dir        string   `required:"" type:"path" help:"Directory of the vault: with --from a new or an empty one."`
	From       string   `type:"existingdir" help:"Folder with the backups."`
	Generation string   `help:"Name of the backup, as suluh backup list has it; default: the newest."`
	Identity   string   `type:"existingfile" help:"File with the key that the backup's keys are sealed to: of suluh backup key, of age-keygen -pq, or a recovery sheet."`
	OnionDir   []string `type:"path" sep:"none" placeholder:"DIR" help:"Where the keys of an onion service go; as often as for the backup, and in that order."`
	Newer      string   `type:"existingdir" placeholder:"DIR" help:"Directory of the vault as it was after the backup, if its database can still be read: answers that reporters destroyed meanwhile are destroyed again."`
	LostAfter  string   `placeholder:"CHECKPOINT" help:"The last checkpoint of the log that anybody holds, a file; or none, if nobody holds a later one than the backup's."`
	Reason     string   `help:"Why the vault was restored: a line that everybody who verifies the log will read. Name no case and no person."`
}

func (restoreCmd) Help() string {
	return `Two steps. The first brings a backup back into a new directory. The vault there shows what it has and takes no changes: its log may be older than what members and auditors have seen, and going on with it makes a second log beside that one.

The second step says so, with --lost-after and --reason: ask all auditors and members for the last checkpoint that they hold (an auditor's export has it as checkpoint, a desk as .seen) and name the latest. A record in the log then names it, and every verification of the log says for ever that records were lost; whoever holds a later checkpoint than the one named finds a fork. It works whether the vault runs or not.

Examples:
  suluh restore --from /media/backup --dir /var/lib/suluh/vault-new --identity backup.key
  suluh restore --dir /var/lib/suluh/vault-new --lost-after /media/log/checkpoint --reason "the server's disk failed on 24 November"`
}

func (c *restoreCmd) Run(ctx context.Context) error {
	if c.From == "" && c.LostAfter == "" {
		return withHint(errors.New("neither --from nor --lost-after says what to do"), "suluh restore --help shows the two steps")
	}
	if (c.LostAfter == "") != (c.Reason == "") {
		return withHint(errors.New("--lost-after and --reason go together"), "suluh restore --help shows the two steps")
	}
	if c.From != "" {
		if err := c.bring(ctx); err != nil {
			return err
		}
	}
	if c.LostAfter == "" {
		next("It takes no changes yet. Name the last checkpoint that anybody holds:",
			"  suluh restore --dir "+c.Dir+" --lost-after CHECKPOINT --reason …")
		return nil
	}
	return c.goOn(ctx)
}

func (c *restoreCmd) bring(ctx context.Context) error {
	if c.Identity == "" {
		return withHint(errors.New("--identity names no key, and the backup's keys are sealed"), "it is the file that suluh backup key made")
	}
	ids, err := backupIdentity(c.Identity)
	if err != nil {
		return err
	}
	r, err := backup.Restore(ctx, backup.RestoreConfig{
		From: c.From, Generation: c.Generation, Dir: c.Dir, Identities: ids, OnionDirs: c.OnionDir, Newer: c.Newer, Progress: bytesDone("restoring"),
	})
	if errors.Is(err, os.ErrExist) {
		return withHint(err, "name a new one, and leave that of before as it is: it is evidence")
	}
	if err != nil {
		return err
	}
	findings, err := vault.Doctor(ctx, c.Dir)
	if err != nil {
		return err
	}
	for _, f := range findings {
		fmt.Printf("! %s\n  %s\n", f.What, f.Do)
	}
	fmt.Printf("backup %s is restored: %d records of the log, %d large objects\n", r.Generation, r.Records, r.Blobs)
	if r.Destroyed > 0 {
		fmt.Printf("%d answers were destroyed again, as their reporters had ordered\n", r.Destroyed)
	}
	if r.Onion > 0 {
		fmt.Printf("%d files of onion services' keys were written\n", r.Onion)
	}
	fmt.Printf("log key, to compare with the auditors': %s\n", r.LogKey)
	return nil
}

// backupIdentity reads an age identity or a recovery sheet.
func backupIdentity(name string) ([]age.Identity, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 64<<10))
	if err != nil {
		return nil, err
	}
	if sheet, err := keyfile.ParseSheet(string(b)); err == nil {
		return []age.Identity{sheet.Identity()}, nil
	}
	ids, err := age.ParseIdentities(strings.NewReader(string(b)))
	if err != nil { // age's error may repeat the line
		return nil, errors.New("--identity has neither an age identity nor a recovery sheet")
	}
	return ids, nil
}

func (c *restoreCmd) goOn(ctx context.Context) error {
	var lost []byte
	if c.LostAfter != "none" {
		var err error
		if lost, err = os.ReadFile(c.LostAfter); err != nil {
			return err
		}
	}
	done, err := controlsock.NewClient(filepath.Join(c.Dir, "control.sock")).GoOn(ctx, lost, c.Reason)
	if controlsock.IsAbsent(err) {
		err = opened(ctx, c.Dir, func(v *vault.Vault) error {
			done, err = v.GoOn(ctx, lost, c.Reason)
			return err
		})
	}
	if err != nil {
		return err
	}
	fmt.Printf("the vault takes changes again; the log says that it was restored from the backup of %s, and that the log before had %d records\n", done.Backup, done.Lost.N)
	return nil
}
