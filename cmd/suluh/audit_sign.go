//go:build !client

package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/keyfile"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/check"
	"suluh.example/suluh/internal/durable"
	"suluh.example/suluh/internal/sandbox"
)

// signedFileLine begins what an auditor signs, so that it can never be taken for a
// statement or a roster.
const signedFileLine = "suluh.example/signed-file/v1"

// signedText is what is signed of a file.
func signedText(digest id.Digest, day id.Day) string {
	return fmt.Sprintf("%s\nday %s\nsha256 %s\n", signedFileLine, day, digest)
}

func digestOfFile(name string) (d id.Digest, err error) {
	f, err := os.Open(name)
	if err != nil {
		return d, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return d, err
	}
	return id.Digest(h.Sum(nil)), nil
}

type auditSignCmd struct {
	Identity       string `required:"" type:"existingfile" placeholder:"FILE" help:"The auditor's identity file."`
	PassphraseFile string `placeholder:"FILE" help:"File with its passphrase on the first line; - is standard input."`
	File           string `arg:"" type:"existingfile" help:"Report or other file to sign."`
}

func (auditSignCmd) Help() string {
	return `Signs a file, such as a report of suluh audit serve, and writes FILE.sig: a signed note (C2SP signed-note) of the day and the file's SHA-256. It asks no server. suluh audit signed checks it.

Example:
  suluh audit sign --identity pemeriksa.identity laporan-2026-01-01-2026-12-31.html`
}

func (c *auditSignCmd) rules() sandbox.Rules {
	return sandbox.Rules{
		Read: append(named(c.Identity, c.PassphraseFile, c.File), zones()...), Write: folderOf(c.File), Terminal: true, Secrets: true,
	}
}

func (c *auditSignCmd) Run() error {
	sealed, err := os.ReadFile(c.Identity)
	if err != nil {
		return err
	}
	passphrase, err := askSecret("Passphrase of "+c.Identity, c.PassphraseFile)
	if err != nil {
		return err
	}
	identity, err := keyfile.Open(sealed, passphrase.Reveal())
	if err != nil {
		return err
	}
	digest, err := digestOfFile(c.File)
	if err != nil {
		return err
	}
	msg, err := note.Sign(&note.Note{Text: signedText(digest, id.DayOf(time.Now(), time.Local))}, identity.Signer())
	if err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	if err := durable.WriteFile(c.File+".sig", msg, 0o644); err != nil {
		if errors.Is(err, os.ErrExist) {
			return withHint(errors.New("the file has a signature already"), "move "+filepath.Base(c.File)+".sig away first")
		}
		return err
	}
	fmt.Printf("%s.sig: signed by %s, sha256 %s\n", c.File, identity.Member(), digest)
	return nil
}

type auditSignedCmd struct {
	auditLog
	File      string `arg:"" type:"existingfile" help:"The file that was signed."`
	Signature string `placeholder:"FILE" help:"Its signature, if that is not FILE.sig."`
}

func (auditSignedCmd) Help() string {
	return `Checks the signature that suluh audit sign made: whether the file is still the one that was signed, and who signed it, by the roster of a log that is verified first. The exit status is 0 only if an auditor of that roster did.

Example:
  suluh audit signed --log-key log.vkey catatan laporan-2026-01-01-2026-12-31.html`
}

func (c *auditSignedCmd) rules() sandbox.Rules {
	r := c.auditLog.rules()
	r.Read = append(r.Read, named(c.File, c.signature())...)
	return r
}

func (c *auditSignedCmd) signature() string {
	if c.Signature != "" {
		return c.Signature
	}
	return c.File + ".sig"
}

func (c *auditSignedCmd) Run(ctx context.Context) error {
	msg, err := os.ReadFile(c.signature())
	if err != nil {
		return err
	}
	digest, err := digestOfFile(c.File)
	if err != nil {
		return err
	}
	r, err := c.verify(ctx, false)
	if err != nil {
		return err
	}
	if r.Roster == nil {
		return errors.New("the log has no roster that could tell who signed")
	}
	n, err := note.Open(msg, r.Roster.Verifiers())
	if err != nil || len(n.Sigs) != 1 {
		return errors.New("it is not signed by one member of the log's roster")
	}
	who, _ := r.Roster.Member(id.Member(n.Sigs[0].Name))
	day := ""
	if lines := strings.Split(n.Text, "\n"); len(lines) == 4 {
		day = strings.TrimPrefix(lines[1], "day ")
	}
	d, err := id.ParseDay(day)
	switch {
	case err != nil || n.Text != signedText(digest, d):
		return withHint(errors.New("the file is not the one that was signed"), "ask the auditor for it again; nothing in this copy can be relied on")
	case !who.Has(roster.Auditor):
		return fmt.Errorf("it was signed by %s, who is no auditor in the log's roster", who.ID)
	}
	fmt.Printf("signed on %s by %s (%s), an auditor; the file is as it was\n", d, who.ID, check.Plain(who.Name))
	return nil
}
