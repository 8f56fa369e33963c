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
	"time"

	"filippo.io/age/plugin"
	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/keyfile"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/crypto/seal"
	"suluh.example/suluh/internal/export"
	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/internal/member"
	"suluh.example/suluh/internal/report"
)

type caseCmd struct {
	vaultFlags
	outsideFlags

	RootKey        string `required:"" env:"SULUH_ROOT_KEY" placeholder:"VKEY|FILE" help:"Root key that rosters are signed with."`
	Identity       string `required:"" env:"SULUH_IDENTITY" type:"existingfile" placeholder:"FILE" help:"Your identity file. The last checkpoint seen and the roster are kept beside it."`
	PassphraseFile string `placeholder:"FILE" help:"File with the identity's passphrase on its first line; - is standard input."`
	RecoverySheet  string `placeholder:"FILE" help:"For a custodian: text of the unit's recovery sheet; - is standard input, \"ask\" asks for its lines."`
	Clock          string `type:"existingfile" placeholder:"FILE" help:"Working days and holidays (clock.toml) in place of the built-in ones."`
	Language       string `default:"id" help:"Language of what is shown of a case: id, en."`

	// What the command itself reads and makes, whether it seals to another member,
	// and whether it starts an editor and is confined after that, which it says
	// before it opens the session.
	reads, writes []string
	grants, edits bool

	List       caseListCmd       `cmd:"" help:"List the cases that you have the key of."`
	Show       caseShowCmd       `cmd:"" help:"Open a case and show it."`
	Export     caseExportCmd     `cmd:"" help:"Write a case to a plain folder that stock tools open."`
	Attachment caseAttachmentCmd `cmd:"" help:"Get one attachment."`
	Reply      caseReplyCmd      `cmd:"" help:"Send the reporter a message."`
	Note       caseNoteCmd       `cmd:"" help:"Keep a note that the reporter never sees."`
	Status     caseStatusCmd     `cmd:"" help:"Tell the reporter a new status."`
	Assign     caseAssignCmd     `cmd:"" help:"Say who is responsible for a case."`
	Grant      caseGrantCmd      `cmd:"" help:"Give another member access to a case."`
	Revoke     caseRevokeCmd     `cmd:"" help:"Take a member's access to a case away."`
	Triage     caseTriageCmd     `cmd:"" help:"Say what kind of complaint a case is, or of which it is a duplicate."`
	Refer      caseReferCmd      `cmd:"" help:"Give a case to another unit."`
	Prepare    casePrepareCmd    `cmd:"" help:"Prepare the words that go to the main queue."`
	Approve    caseApproveCmd    `cmd:"" help:"Approve the words that another member prepared."`
	Decide     caseDecideCmd     `cmd:"" help:"Decide what becomes of a text for the main queue."`
	Outbox     caseOutboxCmd     `cmd:"" help:"List what is prepared, approved or sent to the main queue."`
}

func (caseCmd) Help() string {
	return "Each command signs a statement, which the vault records in the access log before it answers.\nSULUH_MEMBER_SOCKET or SULUH_MEMBER_ONION, SULUH_ROOT_KEY and SULUH_IDENTITY stand in for the flags.\n\nExamples:\n  suluh case list --member-socket /var/lib/suluh/vault/member.sock --root-key root.vkey --identity penelaah-satu.identity\n  suluh case list --member-onion ADDRESS.onion --root-key root.vkey --identity penelaah-satu.identity"
}

// session is a member's session with the flags that it came from.
type session struct {
	*member.Session
	identity *keyfile.Identity
	language *lang.Language
	english  *lang.Language // of what is about the program
	end      func()
}

// Close forgets what the session opened, and leaves the vault.
func (s *session) Close() {
	s.Session.Close()
	s.end()
}

