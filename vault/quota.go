package vault

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"suluh.example/suluh/vault/depositsock"
)

// quota counts what deposits have taken. Hours are counted in memory only:
// nothing finer than a day is stored. The zero quota is empty.
type quota struct {
	mu            sync.Mutex
	hour, day     time.Time // that the counts are of
	ofHour, ofDay int64
	coming        int64 // bytes of files that arrive just now, counted as if they were kept
}

// minFree is the free space of the disk below which nothing is taken. Files
// that arrive stop a bit before, so that they leave room for reports without any.
const (
	minFree  = 256 << 20
	keptFree = minFree + 64<<20
)

func (q *quota) turn(now time.Time) {
	if h := now.Truncate(time.Hour); h != q.hour {
		q.hour, q.ofHour = h, 0
	}
	if d := now.Truncate(24 * time.Hour); d != q.day {
		q.day, q.ofDay = d, 0
	}
}

func (q *quota) add(now time.Time, n int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.turn(now)
	q.ofHour += n
	q.ofDay += n
}

// room tells whether a deposit may come, and whether one with files may.
func (q *quota) room(c Config, now time.Time, dir string) (open, files bool) {
	free := freeOf(dir)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.turn(now)
	return q.below(c, 100) && free >= minFree, q.below(c, 100-reserve) && free >= minFree+c.MaxBytes
}

// below tells whether less than a part of the quota is used, in per cent. What
// still arrives is no reason to turn a report without files away.
func (q *quota) below(c Config, part int64) bool {
	n := int64(0)
	if part < 100 {
		n = q.coming
	}
	return q.ofHour+n < c.PerHour/100*part && q.ofDay+n < c.PerDay/100*part
}

func freeOf(dir string) int64 {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return keptFree
	}
	return int64(fs.Bavail) * fs.Bsize
}

// incoming is what has arrived of a deposit's files.
type incoming struct{ n, next int64 } // bytes counted, and when to look again

// metered counts a file's bytes as they come, and ends it when files may take
// no more: many that began while there was room for each would otherwise use
// up together what is kept for reports without files.
type metered struct {
	v *Vault
	r io.Reader
	*incoming
}

// lookEvery is how many bytes come between two looks.
const lookEvery = 256 << 10

func (m *metered) Read(p []byte) (int, error) {
	if m.n >= m.next {
		m.next = m.n + lookEvery
		if err := m.v.quota.goesOn(m.v.config, m.v.config.Now(), m.v.config.Dir); err != nil {
			return 0, err
		}
	}
	n, err := m.r.Read(p[:min(len(p), lookEvery)]) // who reads much at once is looked at no less often
	m.n += int64(n)
	m.v.quota.come(int64(n))
	return n, err
}

func (q *quota) come(n int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.coming += n
}

// arrived turns bytes that were coming into such that have come: they count
// whether or not a deposit takes them.
func (q *quota) arrived(now time.Time, n int64) {
	q.come(-n)
	q.add(now, n)
}

func (q *quota) goesOn(c Config, now time.Time, dir string) error {
	free := freeOf(dir)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.turn(now)
	switch {
	case free < minFree:
		return depositsock.ErrFull
	case free < keptFree || !q.below(c, 100-reserve):
		return depositsock.ErrNoFiles
	}
	return nil
}

// loadQuota counts what today's deposits have taken before a restart.
func (v *Vault) loadQuota(ctx context.Context) error {
	var n int64
	if err := v.db.read.QueryRowContext(ctx, "SELECT coalesce(sum(size), 0) FROM objects WHERE day = ? AND member = ''", v.today().String()).Scan(&n); err != nil {
		return fmt.Errorf("count today's deposits: %w", err)
	}
	v.quota.turn(v.config.Now())
	v.quota.ofDay = n
	return nil
}
