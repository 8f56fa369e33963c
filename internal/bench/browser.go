package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// browserMiB is the size of the file that the browser seals.
const browserMiB = 500

// inBrowser is what test/browser/bench.js tells of one way to do it.
type inBrowser struct {
	Rate      float64 // MB/s
	Grown     float64 // MiB that the tab took more
	Processor float64 // ms of all of the browser's processes for each MB
}

// browser measures a file that a page seals and uploads in Chromium, against the
// age library alone in the same browser. It is left out where the packages of
// the browser's tests aren't installed.
func (b *bench) browser() error {
	dir := filepath.Join("test", "browser")
	if _, err := os.Stat(filepath.Join(dir, "node_modules")); errors.Is(err, os.ErrNotExist) {
		fmt.Fprintln(os.Stderr, "  left out: make setup installs what it needs")
		return nil
	}
	cmd := exec.CommandContext(b.ctx, "node", "bench.js", strconv.Itoa(browserMiB), strconv.Itoa(b.rounds))
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("node bench.js: %w", err)
	}
	var with, ours, withGrown, oursGrown, withSpent, oursSpent []float64
	d := json.NewDecoder(bytes.NewReader(out))
	for {
		var r struct{ Alone, Whole inBrowser }
		if err := d.Decode(&r); err == io.EOF {
			break
		} else if err != nil {
			return fmt.Errorf("node bench.js: %w", err)
		}
		with, withGrown, withSpent = append(with, r.Alone.Rate), append(withGrown, r.Alone.Grown), append(withSpent, r.Alone.Processor)
		ours, oursGrown, oursSpent = append(ours, r.Whole.Rate), append(oursGrown, r.Whole.Grown), append(oursSpent, r.Whole.Processor)
	}
	if len(ours) == 0 {
		return errors.New("node bench.js told nothing")
	}
	b.add(row{
		fmt.Sprintf("%d MiB sealed and uploaded by a page in Chromium", browserMiB), fmt.Sprintf("%.1f MB/s", median(ours)),
		fmt.Sprintf("the age library alone, in the same browser: %.1f MB/s", median(with)), ratio(median(ours) / median(with)), "0.8",
	})
	b.add(row{
		"memory that the tab took more for that, in the median", fmt.Sprintf("%.0f MiB", median(oursGrown)),
		fmt.Sprintf("the age library: %.0f MiB", median(withGrown)), "", "150 MiB",
	})
	b.add(row{
		"processor time of the browser for that", fmt.Sprintf("%.0f ms a MB", median(oursSpent)),
		fmt.Sprintf("the age library: %.0f ms a MB", median(withSpent)), "", "",
	})
	return nil
}
