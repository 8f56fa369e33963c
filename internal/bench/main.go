// Bench measures Suluh against what it can't be faster than: reports against
// sealing alone, uploads against the age command, access records and their
// verification against Ed25519 alone. Both sides of a ratio are measured in
// turns in one run, since machines differ from hour to hour.
//
//	go run ./internal/bench                       the table on standard output
//	go run ./internal/bench -record FILE          and into FILE between its marks
//	go run ./internal/bench -only audit           one part
//	go run ./internal/bench -only audit -records 10000000 -record FILE
//	                                              a larger log, between marks of its own
//
// It drives the built program, a process per part, over real sockets and real
// HTTP; its clients share the machine's cores with what they measure. It must
// never run against a vault that anybody relies on: it makes its own, with
// throw-away keys, in a folder that it removes.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"suluh.example/suluh/internal/marked"
)

// bench is one run.
type bench struct {
	ctx     context.Context
	dir     string // removed at the end
	bin     string // the suluh program
	age     string // the age command
	flood   int64  // bytes of each of the sixteen uploads
	records int64  // of the log that is verified
	log     string // folder in which that log is kept; "" for one that is removed
	rounds  int
	phase   time.Duration
	table   []row
}

// row is a line of the table.
type row struct{ what, got, than, ratio, aim string }

func (b *bench) add(r row) {
	b.table = append(b.table, r)
	fmt.Fprintln(os.Stderr, "  "+strings.Join([]string{r.what, r.got, r.than, r.ratio}, " | "))
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench: error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) (err error) {
	b := &bench{ctx: ctx}
	record := flag.String("record", "", "file to put the table into, between its marks")
	only := flag.String("only", "", "measure one part: reports, upload, submit, records, cosigned, keywitness, audit, start, browser")
	flag.Int64Var(&b.flood, "flood", 256<<20, "bytes of each of the sixteen uploads at once")
	flag.Int64Var(&b.records, "records", 1_000_000, "records of the log that is verified")
	flag.StringVar(&b.log, "log", "", "folder in which the log that is verified is made and kept, or was by an earlier run")
	flag.IntVar(&b.rounds, "rounds", 3, "rounds of each measurement, of which the median counts")
	flag.DurationVar(&b.phase, "phase", 3*time.Second, "length of each measurement of a rate")
	year := flag.String("year", "", "only write the made log of a year into this folder, and measure nothing")
	plain := flag.String("plain", "", "serve the database of a vault in this folder without a log, as a run does that compares with it")
	root := flag.String("root", "", "with -plain: the root key of the members whose signatures are checked (default: nobody signs)")
	flag.Parse()
	if *plain != "" {
		return servePlain(ctx, *plain, *root)
	}
	if *year != "" {
		return writeYear(*year)
	}
	// These need no program, and have a page of their own.
	if *only == "redact" || *only == "anomaly" {
		var text string
		if *only == "redact" {
			text, err = redaction()
		} else {
			text, err = anomalies(ctx)
		}
		if err != nil {
			return err
		}
		fmt.Print(text)
		if *record == "" {
			return nil
		}
		return marked.Put(*record, "make bench", text)
	}
	if b.dir, err = os.MkdirTemp("", "suluh-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	if err := b.build(); err != nil {
		return err
	}
	began := time.Now()
	for _, part := range []struct {
		name    string
		measure func() error
	}{
		{"start", b.start}, {"reports", b.reports}, {"upload", b.uploads}, {"submit", b.submits}, {"records", b.accesses}, {"cosigned", b.cosigned}, {"keywitness", b.openings}, {"audit", b.audit}, {"browser", b.browser},
	} {
		if *only != "" && *only != part.name {
			continue
		}
		fmt.Fprintln(os.Stderr, "bench:", part.name)
		if err := part.measure(); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	text := b.text(time.Since(began))
	fmt.Print(text)
	if *record == "" {
		return nil
	}
	if *only == "audit" { // of more records than make bench takes the time for
		return marked.Put(*record, "go run ./internal/bench -only audit", text)
	}
	return marked.Put(*record, "make bench", text)
}

// build builds the program and the age command.
func (b *bench) build() error {
	b.bin, b.age = filepath.Join(b.dir, "suluh"), filepath.Join(b.dir, "age")
	for bin, pkg := range map[string]string{b.bin: "./cmd/suluh", b.age: "filippo.io/age/cmd/age"} {
		if out, err := exec.CommandContext(b.ctx, "go", "build", "-trimpath", "-o", bin, pkg).CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", pkg, err, out)
		}
	}
	return nil
}

func (b *bench) text(took time.Duration) string {
	rows := []row{{"what", "measured", "beside it, in the same run", "ratio", "aim"}, {"---", "---", "---", "---", "---"}}
	var s strings.Builder
	fmt.Fprintf(&s, "%s. The run took %s.\n\n", machine(b.dir), took.Round(time.Second))
	for _, r := range slices.Concat(rows, b.table) {
		fmt.Fprintf(&s, "| %s |\n", strings.Join([]string{r.what, r.got, r.than, r.ratio, r.aim}, " | "))
	}
	return s.String()
}

func median[T int64 | float64 | time.Duration](all []T) T {
	s := slices.Sorted(slices.Values(all))
	return s[len(s)/2]
}

func micro(d time.Duration) string {
	return fmt.Sprintf("%.0f µs", float64(d)/float64(time.Microsecond))
}

func ratio(r float64) string { return fmt.Sprintf("%.2f", r) }
