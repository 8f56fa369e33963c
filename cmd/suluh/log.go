//go:build !client

package main

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// logging is the flags of what a part says on standard error.
type logging struct {
	LogLevel slog.Level `default:"info" placeholder:"LEVEL" help:"How much to say: debug, info, warn or error. At none of them is anything said of a request."`
}

func (l logging) logger() *slog.Logger { return logger(os.Stderr, l.LogLevel) }

// logger tells the day as the only time: what went wrong with a deposit must
// not tell when somebody made it. Lines for systemd's journal, which writes down
// a time of its own, begin with their priority instead (sd-daemon(3)).
func logger(w io.Writer, level slog.Level) *slog.Logger {
	journal := isJournal(w)
	if journal {
		w = priorities{w}
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		switch {
		case len(groups) > 0 || a.Key != slog.TimeKey:
			return a
		case journal:
			return slog.Attr{}
		}
		a.Value = slog.StringValue(a.Value.Time().Format(time.DateOnly))
		return a
	}}))
}

// isJournal tells whether what is written goes to the journal. systemd names the
// stream in the environment also if only standard output does.
func isJournal(w io.Writer) bool {
	f, ok := w.(*os.File)
	var st unix.Stat_t
	if !ok || unix.Fstat(int(f.Fd()), &st) != nil {
		return false
	}
	return os.Getenv("JOURNAL_STREAM") == fmt.Sprintf("%d:%d", st.Dev, st.Ino)
}

// priorities puts before each line how grave it is. A handler writes a line at
// once, and its level first.
type priorities struct{ io.Writer }

func (p priorities) Write(line []byte) (int, error) {
	priority := "<6>"
	for level, is := range map[string]string{"level=DEBUG": "<7>", "level=WARN": "<4>", "level=ERROR": "<3>"} {
		if bytes.HasPrefix(line, []byte(level)) {
			priority = is
		}
	}
	if _, err := p.Writer.Write(append([]byte(priority), line...)); err != nil {
		return 0, err
	}
	return len(line), nil
}
