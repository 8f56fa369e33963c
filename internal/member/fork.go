package member

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
)

// Restored says that the vault was restored from a backup and has lost records
// that the member had seen. It is an [ErrFork]: that what was seen is among what
// the log admits to have lost, nobody can prove any more unless it is the very
// tree that the record names.
type Restored struct {
	accesslog.Restore
	From int64 // first record that is lost
	Seen tlog.Tree
}

func (r *Restored) Error() string {
	s := fmt.Sprintf("%v: it was restored from the backup of %s (%s), and has lost the records from %d on, of %d that you had seen", ErrFork, r.Backup, r.Reason, r.From, r.Seen.N)
	if r.Lost == r.Seen {
		return s + "; the log's own record of it names just that checkpoint of yours"
	}
	return s
}

// Is makes it an ErrFork.
func (r *Restored) Is(err error) bool { return err == ErrFork }

// forked ends the session for good, because of a log that isn't the one seen. If
// the log has a record of a restore that explains it, the error says so.
func (s *Session) forked(ctx context.Context, log note.Verifier, seen tlog.Tree, err error) error {
	err = fmt.Errorf("%w: %w", ErrFork, err)
	if p, perr := s.c.Vault.LastRestore(ctx); perr == nil {
		_, perr = p.Check(log, accesslog.EmptyTree())
		r, rerr := accesslog.ParseRecord(p.Record)
		if perr == nil && rerr == nil && r.Seq == p.Index {
			if x, err := accesslog.ParseRestore(r); err == nil && r.Seq < seen.N && seen.N <= x.Lost.N && (seen.N < x.Lost.N || seen == x.Lost) {
				return s.breaks(&Restored{x, r.Seq, seen})
			}
		}
	}
	return s.breaks(err)
}
