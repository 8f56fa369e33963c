package main

import (
	"bytes"
	"log/slog"
	"regexp"
	"testing"
	"time"
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
	t.Setenv("JOURNAL_STREAM", "8:12345")
	var b bytes.Buffer
	log := logger(&b, slog.LevelDebug)
	log.Debug("satu")
	log.Info("dua", "level", "ERROR")
	log.Warn("tiga")
	log.Error("empat")
	want := "<7>level=DEBUG msg=satu\n<6>level=INFO msg=dua level=ERROR\n<4>level=WARN msg=tiga\n<3>level=ERROR msg=empat\n"
	if b.String() != want {
		t.Errorf("got %s, want %s", b.String(), want)
	}
}
