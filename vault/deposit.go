package vault

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mattn/go-sqlite3"
	"golang.org/x/mod/sumdb/tlog"
	"golang.org/x/sys/unix"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/durable"
	"suluh.example/suluh/vault/depositsock"
	"suluh.example/suluh/vault/frame"
)

// agePrefix begins every age file (age-encryption.org/v1).
const agePrefix = "age-encryption.org/v1\n"

const (
	maxObjects = 256 // of a deposit
	maxWraps   = 64
	// maxWrap is the most bytes of a wrap: 17 KB, where three of five key
	// witnesses are needed, and as much again for what may come.
	maxWrap = 32 << 10
	// maxDeposits of one case: each is opened at every look-up, so that without
	// a bound whoever has a code could keep intake busy with a few requests.
	maxDeposits = 1000
	// maxDocument is the most bytes of what is no attachment: a form's text may
	// have 1 MiB, which JSON and padding make longer.
	maxDocument = 8 << 20
)

// arrived is an object of a deposit that has come in.
type arrived struct {
	id.Object
	data []byte // nil: the file
	file string // temporary file, synced

	upload id.Upload // that it came by; zero if it was streamed
}

// DepositState tells intake how the vault is.
func (v *Vault) DepositState() depositsock.State {
	now := v.now.Load()
	open, files := v.quota.room(v.config, v.config.Now(), v.config.Dir)
	return depositsock.State{
		Origin: v.signer.Name(), LogKey: v.logKey, Roster: now.digest,
		Open: open && now.roster != nil && v.restored.Load() == nil, Files: files, MaxBytes: v.config.MaxBytes, Day: v.today(),
	}
}

// Deposit takes a deposit from its stream. What a crash leaves, in order:
//
//	objects arrive in blobs/tmp                 files there: swept at the next start
//	rows are inserted, files renamed to blobs/  files that no row names: swept likewise
//	rows are committed                          the whole deposit
//	uploads are removed                         second names of blobs: swept likewise
//
// Only after that is the reporter told "received".
func (v *Vault) Deposit(ctx context.Context, l id.Lookup, head depositsock.DepositHead, stream *frame.Reader) (depositsock.DepositAnswer, error) {
	a, err := v.deposit(ctx, l, head, stream)
	if err = v.tell("a deposit was not kept", err); full(err) {
		err = errors.Join(depositsock.ErrFull, err)
	}
	return a, err
}

// full tells whether the disk had no room left.
func full(err error) bool {
	var db sqlite3.Error
	return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) || errors.As(err, &db) && db.Code == sqlite3.ErrFull
}

func (v *Vault) deposit(ctx context.Context, l id.Lookup, head depositsock.DepositHead, stream *frame.Reader) (a depositsock.DepositAnswer, err error) {
	now := v.now.Load()
	if open, _ := v.quota.room(v.config, v.config.Now(), v.config.Dir); !open || now.roster == nil || v.restored.Load() != nil {
		return a, depositsock.ErrFull
	}
	if err := checkRoster(head, now); err != nil {
		return a, err // before files come in vain
	}
	var coming incoming
	objects, err := v.receive(stream, &coming)
	defer func() {
		v.quota.come(-coming.n) // what was kept is counted by now
		for _, o := range objects {
			if o.file != "" && o.upload == (id.Upload{}) {
				_ = os.Remove(o.file) // gone already if it was kept; swept at the next start otherwise
				defer v.blur()
			}
		}
	}()
	if err != nil {
		return a, err
	}
	var c depositsock.DepositCommit
	if err := stream.Commit(&c); err != nil {
		return a, fmt.Errorf("%w: %w", depositsock.ErrBad, err)
	}
	// It is whole: whoever sent it may go, as a connection that broke does, and send
	// it again. Each wait from here on ends by itself.
	ctx = context.WithoutCancel(ctx)
	if len(c.Uploads) > maxObjects-len(objects) {
		return a, fmt.Errorf("%w: too many objects", depositsock.ErrBad)
	}
	left := v.config.MaxBytes
	for _, o := range objects {
		left -= o.Size
	}
	uploaded, release, err := v.takeUploads(ctx, c.Uploads, left)
	defer release()
	if errors.Is(err, depositsock.ErrUpload) {
		// Its uploads are gone once a deposit is kept.
		if same, found := v.sameDeposit(ctx, l, c.FormTag); found {
			return same, nil
		}
	}
	if err != nil {
		return a, err
	}
	objects = append(objects, uploaded...)
	if err := checkCommit(c, objects); err != nil {
		return a, err
	}
	if err = v.write(ctx, func(g *group) error {
		a, err = v.insertDeposit(g, l, head, c, objects)
		return err
	}); err == nil {
		v.used(uploaded)
	}
	return a, err
}

