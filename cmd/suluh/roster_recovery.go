//go:build !client

package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/keyfile"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/ceremony"
)

type rosterRecoveryCmd struct {
	Make rosterRecoveryMakeCmd `cmd:"" help:"Make a unit's recovery key and the sheet to print."`
	Try  rosterRecoveryTryCmd  `cmd:"" help:"Prove that a printed sheet opens what is sealed to the unit."`
}

type rosterRecoveryMakeCmd struct {
	rosterDir
	Unit    string `arg:"" help:"Id of the unit."`
	Sheet   string `required:"" placeholder:"FILE" help:"Where the sheet goes; - is standard output, for a printer."`
	Text    bool   `help:"Write plain text without the QR code instead of a page for a browser."`
	Replace bool   `help:"Make another sheet for a unit that has one. What was sealed before opens with the old sheet only."`
}

func (rosterRecoveryMakeCmd) Help() string {
	return "The recovery key opens every case of the unit that is sealed from then on, also when all its readers are gone. It exists on the paper only; delete the file after printing. With --text --sheet - it goes to the printer without touching a disk.\n\nExamples:\n  suluh roster recovery make itprov --sheet /dev/shm/lembar.html\n  suluh roster recovery make itprov --text --sheet - | lp"
}

func (c *rosterRecoveryMakeCmd) Run() error {
	if c.Sheet == "-" && term.IsTerminal(int(os.Stdout.Fd())) {
		return withHint(errors.New("the sheet would stay in this terminal's history"), "send it to a printer: … --text --sheet - | lp")
	}
	f, err := ceremony.Open(c.Dir)
	if err != nil {
		return err
	}
	sheet, err := f.NewSheet(id.Unit(c.Unit), c.Replace, today())
	if err != nil {
		return err
	}
	write := sheet.HTML
	if c.Text {
		write = sheet.Text
	}
	if err := writeSheet(c.Sheet, write); err != nil {
		return withHint(err, "nothing was changed; a sheet is never written over a file")
	}
	if err := f.Save(); err != nil {
		return errors.Join(err, removeSheet(c.Sheet))
	}
	next("The draft names this sheet for "+c.Unit+", fingerprint "+sheet.Fingerprint()+".",
		"Print it now and try the paper: suluh roster recovery try "+c.Unit)
	if c.Sheet != "-" {
		next("Then DELETE " + c.Sheet + ": whoever reads it can read every report of the unit.")
	}
	return nil
}

func writeSheet(name string, write func(io.Writer) error) error {
	if name == "-" {
		return write(os.Stdout)
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(write(f), f.Close()); err != nil {
		return errors.Join(err, removeSheet(name))
	}
	return nil
}

func removeSheet(name string) error {
	if name == "-" {
		return nil
	}
	return os.Remove(name)
}

type rosterRecoveryTryCmd struct {
	rosterDir
	Unit  string `arg:"" help:"Id of the unit."`
	Sheet string `placeholder:"FILE" help:"Text of the sheet or of its QR code; - is standard input. Without it, type the four lines."`
}

func (rosterRecoveryTryCmd) Help() string {
	return "Seals something to the recovery recipient in the draft and opens it with the sheet. Nothing is kept.\n\nExamples:\n  suluh roster recovery try itprov\n  zbarcam --raw -1 | suluh roster recovery try itprov --sheet -"
}

func (c *rosterRecoveryTryCmd) Run() error {
	f, err := ceremony.Open(c.Dir)
	if err != nil {
		return err
	}
	u, err := f.Unit(id.Unit(c.Unit))
	if err != nil {
		return err
	}
	if u.Recovery == "" {
		return withHint(errors.New("the unit has no recovery sheet"), "make one: suluh roster recovery make "+c.Unit+" --sheet …")
	}
	r, err := askSheet(c.Sheet)
	if err != nil {
		return err
	}
	if err := ceremony.TrySheet(*u, r); err != nil {
		return err
	}
	fmt.Printf("the sheet opens what is sealed to %s (fingerprint %s)\n", u.ID, roster.Fingerprint(u.Recovery))
	return nil
}

// maxSheet is the most bytes of a sheet's text; a whole page is below it.
const maxSheet = 64 << 10

// askSheet reads a recovery sheet from a file, or line by line from the
// terminal, where a line with a mistake is asked for again.
func askSheet(file string) (*keyfile.Recovery, error) {
	if file != "" {
		in, err := openInput(file)
		if err != nil {
			return nil, err
		}
		defer in.Close()
		b, err := io.ReadAll(io.LimitReader(in, maxSheet))
		if err != nil {
			return nil, err
		}
		return keyfile.ParseSheet(string(b))
	}
	var parts []string
	for len(parts) < keyfile.SheetLines {
		n := len(parts) + 1
		typed, err := askSecret(fmt.Sprintf("Line %d of the sheet (not shown)", n), "")
		if err != nil {
			return nil, err
		}
		part, err := keyfile.ParseSheetLine(n, typed.Reveal())
		if err != nil {
			if typed.Reveal() == "" {
				return nil, err
			}
			next(err.Error() + "; type it again, or nothing to stop")
			continue
		}
		parts = append(parts, part)
	}
	return keyfile.RecoveryFrom(parts)
}
