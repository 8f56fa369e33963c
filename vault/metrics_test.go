package vault_test

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/vault"
	"suluh.example/suluh/vault/depositsock"
)

func (w *world) metrics() string {
	w.t.Helper()
	var b bytes.Buffer
	must(w.t, w.vault.WriteMetrics(w.t.Context(), &b))
	return b.String()
}

// numbers parses the text as Prometheus does.
func (w *world) numbers() map[string]float64 {
	w.t.Helper()
	p := expfmt.NewTextParser(model.LegacyValidation)
	families, err := p.TextToMetricFamilies(strings.NewReader(w.metrics()))
	must(w.t, err)
	all := map[string]float64{}
	for name, f := range families {
		for _, m := range f.Metric {
			key := name
			for _, l := range m.Label {
				if l.GetName() == "le" {
					continue
				}
				if l.GetName() != "state" || name != "suluh_outbox_items" {
					w.t.Errorf("%s has the label %s", name, l.GetName())
				}
				key += " " + l.GetValue()
			}
			all[key] = m.GetUntyped().GetValue()
		}
	}
	return all
}

// TestNoReportShowsInTheMetricsOfItsDay: whoever reads them every minute learns
// nothing of when a report came, was looked up or was answered; the day after
// they count it, in tens.
func TestNoReportShowsInTheMetricsOfItsDay(t *testing.T) {
	w := newWorld(t, vault.Config{})
	x := w.answered()
	before := w.metrics()
	must(t, second(w.destroy(x.parcel, x.answer.describe().Digest)))
	p := newParcel(large, w.one.id, w.two.id)
	must(t, second(w.send(p)))
	same := func(after string) {
		t.Helper()
		if got := w.metrics(); got != before {
			t.Errorf("after %s:\n%s\nbefore:\n%s", after, got, before)
		}
	}
	same("a destroyed answer and a report")
	must(t, second(w.deposit.Lookup(t.Context(), p.lookup)))
	same("a look-up")
	if _, err := w.deposit.Lookup(t.Context(), newParcel(0).lookup); !errors.Is(err, depositsock.ErrUnknown) {
		t.Fatal(err)
	}
	same("a look-up of an unknown code")
	for range 11 {
		more := newParcel(0)
		more.lookup, more.of = p.lookup, ""
		must(t, second(w.send(more)))
	}
	w.clock.forward(5 * time.Hour)
	same("an addition, hours later")

	w.clock.forward(12 * time.Hour) // past midnight
	if n := w.numbers(); n["suluh_batch_overdue"] != 1 || n["suluh_deposits_yesterday"] != 20 || n["suluh_cases"] != 10 || n["suluh_objects_bytes"] != 64<<20 {
		t.Errorf("the day after: %v", n)
	}
	must(t, w.vault.CatchUp(t.Context()))
	if n := w.numbers(); n["suluh_batch_overdue"] != 0 || n["suluh_batch_seconds"] <= 0 {
		t.Errorf("after the batch: %v", n)
	}
}

func TestMetricsTellWhatAnOperatorHasToDo(t *testing.T) {
	w := newWorld(t, vault.Config{})
	n := w.numbers()
	if n["suluh_up"] != 1 || n["suluh_takes_reports"] != 1 || n["suluh_roster_version"] != 1 || n["suluh_log_records"] != 2 || n["suluh_backup_age_days"] != -1 {
		t.Errorf("at first: %v", n)
	}
	for _, name := range []string{"suluh_disk_low", "suluh_batch_overdue", "suluh_store_failed_today", "suluh_wal_unwiped", "suluh_restored_waiting"} {
		if v, ok := n[name]; !ok || v != 0 && name != "suluh_disk_low" {
			t.Errorf("%s is %v, %v; there are %v", name, v, ok, slices.Sorted(maps.Keys(n)))
		}
	}
	must(t, second(w.ask(w.one, w.statement(w.one, accesslog.List, ""))))
	s, err := w.vault.Snapshot(t.Context())
	must(t, err)
	must(t, s.Close())
	n = w.numbers()
	if n["suluh_statement_seconds_count"] != 1 || n["suluh_log_records"] != 4 || n["suluh_backup_age_days"] != 0 || n["suluh_backup_snapshot_seconds"] <= 0 {
		t.Errorf("after a list and a backup: %v", n)
	}
	w.clock.forward(72 * time.Hour)
	if n := w.numbers(); n["suluh_backup_age_days"] != 3 {
		t.Errorf("three days later the backup is %v days old", n["suluh_backup_age_days"])
	}
}

func second[T any](_ T, err error) error { return err }
