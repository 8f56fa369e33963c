package witness

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
)

// Log is where a cosigner finds the log and leaves what witnesses have signed;
// the vault's member.sock is one.
type Log interface {
	LogFile(ctx context.Context, path string) ([]byte, error) // "checkpoint", or a hash tile
	Cosign(ctx context.Context, checkpoint []byte) error
}

// Cosigner takes a log's checkpoints to its witnesses, and what they sign back to
// the log. It has no secret, and decides nothing: whoever runs it can only leave
// it undone, which shows.
type Cosigner struct {
	Log    Log
	Key    note.Verifier // the log's
	Policy *Policy
	Asker  Asker
	Every  time.Duration // between two looks at the log's checkpoint
	Again  time.Duration // after which witnesses are asked again though nothing has come
	Slog   *slog.Logger

	tree   tlog.Tree // for which witnesses were asked last
	next   time.Time // when they are asked again for the same
	quorum bool
	said   map[string]string // what each witness that failed was said to have failed with
}

// Run goes on until the context ends. Witnesses that fail are asked again.
func (c *Cosigner) Run(ctx context.Context) error {
	wait := time.NewTicker(c.Every)
	defer wait.Stop()
	for {
		if _, err := c.Round(ctx); err != nil && ctx.Err() == nil && c.say("", err.Error()) {
			c.Slog.Warn("the checkpoint was not cosigned; it is tried again", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-wait.C:
		}
	}
}

// Round looks at the checkpoint once, and asks the witnesses if it is a new one or
// if they were asked long ago: sooner if some failed. It returns whether the
// checkpoint has the quorum.
func (c *Cosigner) Round(ctx context.Context) (bool, error) {
	checkpoint, err := c.Log.LogFile(ctx, "checkpoint")
	if err != nil {
		return false, fmt.Errorf("read the checkpoint: %w", err)
	}
	tree, err := accesslog.OpenCheckpoint(checkpoint, c.Key)
	if err != nil {
		return false, err
	}
	if tree.N == 0 {
		return false, nil
	}
	if tree == c.tree && time.Now().Before(c.next) {
		return c.quorum, nil
	}
	hashes := Hashes(ctx, c.Log, tree)
	cosigned, failed, err := c.Asker.Ask(ctx, c.Policy, c.Key, checkpoint, func(_ context.Context, old int64) (tlog.TreeProof, error) {
		return tlog.ProveTree(tree.N, old, hashes)
	})
	if err != nil {
		return false, err
	}
	for _, name := range slices.Sorted(maps.Keys(failed)) {
		level, what := slog.LevelWarn, "a witness did not cosign"
		if err := failed[name]; errors.Is(err, ErrForked) || errors.Is(err, ErrAhead) {
			level, what = slog.LevelError, "a witness says that the log is not the one that it has cosigned"
		}
		if c.say(name, failed[name].Error()) {
			c.Slog.Log(ctx, level, what, "witness", name, "error", failed[name])
		}
	}
	for _, w := range c.Policy.Witnesses() {
		if name := w.Key.Name(); failed[name] == nil {
			delete(c.said, name)
		}
	}
	_, by, err := c.Policy.Open(cosigned, c.Key)
	if err != nil && !errors.Is(err, ErrQuorum) {
		return false, err
	}
	quorum := err == nil
	c.tree, c.quorum = tree, quorum
	switch {
	case len(failed) == 0:
		c.next = time.Now().Add(c.Again)
	case quorum:
		c.next = time.Now().Add(min(c.Again, 5*time.Minute))
	default:
		c.next = time.Now().Add(min(c.Again, 30*time.Second))
	}
	if len(by) > 0 {
		if err := c.Log.Cosign(ctx, cosigned); err != nil {
			return false, fmt.Errorf("hand in the cosignatures: %w", err)
		}
	}
	if quorum && c.say("", fmt.Sprint("quorum ", tree.N)) {
		c.Slog.Debug("the checkpoint is cosigned", "records", tree.N, "witnesses", len(by))
	}
	if !quorum && c.say("", "no quorum") {
		c.Slog.Warn("the checkpoint has too few cosignatures; the desks warn of it", "records", tree.N, "witnesses", len(by))
	}
	return quorum, nil
}

// say tells whether something is news, so that a witness that is away for a week
// takes one line.
func (c *Cosigner) say(name, what string) bool {
	if c.said == nil {
		c.said = map[string]string{}
	}
	news := c.said[name] != what
	c.said[name] = what
	return news
}

// Hashes reads a log's hashes from its tiles, checked against a tree of it.
func Hashes(ctx context.Context, log Log, tree tlog.Tree) tlog.HashReader {
	return tlog.TileHashReader(tree, &tiles{ctx, log})
}

// tiles reads hash tiles from the log.
type tiles struct {
	ctx context.Context
	log Log
}

func (t *tiles) Height() int { return accesslog.TileHeight }

func (t *tiles) ReadTiles(all []tlog.Tile) (data [][]byte, err error) {
	for _, x := range all {
		b, err := t.log.LogFile(t.ctx, accesslog.TilePath(x))
		if err != nil {
			return nil, fmt.Errorf("read tile: %w", err)
		}
		data = append(data, b)
	}
	return data, nil
}

func (t *tiles) SaveTiles([]tlog.Tile, [][]byte) {}
