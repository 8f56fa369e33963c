package vault

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"sync"

	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/witness"
	"suluh.example/suluh/vault/depositsock"
)

// querier is a database or a transaction.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// hashCache keeps hashes of the tree that proofs ask for again and again. What
// is in it never changes; it is emptied when it grows past its bound.
type hashCache struct {
	mu sync.Mutex
	m  map[int64]tlog.Hash
}

const maxCached = 1 << 17 // hashes, some 10 MB

func (c *hashCache) get(i int64) (tlog.Hash, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h, ok := c.m[i]
	return h, ok
}

func (c *hashCache) put(i int64, h tlog.Hash) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add(i, h)
}

// putCommitted takes over the hashes of a log of so many records, of which the
// proofs are asked for right away.
func (c *hashCache) putCommitted(fresh map[int64]tlog.Hash, size int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	end := tlog.StoredHashCount(size)
	for i, h := range fresh {
		if i < end { // beyond are those of records that were undone
			c.add(i, h)
		}
	}
}

func (c *hashCache) add(i int64, h tlog.Hash) {
	if len(c.m) >= maxCached || c.m == nil {
		c.m = make(map[int64]tlog.Hash)
	}
	c.m[i] = h
}

// hashes reads the stored hashes of the log. Each record's row has those that
// it completed, lowest level first.
type hashes struct {
	ctx   context.Context
	q     querier
	cache *hashCache
	// fresh has the hashes of records that are not committed yet: they stay
	// out of the cache.
	fresh map[int64]tlog.Hash
}

func (r hashes) ReadHashes(at []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(at))
	for i, index := range at {
		if h, ok := r.fresh[index]; ok {
			out[i] = h
			continue
		}
		if h, ok := r.cache.get(index); ok {
			out[i] = h
			continue
		}
		level, n := tlog.SplitStoredHashIndex(index)
		seq := (n+1)<<level - 1
		var row []byte
		if err := r.q.QueryRowContext(r.ctx, "SELECT hashes FROM records WHERE seq = ?", seq).Scan(&row); err != nil {
			return nil, fmt.Errorf("hash of record %d: %w", seq, err)
		}
		if len(row) < (level+1)*tlog.HashSize {
			return nil, fmt.Errorf("hash of record %d is missing", seq)
		}
		out[i] = tlog.Hash(row[level*tlog.HashSize:][:tlog.HashSize])
		r.cache.put(index, out[i])
	}
	return out, nil
}

// appendRecord adds a record to the log within the group's transaction.
func (g *group) appendRecord(r accesslog.Record, of id.Case, by id.Member, action accesslog.Action) (int64, []byte, error) {
	r.Seq, r.Time = g.size, g.now
	leaf := r.Format()
	if len(leaf) > accesslog.MaxRecord {
		return 0, nil, errors.New("record is too long")
	}
	stored, err := tlog.StoredHashes(g.size, leaf, g.hashes)
	if err != nil {
		return 0, nil, fmt.Errorf("append record: %w", err)
	}
	row := make([]byte, 0, len(stored)*tlog.HashSize)
	for i, h := range stored {
		g.hashes.fresh[tlog.StoredHashIndex(0, g.size)+int64(i)] = h
		row = append(row, h[:]...)
	}
	if _, err := g.tx.ExecContext(g.ctx, "INSERT INTO records (seq, leaf, hashes, case_id, member, action) VALUES (?, ?, ?, ?, ?, ?)",
		g.size, leaf, row, string(of), string(by), string(action)); err != nil {
		return 0, nil, fmt.Errorf("append record: %w", err)
	}
	g.size++
	return g.size - 1, leaf, nil
}

// published is the log as everyone may see it: committed and signed.
type published struct {
	tree       tlog.Tree
	checkpoint []byte

	mu    sync.Mutex
	since map[int64]accesslog.Path // see continues
}

// mostSince bounds how many proofs are kept with a tree: those who ask at the same time
// have mostly seen the same few.
const mostSince = 64

// continues proves that the published log continues its first records, so many. Who
// reads the proof must not change it.
func (v *Vault) continues(ctx context.Context, now *published, from int64) (accesslog.Path, error) {
	now.mu.Lock()
	p, ok := now.since[from]
	now.mu.Unlock()
	if ok {
		return p, nil
	}
	p, err := accesslog.ProveTree(now.tree.N, from, hashes{ctx: ctx, q: v.db.read, cache: &v.cache})
	if err != nil {
		return nil, fmt.Errorf("prove tree: %w", err)
	}
	now.mu.Lock()
	defer now.mu.Unlock()
	if now.since == nil {
		now.since = map[int64]accesslog.Path{}
	}
	if len(now.since) < mostSince {
		now.since[from] = p
	}
	return p, nil
}

