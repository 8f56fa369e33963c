package vault

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// quota counts what deposits have taken. Hours are counted in memory only:
// nothing finer than a day is stored. The zero quota is empty.
type quota struct {
	mu            sync.Mutex
	hour, day     time.Time // that the counts are of
	ofHour, ofDay int64
}

// minFree is the free space of the disk below which nothing is taken.
const minFree = 256 << 20

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
	q.mu.Lock()
	defer q.mu.Unlock()
	q.turn(now)
	var fs unix.Statfs_t
	free := int64(minFree)
	if err := unix.Statfs(dir, &fs); err == nil {
		free = int64(fs.Bavail) * fs.Bsize
	}
	below := func(part int64) bool {
		return q.ofHour < c.PerHour/100*part && q.ofDay < c.PerDay/100*part
	}
	return below(100) && free >= minFree, below(100-reserve) && free >= minFree+c.MaxBytes
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