// sameDeposit finds what was deposited with the same form tag before.
func (v *Vault) sameDeposit(ctx context.Context, l id.Lookup, tag id.Digest) (a depositsock.DepositAnswer, found bool) {
	lookup := l.Hash()
	err := v.db.read.QueryRowContext(ctx, "SELECT receipt FROM deposits d JOIN cases c ON c.case_id = d.case_id WHERE c.lookup = +? AND d.tag = +?", lookup[:], tag[:]).Scan(&a.Receipt)
	a.Result = depositsock.Same
	return a, err == nil
}

// checkRoster refuses what was sealed to the readers of another roster than
// the one in force. What adds to a case by its code is sealed to the case.
func checkRoster(head depositsock.DepositHead, now *inForce) error {
	if head.Roster != now.digest && (head.Case != "" || !head.Roster.IsZero()) {
		return depositsock.ErrRoster
	}
	return nil
}

// receive takes the objects in, large ones to the disk, and nothing longer
// than the vault takes.
func (v *Vault) receive(stream *frame.Reader, coming *incoming) (objects []arrived, err error) {
	left := v.config.MaxBytes
	for {
		o, r, err := stream.Next()
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return objects, fmt.Errorf("%w: %w", depositsock.ErrBad, err)
		}
		if !o.Role.FromReporter() || len(objects) == maxObjects {
			return objects, fmt.Errorf("%w: an object it does not take", depositsock.ErrBad)
		}
		most := left
		if o.Role != id.RoleContent {
			most = min(left, maxDocument)
		} else if _, files := v.quota.room(v.config, v.config.Now(), v.config.Dir); !files {
			return objects, depositsock.ErrNoFiles
		} else {
			r = &metered{v, r, coming}
		}
		got, err := v.receiveOne(o.Role, io.LimitReader(r, most+1))
		if got.file != "" || err == nil {
			objects = append(objects, got)
		}
		if err != nil {
			return objects, err
		}
		if left -= got.Size; got.Size > most {
			return objects, depositsock.ErrTooLarge
		}
	}
}

func (v *Vault) receiveOne(role id.Role, r io.Reader) (a arrived, err error) {
	a.Role = role
	h := sha256.New()
	small, err := io.ReadAll(io.LimitReader(r, inRow))
	if err != nil {
		return a, fmt.Errorf("%w: %w", depositsock.ErrBad, err)
	}
	if !bytes.HasPrefix(small, []byte(agePrefix)) {
		return a, fmt.Errorf("%w: an object is not an age file", depositsock.ErrBad)
	}
	h.Write(small)
	a.Size = int64(len(small))
	if len(small) < inRow {
		a.data, a.Digest = small, id.SumOf(h)
		return a, nil
	}
	f, err := os.CreateTemp(filepath.Join(v.config.Dir, "blobs", "tmp"), "")
	if err != nil {
		return a, fmt.Errorf("keep blob: %w", err)
	}
	a.file = f.Name()
	_, err = f.Write(small)
	if err == nil {
		var n int64
		n, err = durable.Copy(f, io.TeeReader(r, h), a.Size)
		a.Size += n
	}
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if errors.Is(err, frame.ErrBroken) {
		return a, fmt.Errorf("%w: %w", depositsock.ErrBad, err)
	}
	if err != nil {
		return a, fmt.Errorf("keep blob: %w", err)
	}
	v.blurFile(a.file)
	a.Digest = id.SumOf(h)
	return a, nil
}

