package accesslog_test

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
)

func TestARestoreIsReadAsItWasWritten(t *testing.T) {
	day, err := id.ParseDay("2026-11-24")
	if err != nil {
		t.Fatal(err)
	}
	want := accesslog.Restore{Backup: day, Lost: tlog.Tree{N: 141, Hash: tlog.RecordHash([]byte("x"))}, Reason: "disk server rusak, diganti"}
	r := accesslog.Record{Seq: 120, Time: time.Date(2026, 11, 25, 1, 2, 3, 0, time.UTC), Kind: accesslog.KindRestore, Settings: want.Settings()}
	read, err := accesslog.ParseRecord(r.Format())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := accesslog.ParseRestore(read); err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	for what, change := range map[string]func(*accesslog.Record){
		"another kind":        func(r *accesslog.Record) { r.Kind = accesslog.KindBackup },
		"no reason":           func(r *accesslog.Record) { r.Settings = r.Settings[:2] },
		"a setting too many":  func(r *accesslog.Record) { r.Settings = append(r.Settings, accesslog.Setting{Key: "x", Value: "y"}) },
		"another order":       func(r *accesslog.Record) { r.Settings[0], r.Settings[1] = r.Settings[1], r.Settings[0] },
		"a reason of nothing": func(r *accesslog.Record) { r.Settings[2].Value = "x" },
		"a long reason":       func(r *accesslog.Record) { r.Settings[2].Value = strings.Repeat("x", 201) },
		"lost less than it":   func(r *accesslog.Record) { r.Seq = 142 },
		"no day":              func(r *accesslog.Record) { r.Settings[0].Value = "kemarin" },
		"no root":             func(r *accesslog.Record) { r.Settings[1].Value = "141" },
	} {
		x := r
		x.Settings = append([]accesslog.Setting(nil), r.Settings...)
		change(&x)
		if _, err := accesslog.ParseRestore(x); err == nil {
			t.Errorf("%s was read", what)
		}
	}
}
