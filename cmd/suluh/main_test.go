package main

import (
	"bytes"
	"regexp"
	"testing"
	"time"
)

func TestTheLogTellsTheDayOnly(t *testing.T) {
	var b bytes.Buffer
	logger(&b).Error("uji", "error", "disk penuh")
	if !bytes.Contains(b.Bytes(), []byte(time.Now().Format(time.DateOnly))) || regexp.MustCompile(`\d\d:\d\d`).Match(b.Bytes()) {
		t.Errorf("got %s", b.Bytes())
	}
}
