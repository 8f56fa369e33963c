// Suluh is a vault for reports of corruption: one program, a part per
// subcommand, each run as a process of its own. See README.md.
//
// This package only turns flags into the parts' configuration; it must never
// hold a rule of theirs. Errors go to standard error as "suluh: error: …",
// with a "suluh: hint: …" where there is a next step to tell. The exit status
// is 0 when done, 1 when something failed, 2 for wrong usage.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"golang.org/x/sys/unix"

	"suluh.example/suluh/crypto/keyfile"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/ceremony"
	"suluh.example/suluh/internal/check"
	"suluh.example/suluh/internal/member"
	"suluh.example/suluh/vault"
	"suluh.example/suluh/vault/controlsock"
	"suluh.example/suluh/vault/membersock"
)

// cli is the one table of commands.
type cli struct {
	Intake intakeCmd `cmd:"" help:"Serve the pages for reporters."`
	Desk   deskCmd   `cmd:"" help:"Serve the pages for investigators."`
	Vault  vaultCmd  `cmd:"" help:"Keep reports and the access log."`
	Audit  auditCmd  `cmd:"" help:"Check the access log."`
	Roster rosterCmd `cmd:"" help:"Keep the signed list of who is who."`
	Member memberCmd `cmd:"" help:"Make a member's keys."`
	Case   caseCmd   `cmd:"" help:"Work on cases as a member."`
	Doctor doctorCmd `cmd:"" help:"Say what is wrong with a store and what to do."`
	Demo   demoCmd   `cmd:"" help:"Run all of it on loopback with throw-away keys and made-up cases."`
}

//go:generate go test -count=1 -run TestCommandsAreDocumented . -update

// table makes the parser of the one table.
func table(c *cli, options ...kong.Option) (*kong.Kong, error) {
	return kong.New(c, append(options, kong.Name("suluh"),
		kong.Description("A vault for reports of corruption. Each command has --help with examples."),
		kong.Vars{"actions": strings.Join(check.Actions(), ", ")})...)
}

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	// What is in memory must not come out in a core file or to a debugger.
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
	_ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
	unix.Umask(0o077)

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	var c cli
	exit := -1
	parser, err := table(&c, kong.BindTo(ctx, (*context.Context)(nil)), kong.UsageOnError(), kong.Exit(func(code int) { exit = code }))
	if err != nil {
		return fail(err, 1)
	}
	command, err := parser.Parse(args)
	if exit >= 0 {
		return exit
	}
	if err != nil {
		return fail(err, 2)
	}
	if err := command.Run(); err != nil {
		return fail(err, 1)
	}
	return 0
}

func fail(err error, code int) int {
	fmt.Fprintln(os.Stderr, "suluh: error:", strings.ReplaceAll(err.Error(), "\n", ": ")) // joined errors, on one line
	if hint := hintFor(err); hint != "" {
		fmt.Fprintln(os.Stderr, "suluh: hint:", hint)
	}
	return code
}

// hinted is an error whose next step only the command knows.
type hinted struct {
	error
	hint string
}

func (h hinted) Unwrap() error { return h.error }

func withHint(err error, hint string) error { return hinted{err, hint} }

func hintFor(err error) string {
	var h hinted
	var found *check.Finding
	var usage *kong.ParseError
	switch {
	case errors.As(err, &h):
		return h.hint
	case errors.As(err, &found):
		return "switch nothing off; keep this copy of the log and the vault's directory, and tell the Inspektur, not only those who run the server"
	case errors.Is(err, errPromise):
		return "keep the receipt and this copy of the log, and tell the auditors: the report may have been dropped"
	case errors.Is(err, keyfile.ErrPassphrase):
		return "type it again; capitals and spaces matter"
	case errors.Is(err, ceremony.ErrNoFolder):
		return "name the folder that suluh roster init made: --dir"
	case errors.Is(err, ceremony.ErrUnit), errors.Is(err, ceremony.ErrMember):
		return "suluh roster show names those in the draft; suluh roster unit adds a unit"
	case errors.Is(err, ceremony.ErrReused):
		return "let the member make keys with another id: suluh member new"
	case errors.Is(err, ceremony.ErrLogKey):
		return "name the key that suluh vault init printed: --log-key log.vkey"
	case errors.Is(err, ceremony.ErrOtherLog):
		return "make the vault with the origin that suluh roster init was given, and take the log.vkey from it"
	case errors.Is(err, ceremony.ErrHasSheet):
		return "use --replace only if that sheet is lost or was seen; keep it for the cases that are sealed to it"
	case errors.Is(err, ceremony.ErrOtherSheet):
		return "compare the fingerprint on the sheet with that in suluh roster show"
	case errors.Is(err, member.ErrFork), errors.Is(err, member.ErrTampered):
		return "do not go on. Keep this machine's .seen file, tell the auditor, and check the log: suluh audit verify"
	case errors.Is(err, member.ErrStranger):
		return "use the identity file that the roster's request came from, and the vault of that roster"
	case errors.Is(err, member.ErrCase):
		return "a custodian opens cases with the unit's recovery sheet: --recovery-sheet FILE, or ask"
	case errors.Is(err, membersock.ErrNoWrap):
		return "suluh case list shows the cases that you have the key of; a reader of the case can give it: suluh case grant"
	case errors.Is(err, membersock.ErrStale):
		return "set this machine's clock"
	case errors.Is(err, member.ErrReason):
		return "write the reason for the reporter: --text-file FILE"
	case errors.Is(err, roster.ErrSignature):
		return "it was signed with another key than the root key given, or changed afterwards"
	case errors.Is(err, vault.ErrRunning):
		return "stop the other one first, or use it: suluh vault batch and suluh vault roster talk to a running vault"
	case errors.Is(err, controlsock.ErrRoster):
		return "sign the roster with the root key that the vault was made for, one version after the one in force"
	case errors.Is(err, roster.ErrSuccessor):
		return "check this machine's clock, and that roster.json was changed with suluh roster only"
	case errors.Is(err, syscall.EADDRINUSE):
		return "another program listens there; name another address: --listen 127.0.0.1:0 takes any free port"
	case errors.Is(err, os.ErrExist):
		return "there is a vault already: name another directory"
	case errors.Is(err, os.ErrNotExist):
		return "check the path; suluh vault init makes a vault, suluh roster init a folder of rosters, suluh member new an identity"
	case errors.Is(err, os.ErrPermission):
		return "run it as the user who owns the directory"
	case errors.As(err, &usage):
		at := usage.Context.Model.Node
		for _, x := range usage.Context.Path {
			if x.Command != nil {
				at = x.Command
			}
		}
		return at.FullPath() + " --help says how, with examples"
	}
	return ""
}

// logger tells the day as the only time: what went wrong with a deposit must
// not tell when somebody made it.
func logger(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && a.Key == slog.TimeKey {
			a.Value = slog.StringValue(a.Value.Time().Format(time.DateOnly))
		}
		return a
	}}))
}