// open unlocks the identity and begins a session.
func (c *caseCmd) open(ctx context.Context) (*session, error) {
	root, err := readRootKey(c.RootKey)
	if err != nil {
		return nil, err
	}
	clock, err := report.DefaultClock()
	if c.Clock != "" {
		var text []byte
		if text, err = os.ReadFile(c.Clock); err == nil {
			clock, err = report.ParseClock(string(text))
		}
	}
	if err != nil {
		return nil, err
	}
	catalogue, err := lang.Load()
	if err != nil {
		return nil, err
	}
	language := catalogue.Language(c.Language)
	if language.Code() != c.Language {
		return nil, withHint(errors.New("there is no such language"), "--language id or --language en")
	}
	identity, _, err := openIdentity(c.Identity, c.PassphraseFile)
	if err != nil {
		return nil, err
	}
	config := member.Config{Identity: identity, Root: root, Clock: clock, Seen: strings.TrimSuffix(c.Identity, ".identity") + ".seen"}
	if c.RecoverySheet != "" {
		file := c.RecoverySheet
		if file == "ask" {
			file = ""
		}
		sheet, err := askSheet(file)
		if err != nil {
			return nil, err
		}
		config.Recovery = sheet.Identity()
	}
	end, err := c.enter(ctx, &config)
	if err != nil {
		return nil, err
	}
	// An age plugin is a program, of the member's own token or of one that somebody
	// has who is given access. It would be confined too, and reach no token.
	_, token := identity.Age().(*plugin.Identity)
	if !token && !c.grants && !c.edits {
		if err := confineCommand(c.rules()); err != nil {
			end()
			return nil, err
		}
	}
	s, err := member.Open(ctx, config)
	if err == nil && !token && c.grants && !slices.ContainsFunc(s.Roster().Members, func(m roster.Member) bool { return !strings.HasPrefix(m.Recipient, "age1pq1") }) {
		err = confineCommand(c.rules())
	}
	if err != nil {
		end()
		return nil, err
	}
	return &session{s, identity, language, catalogue.Language("en"), end}, nil
}

// enter finds the way to the vault and to key witnesses. Over its onion service that takes some seconds, or
// a minute where tor is there for the first time.
func (c *caseCmd) enter(ctx context.Context, to *member.Config) (end func(), err error) {
	// What becomes of the processes between here and the vault, what follows shows.
	r, err := c.reach(ctx, strings.TrimSuffix(c.Identity, ".identity")+".tor")
	if err != nil {
		return nil, err
	}
	way, err := c.outside(ctx, c.RootKey, r)
	if err != nil {
		return nil, errors.Join(err, r.stop())
	}
	to.Outside = way
	vaultStop := r.stop
	r.stop = func() error { return errors.Join(way.Close(), vaultStop()) }
	if r.enter == nil {
		to.Vault = r.client
		return func() { _ = r.stop() }, nil
	}
	if err := r.ready(ctx); err != nil {
		return nil, errors.Join(err, r.stop())
	}
	leave, err := r.enter(to.Identity.OnionKey())
	if err != nil {
		return nil, errors.Join(err, r.stop())
	}
	to.Vault = r.client
	return func() { leave(); _ = r.stop() }, nil
}

// with does something in a session of its own.
func (c *caseCmd) with(ctx context.Context, do func(*session) error) error {
	s, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	return do(s)
}

// caseArg is the argument that names a case.
type caseArg struct {
	Case string `arg:"" help:"Id of the case, K-XXXX-XXXX-XXXX-XXXX."`
}

func (a caseArg) id() (id.Case, error) {
	c, err := id.ParseCase(strings.ToUpper(a.Case))
	if err != nil {
		return c, withHint(err, "suluh case list shows the ids: K-XXXX-XXXX-XXXX-XXXX")
	}
	return c, nil
}

// on does something with a case in a session of its own.
func (c *caseCmd) on(ctx context.Context, a caseArg, do func(*session, id.Case) error) error {
	of, err := a.id()
	if err != nil {
		return err
	}
	return c.with(ctx, func(s *session) error { return do(s, of) })
}

// opened does something with a case that is opened in a session of its own.
func (c *caseCmd) opened(ctx context.Context, a caseArg, do func(*session, *member.Case) error) error {
	return c.on(ctx, a, func(s *session, of id.Case) error {
		x, err := s.Open(ctx, of)
		if err != nil {
			return err
		}
		return do(s, x)
	})
}

type caseExportCmd struct {
	caseArg
	Dir     string `arg:"" type:"path" help:"Folder to make."`
	WithKey bool   `help:"Write the case's key in the clear too. It also opens what is added to the case later, and can't be taken back."`
}