// proof proves a record that is in the log as it was published.
func (v *Vault) proof(ctx context.Context, now *published, seq int64, leaf []byte, seen tlog.Tree) (accesslog.Proof, error) {
	r := hashes{ctx: ctx, q: v.db.read, cache: &v.cache}
	p := accesslog.Proof{Index: seq, Record: leaf, Checkpoint: now.checkpoint}
	var err error
	if p.Inclusion, err = accesslog.ProveRecord(now.tree.N, seq, r); err != nil {
		return p, fmt.Errorf("prove record: %w", err)
	}
	if seen.N > 0 {
		if p.Consistency, err = v.continues(ctx, now, seen.N); err != nil {
			return p, err
		}
	}
	return p, nil
}

// RosterProof proves to whoever seals by the roster in force that it is one of
// the log's, and that it holds today.
func (v *Vault) RosterProof(ctx context.Context) (p depositsock.RosterProof, err error) {
	defer func() { err = v.tell("the roster in force was not proven", err) }()
	now := v.now.Load()
	if now.roster == nil {
		return p, depositsock.ErrFull
	}
	if now.seq >= v.log.Load().tree.N {
		// It holds since this moment: its record is published when the writer is
		// free again.
		if err := v.enqueue(ctx, &job{done: make(chan error, 1), alone: func(context.Context) error { return nil }}); err != nil {
			return p, err
		}
	}
	var leaf []byte
	if err := v.db.read.QueryRowContext(ctx, "SELECT leaf FROM records WHERE seq = ?", now.seq).Scan(&leaf); err != nil {
		return p, fmt.Errorf("read record of the roster: %w", err)
	}
	published := v.log.Load()
	proof, err := v.proof(ctx, published, now.seq, leaf, accesslog.EmptyTree())
	if err != nil {
		return p, err
	}
	cosigned, err := v.provenCosigned(ctx, published, 0)
	if err != nil {
		return p, err
	}
	word, err := accesslog.InForce{Log: v.signer.Name(), Day: v.today(), Roster: now.digest}.Sign(v.signer)
	if err != nil {
		return p, err
	}
	return depositsock.RosterProof{
		Roster: string(now.signed), Record: string(leaf), Index: now.seq,
		Checkpoint: string(proof.Checkpoint), Proof: tlog.RecordProof(proof.Inclusion), InForce: string(word), Cosigned: cosigned,
	}, nil
}

// LogFile returns a file of the published log by its path: "checkpoint",
// "log.vkey", "rosters/<digest>", a tile, or what witnesses have cosigned. What isn't one is os.ErrNotExist.
func (v *Vault) LogFile(ctx context.Context, path string) ([]byte, error) {
	now := v.log.Load()
	switch path {
	case "checkpoint":
		if c := v.cosigned.Load(); c != nil && c.tree == now.tree {
			return witness.Join(now.checkpoint, c.msg), nil
		}
		return now.checkpoint, nil
	case accesslog.CosignedPath, accesslog.CosignaturesPath:
		return v.cosignedFile(ctx, path)
	case "log.vkey":
		return []byte(v.logKey + "\n"), nil
	}
	if d, ok := cutDigest(path, "rosters/"); ok {
		var signed []byte
		err := v.db.read.QueryRowContext(ctx, "SELECT signed FROM rosters WHERE digest = ?", d[:]).Scan(&signed)
		if errors.Is(err, sql.ErrNoRows) {
			return nil, os.ErrNotExist
		}
		return signed, err
	}
	t, err := accesslog.ParseTilePath(path)
	if err != nil || t.N > now.tree.N { // far beyond, its first record would be no number
		return nil, os.ErrNotExist
	}
	first := t.N * accesslog.TileWidth
	if t.L < 0 {
		if first+int64(t.W) > now.tree.N {
			return nil, os.ErrNotExist
		}
		return v.entries(ctx, first, t.W)
	}
	if t.L*accesslog.TileHeight > 62 || first+int64(t.W) > now.tree.N>>(t.L*accesslog.TileHeight) {
		return nil, os.ErrNotExist
	}
	return tlog.ReadTileData(t, hashes{ctx: ctx, q: v.db.read, cache: &v.cache})
}

func cutDigest(path, prefix string) (id.Digest, bool) {
	if len(path) <= len(prefix) || path[:len(prefix)] != prefix {
		return id.Digest{}, false
	}
	d, err := id.ParseDigest(path[len(prefix):])
	return d, err == nil
}

func (v *Vault) entries(ctx context.Context, first int64, n int) ([]byte, error) {
	rows, err := v.db.read.QueryContext(ctx, "SELECT leaf FROM records WHERE seq >= ? AND seq < ? ORDER BY seq", first, first+int64(n))
	if err != nil {
		return nil, fmt.Errorf("read entries: %w", err)
	}
	defer rows.Close()
	var bundle []byte
	for rows.Next() {
		var leaf []byte
		if err := rows.Scan(&leaf); err != nil {
			return nil, fmt.Errorf("read entries: %w", err)
		}
		bundle = accesslog.AppendEntry(bundle, leaf)
		n--
	}
	if err := rows.Err(); err != nil || n != 0 {
		return nil, fmt.Errorf("read entries: %d missing: %w", n, err)
	}
	return bundle, nil
}
