package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"suluh.example/suluh/crypto/casecode"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/dialer"
	"suluh.example/suluh/internal/submission"
	"suluh.example/suluh/vault/depositsock"
)

// TestMain lets the test's own binary run as suluh, for the scripts.
func TestMain(m *testing.M) {
	testOnlyWorkFactor = 8
	if len(os.Args) > 1 && os.Args[1] == dialer.Command { // a part that runs here has started it
		main()
	}
	testscript.Main(m, map[string]func(){"suluh": main, "reporter": asReporter, "intake-then-temp": intakeThenTemp, "on-kernel-without": onKernelWithout, "rogue": asRogue, "rogue-tor": asTor})
}

// TestScripts runs testdata/script/*.txtar: what people type, and what they
// get. Besides testscript's own commands there are
//
//	serve NAME suluh ARG…   start a part, wait until it says that it listens, and set $NAME to where; it is stopped at the end
//	halt NAME               stop it now, cleanly (stop is testscript's own, and ends the script as passed)
//	let NAME                set $NAME to what the last command printed
//	mode PERM FILE…         fail if a file has other permissions
//	instance                a running vault ($VAULT, in vault) with a roster made by the commands: the units itprov and itjen, the
//	                        members penelaah-satu (reader, approver), penelaah-dua (reader) and pemegang-kunci (custodian) of
//	                        itprov, its recovery sheet in sheet.txt, every passphrase in pass; the flags of suluh case are set
//
// the proxy of reporters (see socksCmds), the reporter's side (see asReporter), the stock age command, a plugin of it
// (age-plugin-uji), a rogue vault's log (see asRogue), jq and zbarimg.
func TestScripts(t *testing.T) {
	bin := t.TempDir()
	if out, err := exec.Command("go", "build", "-o", bin+"/", "filippo.io/age/cmd/age", "../../crypto/keyfile/testdata/age-plugin-uji").CombinedOutput(); err != nil {
		t.Fatalf("build age and a plugin: %v\n%s", err, out)
	}
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", bin+string(filepath.ListSeparator)+e.Getenv("PATH"))
			e.Values[partsKey{}] = parts{}
			e.Values[socksKey{}] = map[string]*onions{}
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"serve": func(ts *testscript.TestScript, neg bool, args []string) {
				if neg || len(args) < 2 {
					ts.Fatalf("usage: serve NAME suluh ARG…")
				}
				started(ts)[args[0]] = servePart(ts, args[0], args[1:])
			},
			"halt": func(ts *testscript.TestScript, neg bool, args []string) {
				if neg || len(args) != 1 || started(ts)[args[0]] == nil {
					ts.Fatalf("usage: halt NAME, of a part that was started")
				}
				stop := started(ts)[args[0]]
				delete(started(ts), args[0])
				ts.Check(stop())
			},
			"socks":    socksCmds,
			"instance": func(ts *testscript.TestScript, neg bool, args []string) { instance(ts) },
			"let": func(ts *testscript.TestScript, neg bool, args []string) {
				if neg || len(args) != 1 {
					ts.Fatalf("usage: let NAME")
				}
				ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
			},
			"mode": func(ts *testscript.TestScript, neg bool, args []string) {
				if neg || len(args) < 2 {
					ts.Fatalf("usage: mode PERM FILE…")
				}
				want, err := strconv.ParseUint(args[0], 8, 32)
				ts.Check(err)
				for _, f := range args[1:] {
					info, err := os.Stat(ts.MkAbs(f))
					ts.Check(err)
					if info.Mode().Perm() != os.FileMode(want) {
						ts.Fatalf("%s has mode %o", f, info.Mode().Perm())
					}
				}
			},
		},
	})
}

// parts is the running parts of a script by name, each with what stops it.
type parts map[string]func() error

func started(ts *testscript.TestScript) parts { return ts.Value(partsKey{}).(parts) }

type partsKey struct{}

// servePart starts a part and waits for its one line.
func servePart(ts *testscript.TestScript, name string, args []string) (stop func() error) {
	path, err := exec.LookPath(args[0])
	ts.Check(err)
	cmd := exec.Command(path, args[1:]...)
	cmd.Dir = ts.Getenv("WORK")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	stopped := false
	stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			return err
		}
		if err := cmd.Wait(); err != nil {
			return fmt.Errorf("%s did not stop cleanly: %w", name, err)
		}
		return nil
	}
	ts.Defer(func() { ts.Check(stop()) })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || !strings.Contains(line, ": listening ") {
		ts.Fatalf("%s said %q instead of that it listens", name, line)
	}
	fields := strings.Fields(line)
	ts.Setenv(name, fields[len(fields)-1])
	return stop
}