// checkCommit checks what can be checked without looking at anything stored.
func checkCommit(c depositsock.DepositCommit, objects []arrived) error {
	named := slices.Clone(c.Objects)
	if len(named) != len(objects) || len(objects) == 0 {
		return fmt.Errorf("%w: other objects than it names", depositsock.ErrBad)
	}
	for _, o := range objects {
		i := slices.Index(named, o.Object)
		if i < 0 {
			return fmt.Errorf("%w: other objects than it names", depositsock.ErrBad)
		}
		named = slices.Delete(named, i, i+1)
	}
	if len(c.Wraps) > maxWraps || len(c.Blinds) > maxWraps {
		return fmt.Errorf("%w: too many wraps", depositsock.ErrBad)
	}
	for i, w := range c.Wraps {
		if slices.ContainsFunc(c.Wraps[:i], func(x depositsock.Wrap) bool { return x.Member == w.Member }) {
			return fmt.Errorf("%w: two wraps for one reader", depositsock.ErrBad)
		}
		if len(w.Data) > maxWrap || !bytes.HasPrefix(w.Data, []byte(agePrefix)) {
			return fmt.Errorf("%w: a wrap is not an age file", depositsock.ErrBad)
		}
	}
	return nil
}

func (v *Vault) insertDeposit(g *group, l id.Lookup, head depositsock.DepositHead, c depositsock.DepositCommit, objects []arrived) (a depositsock.DepositAnswer, err error) {
	day := id.DayOf(g.now, v.zone)
	lookup := l.Hash()
	var of id.Case
	err = g.tx.QueryRowContext(g.ctx, "SELECT case_id FROM cases WHERE lookup = ?", lookup[:]).Scan(&of)
	wraps := "-"
	switch {
	case errors.Is(err, sql.ErrNoRows):
		if len(c.Wraps) == 0 || head.Case == "" {
			return a, depositsock.ErrUnknown
		}
		if err := checkRoster(head, g.force); err != nil {
			return a, err // it changed while the deposit came
		}
		of, a.Result = head.Case, depositsock.New
		if wraps, err = v.insertCase(g, of, lookup, day, head.Reporter, c); err != nil {
			return a, err
		}
	case err != nil:
		return a, fmt.Errorf("find case: %w", err)
	default:
		if head.Case != "" && head.Case != of {
			return a, fmt.Errorf("%w: code of another case", depositsock.ErrBad)
		}
		err = g.tx.QueryRowContext(g.ctx, "SELECT receipt FROM deposits WHERE case_id = ? AND tag = ?", string(of), c.FormTag[:]).Scan(&a.Receipt)
		if err == nil {
			a.Result = depositsock.Same
			return a, nil
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return a, fmt.Errorf("find deposit: %w", err)
		}
		var n int
		if err := g.tx.QueryRowContext(g.ctx, "SELECT count(*) FROM deposits WHERE case_id = ?", string(of)).Scan(&n); err != nil {
			return a, fmt.Errorf("count deposits: %w", err)
		}
		if n >= maxDeposits {
			return a, depositsock.ErrFull
		}
		if err := checkRoster(head, g.force); err != nil {
			return a, err
		}
		a.Result = depositsock.Added
	}
	digest := accesslog.DepositDigest(c.Salt, of, wraps, c.Objects)
	receipt, err := accesslog.Receipt{Log: v.signer.Name(), Day: day, Due: day.AddDays(1), Deposit: digest}.Sign(v.signer)
	if err != nil {
		return a, err
	}
	a.Receipt = string(receipt)
	if _, err := g.tx.ExecContext(g.ctx, "INSERT INTO deposits (digest, case_id, tag, salt, wraps, day, receipt) VALUES (?, ?, ?, ?, ?, ?, ?)",
		digest[:], string(of), c.FormTag[:], c.Salt[:], wraps, day.String(), a.Receipt); err != nil {
		return a, fmt.Errorf("insert deposit: %w", err)
	}
	var size int64
	for _, o := range objects {
		if err := insertObject(g, of, o.Object, o.data, day, digest[:], "", 0); err != nil {
			return a, bad(err)
		}
		keep := g.keepBlob
		if o.upload == (id.Upload{}) {
			size += o.Size
		} else {
			keep = g.linkBlob // and its bytes were counted when they came
		}
		if o.file != "" {
			if err := keep(o.file, v.blobPath(o.Digest)); err != nil {
				return a, err
			}
		}
	}
	v.quota.add(g.now, size)
	return a, nil
}

