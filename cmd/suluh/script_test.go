package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the test's own binary run as suluh, for the scripts.
func TestMain(m *testing.M) {
	testOnlyWorkFactor = 8
	testscript.Main(m, map[string]func(){"suluh": main})
}

// TestScripts runs testdata/script/*.txtar: what people type, and what they
// get. Besides testscript's own commands there are
//
//	serve NAME suluh ARG…   start a part, wait until it says that it listens, and set $NAME to where; it is stopped at the end
//	stop NAME               stop it now, cleanly
//	mode PERM FILE…         fail if a file has other permissions
//
// and the stock age command, a plugin of it (age-plugin-uji), jq and zbarimg.
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
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"serve": func(ts *testscript.TestScript, neg bool, args []string) {
				if neg || len(args) < 2 {
					ts.Fatalf("usage: serve NAME suluh ARG…")
				}
				started(ts)[args[0]] = servePart(ts, args[0], args[1:])
			},
			"stop": func(ts *testscript.TestScript, neg bool, args []string) {
				if neg || len(args) != 1 || started(ts)[args[0]] == nil {
					ts.Fatalf("usage: stop NAME, of a part that was started")
				}
				stop := started(ts)[args[0]]
				delete(started(ts), args[0])
				ts.Check(stop())
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
