package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/mattn/go-sqlite3"
	"golang.org/x/mod/sumdb/note"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/crypto/signature"
	"suluh.example/suluh/internal/durable"
	"suluh.example/suluh/internal/serve"
	"suluh.example/suluh/vault/frame"
	"suluh.example/suluh/vault/membersock"
)

// plain is what a vault would be without its log: lists over the same socket, out
// of the same tables by the same SQLite with the same settings, where each leaves
// the same rows durably, in groups, before it is answered. It makes no tree, no
// checkpoint and no proof, and checks signatures only if it is told to. Nothing but lists.
type plain struct {
	membersock.Vault // what isn't overridden is not asked
	db               *sql.DB
	members          note.Verifiers // whose signatures are checked; nil: nobody's are
	seq              int64
	jobs             chan *plainJob
}

type plainJob struct {
	accesslog.Statement
	signed []byte
	cases  []membersock.ListedCase
	done   chan error
}

// plainPragmas are those of the vault's writer.
const plainPragmas = `
	PRAGMA journal_mode = WAL;
	PRAGMA synchronous = FULL;
	PRAGMA secure_delete = ON;
	PRAGMA foreign_keys = ON;
	PRAGMA temp_store = MEMORY;
	PRAGMA cache_size = -4096;
	PRAGMA wal_autocheckpoint = 8192;`

// servePlain serves a vault's database until the context ends, to members who sign what
// they ask, whose roster is signed with the root key, or to anybody if there is none.
func servePlain(ctx context.Context, dir, root string) error {
	sql.Register("plain", &sqlite3.SQLiteDriver{ConnectHook: func(c *sqlite3.SQLiteConn) error {
		_, err := c.Exec(plainPragmas, nil)
		return err
	}})
	db, err := sql.Open("plain", "file:"+filepath.Join(dir, "vault.db")+"?_txlock=immediate&mode=rw&_stmt_cache_size=64")
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	p := &plain{db: db, jobs: make(chan *plainJob, 256)}
	if err := db.QueryRowContext(ctx, "SELECT max(seq) + 1 FROM records").Scan(&p.seq); err != nil {
		return err
	}
	if root != "" {
		if p.members, err = membersOf(ctx, db, root); err != nil {
			return err
		}
	}
	l, err := serve.ListenUnix(filepath.Join(dir, "plain.sock"), 0o600)
	if err != nil {
		return err
	}
	go p.write()
	fmt.Println("plain: listening on", l.Addr())
	return serve.Run(ctx, serve.Config{Listener: l, Handler: membersock.Handler(p)})
}

// Act is one list.
func (p *plain) Act(_ context.Context, head membersock.ActHead, in *frame.Reader, out *frame.Writer) error {
	if _, _, err := in.Next(); !errors.Is(err, io.EOF) {
		return errors.Join(errors.New("a list hands nothing in"), err)
	}
	j := &plainJob{signed: []byte(head.Statement), done: make(chan error, 1)}
	var err error
	if p.members != nil {
		j.Statement, err = accesslog.OpenStatement(j.signed, p.members)
	} else {
		j.Statement, err = accesslog.ReadStatement(j.signed)
	}
	if err != nil {
		return err
	}
	p.jobs <- j
	if err := <-j.done; err != nil {
		return err
	}
	if err := out.Head(membersock.ActAnswer{Cases: j.cases}); err != nil {
		return err
	}
	return out.Commit(struct{}{})
}

// write commits all that waits in one transaction, as the vault does.
func (p *plain) write() {
	for j := range p.jobs {
		jobs := []*plainJob{j}
		for len(jobs) < cap(p.jobs) && len(p.jobs) > 0 {
			jobs = append(jobs, <-p.jobs)
		}
		err := p.commit(jobs)
		for _, j := range jobs {
			j.done <- err
		}
	}
}

