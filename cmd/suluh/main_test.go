package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestTheLogTellsTheDayOnly(t *testing.T) {
	var b bytes.Buffer
	logger(&b, slog.LevelInfo).Error("uji", "error", "disk penuh")
	if !bytes.Contains(b.Bytes(), []byte(time.Now().Format(time.DateOnly))) || regexp.MustCompile(`\d\d:\d\d`).Match(b.Bytes()) {
		t.Errorf("got %s", b.Bytes())
	}
}

// TestTheJournalGetsPriorities: lines for the journal say how grave they are in
// the way that it reads, and leave the time to it.
func TestTheJournalGetsPriorities(t *testing.T) {
	stream, err := os.Create(filepath.Join(t.TempDir(), "stream"))
	must(t, err)
	defer stream.Close()
	var st unix.Stat_t
	must(t, unix.Fstat(int(stream.Fd()), &st))
	t.Setenv("JOURNAL_STREAM", fmt.Sprintf("%d:%d", st.Dev, st.Ino))
	log := logger(stream, slog.LevelDebug)
	log.Debug("satu")
	log.Info("dua", "level", "ERROR")
	log.Warn("tiga")
	log.Error("empat")
	got, err := os.ReadFile(stream.Name())
	must(t, err)
	if want := "<7>level=DEBUG msg=satu\n<6>level=INFO msg=dua level=ERROR\n<4>level=WARN msg=tiga\n<3>level=ERROR msg=empat\n"; string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
	// Another file, while standard output goes to the journal, is a file.
	other, err := os.Create(filepath.Join(t.TempDir(), "other"))
	must(t, err)
	defer other.Close()
	logger(other, slog.LevelInfo).Error("lima")
	if got, err := os.ReadFile(other.Name()); err != nil || !strings.HasPrefix(string(got), "time="+time.Now().Format("2006-")) {
		t.Errorf("got %s, %v", got, err)
	}
}
