// Soak runs a whole instance of Suluh for a while under mixed load, does to it
// what machines and networks do, and then looks for everything that a reporter
// was told is received: make soak, SOAK=1h make soak.
//
// It works in a directory of its own with throw-away keys; as root it puts a
// small file system there, which it fills and makes read-only. It must never be
// pointed at a vault that anybody relies on, nor touch the machine's clock.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"
	"time"

	"suluh.example/suluh/internal/marked"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "soak: error:", err)
		os.Exit(1)
	}
}

func command(ctx context.Context) (err error) {
	c := config{log: os.Stderr}
	record := flag.String("record", "", "file to write the table into, between its marks")
	flag.DurationVar(&c.length, "for", 10*time.Minute, "how long faults are injected")
	flag.IntVar(&c.unknown, "unknown", 200_000, "how many unknown codes to look up; what the load leaves of them comes after it")
	flag.IntVar(&c.jumps, "jumps", 500, "jumps of the clock")
	flag.Func("only", "regexp: of the faults of the vault and its disk, those whose names match, to search for a cause", func(s string) (err error) {
		c.only, err = regexp.Compile(s)
		return err
	})
	flag.Parse()
	if c.dir, err = os.MkdirTemp("", "suluh-soak-"); err != nil {
		return err
	}
	defer os.RemoveAll(c.dir)
	c.bin = filepath.Join(c.dir, "suluh")
	if out, err := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", c.bin, "./cmd/suluh").CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, out)
	}
	s, err := run(ctx, c)
	if s != nil {
		fmt.Print(s.table())
	}
	if err != nil || *record == "" {
		return err
	}
	return marked.Put(*record, "make soak", s.table())
}