func (caseExportCmd) Help() string {
	return "Writes the conversation, each document as JSON, the attachments under harmless names, the sealed objects and a manifest; README.txt says how stock age, jq and head open them. It is recorded in the access log.\nThe case's key is in it as sealed to you; --with-key is for somebody who has no identity of Suluh's.\n\nExample:\n  suluh case export K-ABCD-EFGH-IJKL-MNOP /media/aman/kasus-1"
}

func (c *caseExportCmd) Run(ctx context.Context, in *caseCmd) error {
	in.writes = []string{c.Dir}
	return in.on(ctx, c.caseArg, func(s *session, of id.Case) error {
		err := export.Folder(c.Dir, func(create export.Create) error {
			to, err := seal.ParseRecipient(s.identity.Recipient())
			if err != nil {
				return err
			}
			x, err := s.Export(ctx, of)
			if err != nil {
				return err
			}
			defer x.Close()
			var total int64
			for _, o := range x.Objects {
				if o.Role != id.RoleCard {
					total += o.Size
				}
			}
			bar, done := transfer(total)
			defer done()
			return export.Write(create, x, export.Options{
				By: s.Member(), To: to, Day: s.Today(), Language: s.language, Contents: true, WithKey: c.WithKey, Progress: bar,
			})
		})
		switch {
		case errors.Is(err, os.ErrExist):
			return withHint(fmt.Errorf("%s: %w", c.Dir, err), "name a folder that does not exist yet; nothing was changed")
		case errors.Is(err, export.ErrIncomplete):
			return withHint(fmt.Errorf("%s: %w", c.Dir, err), "jq '.files[] | select(.error)' manifest.json; tell the operator: suluh doctor")
		case err != nil:
			return err
		}
		fmt.Println(c.Dir)
		return nil
	})
}

// transfer shows how far a long work has come, on standard error and only if
// that is a terminal.
func transfer(total int64) (w io.Writer, done func()) {
	if total < 1<<20 || !term.IsTerminal(int(os.Stderr.Fd())) {
		return io.Discard, func() {}
	}
	bar := progressbar.NewOptions64(total, progressbar.OptionSetWriter(os.Stderr), progressbar.OptionShowBytes(true),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
	return bar, func() { _ = bar.Exit() }
}

type caseAttachmentCmd struct {
	caseArg
	Number int    `arg:"" help:"Number of the attachment, as suluh case show lists it."`
	File   string `arg:"" help:"File to make; - is standard output."`
}

func (caseAttachmentCmd) Help() string {
	return "Getting an attachment is recorded in the access log.\nA file from somebody unknown can harm a computer: open it on one set apart.\n\nExample:\n  suluh case attachment K-ABCD-EFGH-IJKL-MNOP 1 lampiran-1.bin"
}

func (c *caseAttachmentCmd) Run(ctx context.Context, in *caseCmd) error {
	in.writes = []string{c.File}
	if c.File == "-" && term.IsTerminal(int(os.Stdout.Fd())) {
		return withHint(errors.New("an attachment is not shown on a terminal"), "name a file, or send it on: … - | …")
	}
	return in.on(ctx, c.caseArg, func(s *session, of id.Case) (err error) {
		out := io.WriteCloser(os.Stdout)
		if c.File != "-" {
			f, err := os.OpenFile(c.File, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
			if errors.Is(err, os.ErrExist) {
				return withHint(err, "name a file that does not exist yet; nothing was changed")
			}
			if err != nil {
				return err
			}
			out = f
		}
		a, err := c.copy(ctx, s, of, out)
		if c.File != "-" {
			if err = errors.Join(err, out.Close()); err != nil {
				return errors.Join(err, os.Remove(c.File))
			}
		}
		if err != nil {
			return err
		}
		next(fmt.Sprintf("%s, %d bytes, is whole; its name was %s", c.File, a.Size, lang.Visible(a.Name)))
		return nil
	})
}

func (c *caseAttachmentCmd) copy(ctx context.Context, s *session, of id.Case, out io.Writer) (member.Attachment, error) {
	a, r, err := s.Attachment(ctx, of, c.Number)
	if err != nil {
		return a, err
	}
	defer r.Close()
	bar, done := transfer(a.Size)
	defer done()
	_, err = io.Copy(out, io.TeeReader(r, bar))
	return a, err
}