func (p *plain) commit(jobs []*plainJob) error {
	ctx := context.Background()
	tx, err := p.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it does nothing
	for _, j := range jobs {
		if _, err := tx.ExecContext(ctx, "SAVEPOINT change"); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO nonces (nonce) VALUES (?)", j.Nonce[:]); err != nil {
			return err
		}
		if j.cases, err = listPlainly(ctx, tx, j.Member); err != nil {
			return err
		}
		leaf := accesslog.Record{Seq: p.seq, Time: j.Time, Kind: accesslog.KindStatement, Count: int64(len(j.cases)), Statement: j.signed}.Format()
		if _, err := tx.ExecContext(ctx, "INSERT INTO records (seq, leaf, hashes, case_id, member, action) VALUES (?, ?, ?, ?, ?, ?)",
			p.seq, leaf, make([]byte, 64), "", string(j.Member), string(j.Action)); err != nil {
			return err
		}
		p.seq++
		if _, err := tx.ExecContext(ctx, "RELEASE change"); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// membersOf returns the members of the newest roster, whose signatures are verified as
// the vault does it.
func membersOf(ctx context.Context, db *sql.DB, root string) (note.Verifiers, error) {
	key, err := note.NewVerifier(root)
	if err != nil {
		return nil, err
	}
	var signed []byte
	if err := db.QueryRowContext(ctx, "SELECT signed FROM rosters ORDER BY version DESC LIMIT 1").Scan(&signed); err != nil {
		return nil, err
	}
	r, err := roster.Parse(signed, key)
	if err != nil {
		return nil, err
	}
	return r.VerifiersBy(new(signature.Together).Verify), nil
}

// listPlainly lists a member's cases by the vault's queries.
func listPlainly(ctx context.Context, tx *sql.Tx, m id.Member) (cases []membersock.ListedCase, err error) {
	rows, err := tx.QueryContext(ctx, `
		SELECT w.case_id, c.day, w.digest, o.role, o.digest
		FROM wraps w JOIN cases c ON c.case_id = w.case_id JOIN objects o ON o.case_id = w.case_id
		WHERE w.member = +? ORDER BY w.case_id, o.digest`, string(m))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var c membersock.ListedCase
		var role id.Role
		var day string
		var wrap, object sql.RawBytes
		if err := rows.Scan(&c.Case, &day, &wrap, &role, &object); err != nil {
			return nil, err
		}
		if len(cases) == 0 || cases[len(cases)-1].Case != c.Case {
			if c.Day, err = id.ParseDay(day); err != nil {
				return nil, err
			}
			c.Wrap = id.Digest(wrap)
			cases = append(cases, c)
		}
		if role == id.RoleSummary {
			cases[len(cases)-1].Summary = id.Digest(object)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	of := map[id.Case]int{}
	for i, c := range cases {
		of[c.Case] = i
	}
	readers, err := tx.QueryContext(ctx, `
		SELECT r.case_id, r.member FROM wraps w JOIN wraps r ON r.case_id = w.case_id
		WHERE w.member = +? ORDER BY w.case_id, r.member`, string(m))
	if err != nil {
		return nil, err
	}
	defer readers.Close()
	for readers.Next() {
		var c id.Case
		var r id.Member
		if err := readers.Scan(&c, &r); err != nil {
			return nil, err
		}
		i := of[c]
		cases[i].Readers = append(cases[i].Readers, r)
	}
	if err := readers.Err(); err != nil {
		return nil, err
	}
	var forwards int // none: nothing was forwarded
	return cases, tx.QueryRowContext(ctx, `SELECT count(*) FROM outbox o
		WHERE EXISTS (SELECT 1 FROM wraps w WHERE w.case_id = o.case_id AND w.member = +?)`, string(m)).Scan(&forwards)
}

// copyDB copies the database of a vault that doesn't run.
func copyDB(from, to string) error {
	db, err := sql.Open("sqlite3", filepath.Join(from, "vault.db"))
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.Exec("VACUUM INTO ?", filepath.Join(to, "vault.db")); err != nil {
		return err
	}
	return durable.SyncDir(to)
}
