package vault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"golang.org/x/sys/unix"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
)

// measures are what the operator may watch from minute to minute. Whoever keeps
// such numbers has a clock, so none may change when a report comes, a code is
// looked up or an answer is destroyed: what reporters do is counted by finished
// days only, and in tens. What members do is in the log with its time anyway.
type measures struct {
	set        *metrics.Set
	statements *metrics.PrometheusHistogram
	refused    *metrics.Counter
	snapshot   *metrics.Gauge
	batch      *metrics.Gauge

	unwiped atomic.Bool // the last truncation of the WAL failed

	mu     sync.Mutex
	days   finished
	failed id.Day // on which the store last failed
}

// finished is what was there at the beginning of a day.
type finished struct {
	of       id.Day
	deposits int64 // of the day before
	cases    int64
	bytes    int64
	backup   id.Day // of the last backup, on whichever day
}

func (m *measures) start() {
	m.set = metrics.NewSet()
	m.statements = m.set.NewPrometheusHistogramExt("suluh_statement_seconds", []float64{.005, .02, .1, .5, 2, 10})
	m.refused = m.set.NewCounter("suluh_statements_refused_total")
	m.snapshot = m.set.NewGauge("suluh_backup_snapshot_seconds", nil)
	m.batch = m.set.NewGauge("suluh_batch_seconds", nil)
}

// acted counts a statement of a member.
func (m *measures) acted(began time.Time, err error) {
	if m.statements.UpdateDuration(began); err != nil {
		m.refused.Inc()
	}
}

// fails notes that the store failed. Until the day's end nobody sees whether it
// did so once or often.
func (m *measures) fails(today id.Day) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.failed = today
}

// failing notes the end of something that has to work.
func (v *Vault) failing(err error) {
	if err != nil {
		v.measures.fails(v.today())
	}
}

// round is to tens, upwards, so that one more seldom shows.
func round(n, to int64) int64 { return (n + to - 1) / to * to }

// finishedDays reads what was there at today's beginning, once a day. Rows have
// their day, so what came since changes nothing of it.
func (v *Vault) finishedDays(ctx context.Context, today id.Day) (f finished, err error) {
	v.measures.mu.Lock()
	f = v.measures.days
	v.measures.mu.Unlock()
	if f.of == today {
		return f, nil
	}
	f.of = today
	q := v.db.read
	var errs []error
	for _, x := range []struct {
		into  *int64
		query string
		day   id.Day
	}{
		{&f.deposits, "SELECT count(*) FROM deposits WHERE day = ?", today.AddDays(-1)},
		{&f.cases, "SELECT count(*) FROM cases WHERE day < ?", today},
		{&f.bytes, "SELECT coalesce(sum(size), 0) FROM objects WHERE day < ?", today},
	} {
		errs = append(errs, q.QueryRowContext(ctx, x.query, x.day.String()).Scan(x.into))
	}
	if err := errors.Join(errs...); err != nil {
		return f, fmt.Errorf("count what is there: %w", err)
	}
	var leaf []byte
	if err := q.QueryRowContext(ctx, "SELECT leaf FROM records WHERE action = 'backup' ORDER BY seq DESC LIMIT 1").Scan(&leaf); err == nil {
		if r, err := accesslog.ParseRecord(leaf); err == nil {
			f.backup = id.DayOf(r.Time, v.zone)
		}
	}
	v.measures.mu.Lock()
	defer v.measures.mu.Unlock()
	v.measures.days = f
	return f, nil
}

// WriteMetrics writes the text form that Prometheus reads. docs/operations.md says
// what each line means.
func (v *Vault) WriteMetrics(ctx context.Context, w io.Writer) error {
	today := v.today()
	f, err := v.finishedDays(ctx, today)
	if err != nil {
		return v.tell("metrics could not be counted", err)
	}
	var overdue bool
	if err := v.db.read.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM deposits WHERE settled = 0 AND day < ?1) OR EXISTS (SELECT 1 FROM destroyed WHERE settled = 0 AND day < ?1)",
		today.String()).Scan(&overdue); err != nil {
		return v.tell("metrics could not be counted", err)
	}
	open, files := v.quota.room(v.config, v.config.Now(), v.config.Dir)
	v.measures.mu.Lock()
	failed, backup := v.measures.failed == today && !today.IsZero(), v.measures.days.backup
	v.measures.mu.Unlock()
	var fs unix.Statfs_t
	low := unix.Statfs(v.config.Dir, &fs) == nil && nearlyFull(&fs)
	now := v.now.Load()
	version := int64(0)
	if now.roster != nil {
		version = now.roster.Version
	}
	days := int64(-1)
	if !backup.IsZero() {
		days = int64(today.Sub(backup))
	}
	for _, x := range []struct {
		name  string
		value int64
	}{
		{"suluh_up", 1},
		{"suluh_day_timestamp_seconds", today.Time(v.zone).Unix()},
		{"suluh_log_records", v.log.Load().tree.N},
		{"suluh_roster_version", version},
		{"suluh_deposits_yesterday", round(f.deposits, 10)},
		{"suluh_cases", round(f.cases, 10)},
		{"suluh_objects_bytes", round(f.bytes, 64<<20)},
		{"suluh_takes_reports", truth(open && now.roster != nil && v.restored.Load() == nil)},
		{"suluh_takes_files", truth(files && now.roster != nil && v.restored.Load() == nil)},
		{"suluh_disk_low", truth(low)},
		{"suluh_batch_overdue", truth(overdue)},
		{"suluh_store_failed_today", truth(failed)},
		{"suluh_wal_unwiped", truth(v.measures.unwiped.Load())},
		{"suluh_restored_waiting", truth(v.restored.Load() != nil)},
		{"suluh_backup_age_days", days},
	} {
		if _, err := fmt.Fprintf(w, "%s %d\n", x.name, x.value); err != nil {
			return err
		}
	}
	stages, err := v.stages(ctx)
	if err != nil {
		return v.tell("metrics could not be counted", err)
	}
	for _, s := range accesslog.Stages() {
		if _, err := fmt.Fprintf(w, "suluh_outbox_items{state=%q} %d\n", s, stages[s]); err != nil {
			return err
		}
	}
	v.measures.set.WritePrometheus(w)
	return nil
}

func truth(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
