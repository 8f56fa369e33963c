// Suluh is a vault for reports of corruption: one program, a part per
// subcommand, each run as a process of its own. See README.md.
//
// This package only turns flags into the parts' configuration; it must never
// hold a rule of theirs. Errors go to standard error as "suluh: error: …",
// with a "suluh: hint: …" where there is a next step to tell. The exit status
// is 0 when done, 1 when something failed, 2 for wrong usage; suluh audit watch has
// more of them.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/check"
)

// cli is the one table of commands. Built with the tag client (make client), the
// program has no more than these few, for the computers of those who report or
// check the log: it needs no C compiler and runs on Windows and macOS too.
type cli struct {
	Submit submitCmd `cmd:"" help:"Send a report, sealed on this computer."`
	Status statusCmd `cmd:"" help:"See where a report stands, with its code."`
	Reply  replyCmd  `cmd:"" help:"Add to a report, with its code."`
	Audit  auditCmd  `cmd:"" help:"Check the access log."`

	serverCmds

	WatchMailer watchMailerCmd `cmd:"" hidden:"" help:"Send mail for suluh audit watch."`

	Version kong.VersionFlag `help:"Say which version this is, and what it was built from."`
}

//go:generate go test -count=1 -run TestCommandsAreDocumented . -update

// table makes the parser of the one table.
func table(c *cli, options ...kong.Option) (*kong.Kong, error) {
	return kong.New(c, append(options, kong.Name("suluh"),
		kong.Description("A vault for reports of corruption. Each command has --help with examples."),
		kong.Vars{"actions": strings.Join(check.Actions(), ", "), "version": version(debug.ReadBuildInfo())})...)
}

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	harden()
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
	if one, ok := command.Selected().Target.Interface().(confined); ok {
		if err := confineCommand(one.rules()); err != nil {
			return fail(err, 1)
		}
	}
	if err := command.Run(); err != nil {
		var own exits
		if errors.As(err, &own) {
			return fail(err, own.status)
		}
		return fail(err, 1)
	}
	return 0
}

func fail(err error, code int) int {
	// Joined errors, on one line. What a server, a log or a file says may be in them.
	fmt.Fprintln(os.Stderr, "suluh: error:", check.Plain(strings.ReplaceAll(err.Error(), "\n", ": ")))
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
	if errors.As(err, &h) {
		return h.hint
	}
	if hint := serverHint(err); hint != "" {
		return hint
	}
	switch {
	case errors.As(err, &found):
		return "switch nothing off; keep this copy of the log and the vault's directory, and tell the Inspektur, not only those who run the server"
	case errors.Is(err, errPromise):
		return "keep the receipt and this copy of the log, and tell the auditors: the report may have been dropped"
	case errors.Is(err, roster.ErrSignature):
		return "it was signed with another key than the root key given, or changed afterwards"
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

// itself names this very program, also where its file was replaced since it began:
// what it is confined to start is the file that it was.
func itself() (string, error) {
	if runtime.GOOS == "linux" {
		return "/proc/self/exe", nil
	}
	path, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find the program itself: %w", err)
	}
	return path, nil
}
