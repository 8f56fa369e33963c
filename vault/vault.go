// Package vault keeps what reporters send and members write, as ciphertext it
// can't open, and the access log. Each request is one transaction: nonce, role,
// wrap, objects and log record are committed together or not at all, and no
// ciphertext leaves for a member before the record of it is durable.
//
// The package must never import what could open an object (crypto/seal,
// crypto/keyfile, crypto/casecode, internal/report, filippo.io/age), nor store
// anything about a reporter finer than a day. Its directory:
//
//	vault.db        SQLite: cases, wraps, small objects, records, rosters, outbox
//	blobs/<digest>  objects larger than 64 KiB; blobs/tmp/ while they arrive
//	uploads/        objects that come in pieces, until a deposit names them
//	log.key         the log's signing key
//	log.vkey        its verifier key, for auditors
//	root.vkey       the key that rosters are signed with
//	zone            time zone of the day's end
//	restored        there while a vault from a backup waits to be told what is lost
//	lock            held by the one vault that runs
package vault

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/sys/unix"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/crypto/signature"
	"suluh.example/suluh/internal/durable"
	"suluh.example/suluh/vault/wire"
)

// InitConfig says what a new vault is.
type InitConfig struct {
	Dir     string           // made if it isn't there; must not hold a vault yet
	Origin  string           // of the access log, e.g. "suluh.example/provinsi"
	RootKey string           // verifier key that rosters are signed with (note vkey)
	Zone    string           // of the day's end, e.g. "Asia/Makassar"
	Now     func() time.Time // default: time.Now
}

// Init makes a vault and returns its log's verifier key.
func Init(ctx context.Context, c InitConfig) (logKey string, err error) {
	if _, err := note.NewVerifier(c.RootKey); err != nil {
		return "", errors.New("root key is not a verifier key (name+hash+key)")
	}
	if _, err := time.LoadLocation(c.Zone); err != nil {
		return "", fmt.Errorf("zone: %w", err)
	}
	skey, logKey, err := note.GenerateKey(nil, c.Origin)
	if err != nil {
		return "", fmt.Errorf("make log key: %w", err)
	}
	for _, dir := range []string{filepath.Join("blobs", "tmp"), "uploads"} {
		if err := os.MkdirAll(filepath.Join(c.Dir, dir), 0o700); err != nil {
			return "", err
		}
	}
	// log.key goes first: it exists exactly if somebody began a vault here.
	for _, f := range []struct{ name, text string }{
		{"log.key", skey}, {"log.vkey", logKey}, {"root.vkey", c.RootKey}, {"zone", c.Zone},
	} {
		if err := durable.WriteFile(filepath.Join(c.Dir, f.name), []byte(f.text+"\n"), 0o600); err != nil {
			return "", fmt.Errorf("%s: %w", f.name, err)
		}
	}
	db, err := openDB(ctx, c.Dir, true)
	if err != nil {
		return "", err
	}
	if err := db.Close(); err != nil {
		return "", err
	}
	v, err := Open(ctx, Config{Dir: c.Dir, Now: c.Now})
	if err != nil {
		return "", err
	}
	err = v.write(ctx, func(g *group) error {
		_, _, err := g.appendRecord(accesslog.Record{Kind: accesslog.KindConfigure, Settings: []accesslog.Setting{
			{Key: "origin", Value: c.Origin}, {Key: "zone", Value: c.Zone}, {Key: "root", Value: c.RootKey},
		}}, "", "", "")
		return err
	})
	return logKey, errors.Join(err, v.Close())
}

// Config says how a vault runs. The zero value of a field is its default.
type Config struct {
	Dir      string
	MaxBytes int64            // a deposit's most; default 1 GiB and some for what goes around files
	PerHour  int64            // bytes of deposits in an hour; default 64 GiB
	PerDay   int64            // and in a day; default 256 GiB
	Log      *slog.Logger     // default: discards
	Now      func() time.Time // default: time.Now

	Release accesslog.Release // which runs, for the log; zero: nothing is recorded
}

// reserve is the part of a quota that is kept for reports without files, so
// that a flood of large ones can't close the door to others.
const reserve = 10 // per cent

// Vault is an open vault. It is safe for concurrent use.
type Vault struct {
	config Config
	zone   *time.Location
	db     stores
	lock   *os.File      // empty: see kept
	broken chan struct{} // closed by breaks when nobody knows what the disk has kept
	breaks sync.Once
	signer note.Signer
	logKey string
	root   note.Verifier

	jobs    chan *job
	stop    chan struct{}
	stopped sync.WaitGroup
	last    time.Time   // of the newest record; the writer's
	size    int64       // of the log as committed; the writer's
	unsure  bool        // a commit failed, and may have happened all the same; the writer's
	unwiped atomic.Bool // the WAL may have what was deleted
	copying sync.Mutex  // held while the database is copied, and by who truncates the WAL

	restored atomic.Pointer[id.Day] // of the backup that the vault came from, while it takes no changes

	cache    hashCache
	log      atomic.Pointer[published]
	together signature.Together
	now      atomic.Pointer[inForce]
	cosigned atomic.Pointer[cosigned] // nil while there is none
	quota    quota
	unsealed unsealed

	uploads uploads

	measures measures
}

// inForce is the roster in force.
type inForce struct {
	roster    *roster.Roster // nil before the first is installed
	verifiers note.Verifiers
	signed    []byte
	digest    id.Digest
	seq       int64 // of the record that put it in force
}

// ErrRunning says that another vault holds the directory.
var ErrRunning = errors.New("another vault runs on this directory")