// rowID returns the number of a row that belongs to a case. What is written
// together stands together, so that fewer pages change; where, is as random as
// the case's name, and so is the order within.
func rowID(of id.Case) int64 {
	var b [8]byte
	rand.Read(b[3:])
	h := sha256.Sum256([]byte(of))
	copy(b[:3], h[:])
	return int64(binary.BigEndian.Uint64(b[:]))
}

// errKnownObject says that an object is here already. What is sealed afresh
// never is.
var errKnownObject = errors.New("an object was handed in before")

func insertObject(g *group, of id.Case, o id.Object, data []byte, day id.Day, deposit []byte, by id.Member, seq int64) error {
	r, err := g.tx.ExecContext(g.ctx, `INSERT INTO objects (id, digest, case_id, deposit, role, size, day, member, seq, data)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (digest) DO NOTHING`,
		rowID(of), o.Digest[:], string(of), deposit, string(o.Role), o.Size, day.String(), string(by), seq, data)
	if err != nil {
		return fmt.Errorf("insert object: %w", err)
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		return errors.Join(errKnownObject, err)
	}
	return nil
}

func bad(err error) error {
	if errors.Is(err, errKnownObject) {
		return errors.Join(depositsock.ErrBad, err)
	}
	return err
}

// insertCase opens a case for the readers to whom its key is wrapped.
func (v *Vault) insertCase(g *group, of id.Case, lookup id.Digest, day id.Day, reporter []byte, c depositsock.DepositCommit) (wraps string, err error) {
	now := g.force.roster
	var taken bool
	if err := g.tx.QueryRowContext(g.ctx, "SELECT EXISTS (SELECT 1 FROM cases WHERE case_id = ?)", string(of)).Scan(&taken); err != nil {
		return "", fmt.Errorf("find case: %w", err)
	}
	if taken {
		return "", fmt.Errorf("%w: the case has another code", depositsock.ErrBad)
	}
	if len(reporter) != 0 && len(reporter) != ed25519.PublicKeySize {
		return "", fmt.Errorf("%w: the reporter's key has another length", depositsock.ErrBad)
	}
	readers := 0
	leaves := slices.Clone(c.Blinds)
	for _, w := range c.Wraps {
		if unit, ok := w.Member.RecoveryUnit(); ok {
			if u, ok := now.Unit(unit); !ok || u.Recovery == "" {
				return "", fmt.Errorf("%w: a wrap for nobody in the roster", depositsock.ErrBad)
			}
		} else if !now.Has(w.Member, roster.Reader) {
			return "", fmt.Errorf("%w: a wrap for nobody in the roster", depositsock.ErrBad)
		} else {
			readers++
		}
		leaf := accesslog.WrapLeaf{Salt: w.Salt, Member: w.Member, Wrap: id.DigestOf(w.Data)}
		leaves = append(leaves, leaf.Hash())
		if _, err := g.tx.ExecContext(g.ctx, "INSERT INTO wraps (id, case_id, member, digest, data, salt) VALUES (?, ?, ?, ?, ?, ?)",
			rowID(of), string(of), string(w.Member), leaf.Wrap[:], w.Data, w.Salt[:]); err != nil {
			return "", fmt.Errorf("insert wrap: %w", err)
		}
	}
	if readers == 0 {
		return "", fmt.Errorf("%w: no reader", depositsock.ErrBad)
	}
	slices.SortFunc(leaves, func(a, b tlog.Hash) int { return bytes.Compare(a[:], b[:]) })
	all := make([]byte, 0, len(leaves)*tlog.HashSize)
	for _, leaf := range leaves {
		all = append(all, leaf[:]...)
	}
	if _, err := g.tx.ExecContext(g.ctx, "INSERT INTO cases (case_id, lookup, day, leaves, reporter) VALUES (?, ?, ?, ?, ?)", string(of), lookup[:], day.String(), all, reporter); err != nil {
		return "", fmt.Errorf("insert case: %w", err)
	}
	return fmt.Sprintf("%d %s", len(leaves), accesslog.WrapsRoot(leaves)), nil
}

func parseWraps(s string) (t tlog.Tree, err error) {
	if s == "-" {
		return t, nil
	}
	n, root, _ := strings.Cut(s, " ")
	if _, err := fmt.Sscan(n, &t.N); err != nil {
		return t, fmt.Errorf("commitment in the database is malformed")
	}
	t.Hash, err = tlog.ParseHash(root)
	return t, err
}