func instance(ts *testscript.TestScript) {
	suluh := func(args ...string) { ts.Check(ts.Exec("suluh", args...)) }
	ts.Check(os.WriteFile(ts.MkAbs("pass"), []byte("kata sandi yang panjang\n"), 0o600))
	suluh("roster", "init", "--dir", "roster", "--origin", "suluh.example/uji", "--passphrase-file", "pass")
	suluh("roster", "unit", "itjen", "--name", "id=Inspektorat Jenderal", "--dir", "roster")
	suluh("roster", "unit", "itprov", "--name", "id=Inspektorat Provinsi", "--other", "itjen", "--dir", "roster")
	for _, m := range [][3]string{
		{"penelaah-satu", "Penelaah Satu", "reader,approver"},
		{"penelaah-dua", "Penelaah Dua", "reader"},
		{"pemegang-kunci", "Pemegang Kunci", "custodian"},
	} {
		suluh("member", "new", "--id", m[0], "--name", m[1], "--passphrase-file", "pass")
		suluh("roster", "add", m[0]+".request", "--unit", "itprov", "--role", m[2], "--dir", "roster")
	}
	suluh("roster", "recovery", "make", "itprov", "--text", "--sheet", "sheet.txt", "--dir", "roster")
	suluh("vault", "init", "--dir", "vault", "--origin", "suluh.example/uji", "--root-key", "roster/root.vkey")
	suluh("roster", "sign", "--log-key", "vault/log.vkey", "--passphrase-file", "pass", "--dir", "roster")
	suluh("vault", "roster", "--dir", "vault", "roster/roster-1.note")
	started(ts)["VAULT"] = servePart(ts, "VAULT", []string{"suluh", "vault", "--dir", "vault"})
	ts.Setenv("SULUH_MEMBER_SOCKET", ts.MkAbs("vault/member.sock"))
	ts.Setenv("SULUH_ROOT_KEY", ts.MkAbs("roster/root.vkey"))
	ts.Setenv("SULUH_IDENTITY", ts.MkAbs("penelaah-satu.identity"))
}

// asReporter sends and looks as the intake does for a reporter:
//
//	reporter send VAULT UNIT REPORT.json [FILE NAME]…   prints the case code; NAME may have escapes such as \x00
//	reporter look VAULT CODE                            prints what the code opens, as JSON
//	reporter destroy VAULT CODE TEXT                    has the answer with the text destroyed
func asReporter() {
	if err := reportOrLook(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "reporter:", err)
		os.Exit(1)
	}
}

func reportOrLook(ctx context.Context, args []string) error {
	if len(args) < 3 {
		return errors.New("usage: reporter send|look|destroy VAULT …")
	}
	c := depositsock.NewClient(filepath.Join(args[1], "deposit.sock"))
	signed, err := c.Roster(ctx)
	if err != nil {
		return err
	}
	root, err := verifierKey(filepath.Join(args[1], "root.vkey"))
	if err != nil {
		return err
	}
	r, err := roster.Parse(signed, root)
	if err != nil {
		return err
	}
	sender, err := submission.NewSender(c, r, roster.Digest(signed))
	if err != nil {
		return err
	}
	if args[0] == "look" || args[0] == "destroy" {
		code, _, err := casecode.Parse(args[2])
		if err != nil {
			return err
		}
		v, err := sender.Look(ctx, code)
		if err != nil {
			return err
		}
		if args[0] == "look" {
			return json.NewEncoder(os.Stdout).Encode(v)
		}
		for _, m := range v.Messages {
			if strings.TrimSpace(m.Text) == args[3] {
				_, err := sender.Destroy(ctx, v, m.Answer)
				return err
			}
		}
		return errors.New("there is no such answer")
	}
	f := submission.Form{To: submission.Readers{Unit: id.Unit(args[2])}, Language: "id"}
	f.Seed = submission.NewSeed()
	b, err := os.ReadFile(args[3])
	if err == nil {
		err = json.Unmarshal(b, &f.Report)
	}
	if err != nil {
		return err
	}
	state, err := c.State(ctx)
	if err != nil {
		return err
	}
	s, err := sender.Begin(ctx, state.Day, f)
	if err != nil {
		return err
	}
	defer s.Abort()
	for files := args[4:]; len(files) > 1; files = files[2:] {
		name, err := strconv.Unquote(`"` + files[1] + `"`)
		if err != nil {
			return err
		}
		in, err := os.Open(files[0])
		if err != nil {
			return err
		}
		_, err = s.Attach(name, "application/octet-stream", in)
		if err = errors.Join(err, in.Close()); err != nil {
			return err
		}
	}
	if _, err := s.Commit(ctx); err != nil {
		return err
	}
	code, err := submission.CodeOf(f.Seed, f.To)
	fmt.Println(code.Reveal())
	return err
}