// Open opens a vault that Init made, after a crash as after a clean stop: it
// takes the lock, sweeps what no row names, and publishes the log.
func Open(ctx context.Context, c Config) (_ *Vault, err error) {
	if c.MaxBytes == 0 {
		c.MaxBytes = 1<<30 + 256<<20
	}
	if c.PerHour == 0 {
		c.PerHour = 64 << 30
	}
	if c.PerDay == 0 {
		c.PerDay = 256 << 30
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	v := &Vault{config: c, jobs: make(chan *job, 256), stop: make(chan struct{}), broken: make(chan struct{})}
	v.measures.start()
	defer func() {
		if err != nil {
			_ = v.release() // the first error is the one to tell
		}
	}()
	if v.lock, err = takeLock(filepath.Join(c.Dir, "lock")); err != nil {
		return nil, err
	}
	text := map[string]string{}
	for _, name := range []string{"log.key", "log.vkey", "root.vkey", "zone"} {
		b, err := os.ReadFile(filepath.Join(c.Dir, name))
		if err != nil {
			return nil, fmt.Errorf("not a vault, or one that is damaged (suluh vault init makes one): %w", err)
		}
		text[name] = strings.TrimSpace(string(b))
	}
	if v.signer, err = note.NewSigner(text["log.key"]); err != nil {
		return nil, errors.New("log.key is malformed")
	}
	v.logKey = text["log.vkey"]
	if v.root, err = note.NewVerifier(text["root.vkey"]); err != nil {
		return nil, errors.New("root.vkey is malformed")
	}
	if v.zone, err = time.LoadLocation(text["zone"]); err != nil {
		return nil, fmt.Errorf("zone: %w", err)
	}
	if v.db, err = openDB(ctx, c.Dir, false); err != nil {
		return nil, err
	}
	if err := v.sweep(ctx); err != nil {
		return nil, err
	}
	// A crash may have come between a change that takes bytes away and its end:
	// they are still in the WAL. Somebody who looks at the database just now, as
	// a backup does, must not keep the vault from starting.
	if err := v.wipe(ctx); err != nil {
		c.Log.Error("what was deleted may still be in the WAL; its truncation is tried again in a minute", "error", err)
	}
	// What a vault before this one had written may be found without having been synced.
	if err := v.kept(); err != nil {
		return nil, err
	}
	if err := v.loadQuota(ctx); err != nil {
		return nil, err
	}
	if err := v.loadUploads(); err != nil {
		return nil, err
	}
	if err := v.reload(ctx); err != nil {
		return nil, err
	}
	if err := v.loadRestored(ctx); err != nil {
		return nil, err
	}
	if err := v.loadCosigned(ctx); err != nil {
		return nil, err
	}
	c.Log.Debug("the vault is open")
	v.stopped.Add(1)
	go v.writer()
	if err := v.recordRelease(ctx); err != nil {
		close(v.stop)
		v.stopped.Wait()
		return nil, err
	}
	return v, nil
}

// reload takes over what the database holds: at the start, and after a commit
// of which nobody knows whether it happened.
func (v *Vault) reload(ctx context.Context) error {
	if err := v.loadRoster(ctx); err != nil {
		return err
	}
	var seq int64
	var leaf []byte
	err := v.db.read.QueryRowContext(ctx, "SELECT seq, leaf FROM records ORDER BY seq DESC LIMIT 1").Scan(&seq, &leaf)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		v.size, v.last = 0, time.Time{}
	case err != nil:
		return fmt.Errorf("read log: %w", err)
	default:
		r, err := accesslog.ParseRecord(leaf)
		if err != nil {
			return fmt.Errorf("read log: %w", err)
		}
		v.size, v.last = seq+1, r.Time
	}
	return v.publish(ctx, v.size)
}

// Close stops the writer after what it has begun, and closes the files.
func (v *Vault) Close() error {
	close(v.stop)
	v.stopped.Wait()
	return v.release()
}

func (v *Vault) release() error {
	var errs []error
	if v.db.write != nil {
		errs = append(errs, v.db.Close())
	}
	if v.lock != nil {
		errs = append(errs, v.lock.Close())
	}
	return errors.Join(errs...)
}

// tell logs what the operator should know of: what was done wrong on this side
// of a socket. It returns the error.
func (v *Vault) tell(what string, err error) error {
	var known *wire.Error
	if err != nil && !errors.As(err, &known) && !errors.Is(err, context.Canceled) { // that who asked is gone is no failure
		v.config.Log.Error(what, "error", err)
	}
	return err
}

func takeLock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, ErrRunning
	}
	return f, nil
}

func (v *Vault) today() id.Day { return id.DayOf(v.config.Now(), v.zone) }

// SignedRoster returns the roster in force, or nothing before the first.
func (v *Vault) SignedRoster() []byte { return v.now.Load().signed }

// OnionKeys are the keys of the members whom the roster in force lets in at
// their onion service.
func (v *Vault) OnionKeys() map[id.Member]string {
	if r := v.now.Load().roster; r != nil {
		return r.OnionKeys()
	}
	return nil
}

func (v *Vault) loadRoster(ctx context.Context) error {
	var signed []byte
	var seq int64
	err := v.db.read.QueryRowContext(ctx, "SELECT signed, seq FROM rosters ORDER BY version DESC LIMIT 1").Scan(&signed, &seq)
	if errors.Is(err, sql.ErrNoRows) {
		v.now.Store(&inForce{})
		return nil
	}
	if err != nil {
		return fmt.Errorf("read roster: %w", err)
	}
	r, err := roster.Parse(signed, v.root)
	if err != nil {
		return err
	}
	v.now.Store(v.force(r, signed, seq))
	return nil
}

func (v *Vault) force(r *roster.Roster, signed []byte, seq int64) *inForce {
	return &inForce{roster: r, verifiers: r.VerifiersBy(v.together.Verify), signed: signed, digest: roster.Digest(signed), seq: seq}
}
