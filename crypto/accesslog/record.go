package accesslog

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/id"
)

const recordLine = "suluh.example/record/v1"

// Kind says what a record records.
type Kind string

// The kinds. Statements are the members'; the rest is the vault's own.
const (
	KindStatement Kind = "statement"
	KindDeposit   Kind = "deposit"
	KindRoster    Kind = "roster"
	KindBatch     Kind = "batch"
	KindConfigure Kind = "configure"
	KindBackup    Kind = "backup"
	KindRestore   Kind = "restore"
	KindRelease   Kind = "release"
	KindDestroy   Kind = "destroy"
)

// DayOnly tells whether records of the kind say what a reporter did, of which no
// more than the day is known.
func (k Kind) DayOnly() bool { return k == KindDeposit || k == KindDestroy }

// Record is one leaf of the log. Of the fields after Kind only those of the
// kind are set.
type Record struct {
	Seq  int64     // index of the leaf, from 0
	Time time.Time // whole seconds; unset where only the day is known: see Deposit and Destroy
	Kind Kind

	Statement []byte // the signed note, verbatim
	Count     int64  // of a list: how many cases it told of, but for those of its own day; of a collect: how many items
	Cover     Cover  // of a statement about a case: why the member may

	Deposit  DepositRecord
	Destroy  DestroyRecord
	Roster   RosterRecord
	Batch    BatchRecord
	Settings []Setting // of configure, backup, restore and release
}

// DepositRecord is a deposit as the log tells it: no hour, no readers, no
// sizes.
type DepositRecord struct {
	Day    id.Day
	Case   id.Case
	Digest id.Digest // see DepositDigest
	Wraps  tlog.Tree // commitment to the readers; N is 0 for an addition to a case
}

// DestroyRecord says that the reporter had an answer destroyed: no hour, and
// nothing of what it said. The reporter's signature isn't in it, since nobody
// else has what it could be checked with.
type DestroyRecord struct {
	Day    id.Day
	Case   id.Case
	Object id.Digest // the answer, as a reply's or a status's statement names it
}

// RosterRecord says which roster holds from this record on. Its signed note is
// published under rosters/<digest>.
type RosterRecord struct {
	Version int64
	Digest  id.Digest
	Size    int64 // bytes of the note
}

// BatchRecord ends a day: right before it came so many deposits, and after them
// so many answers destroyed.
type BatchRecord struct {
	Day       id.Day
	Deposits  int64
	Destroyed int64
}

// Setting is one configured value. Seq 0 sets "origin", "zone" and "root".
type Setting struct{ Key, Value string }

// Cover says why a member may do what a statement asks of a case. At most one
// of the three is set.
type Cover struct {
	Deposit  *WrapCover // the member was among the readers committed to at the deposit
	Grant    int64      // the record that granted access, by a grant or a refer, if greater than 0
	Approval int64      // of a forwarder's: the record that approved the item, if greater than 0
}

// IsNone tells whether nothing covers the statement, as for a list.
func (c Cover) IsNone() bool { return c.Deposit == nil && c.Grant == 0 && c.Approval == 0 }

func (c Cover) String() string { return string(c.append(nil)) }

func (c *Cover) append(b []byte) []byte {
	switch d := c.Deposit; {
	case d != nil:
		b = append(hex.AppendEncode(append(b, "deposit "...), d.Salt[:]), ' ')
		b = append(appendDigest(b, d.Wrap), ' ')
		b = appendNumber(append(appendNumber(b, d.Index), ' '), d.N)
		for _, h := range d.Path {
			b = appendHash(append(b, ' '), h)
		}
	case c.Grant > 0:
		b = appendNumber(append(b, "grant "...), c.Grant)
	case c.Approval > 0:
		b = appendNumber(append(b, "approval "...), c.Approval)
	default:
		b = append(b, "none"...)
	}
	return b
}

func (l *lines) cover() (c Cover) {
	f := l.fields("cover", 1)
	switch {
	case f[0] == "none" && len(f) == 1:
	case f[0] == "grant" && len(f) == 2:
		if c.Grant = l.number(f[1]); c.Grant == 0 {
			l.fail()
		}
	case f[0] == "approval" && len(f) == 2:
		if c.Approval = l.number(f[1]); c.Approval == 0 {
			l.fail()
		}
	case f[0] == "deposit" && len(f) >= 5 && len(f) < 5+64:
		d := &WrapCover{Salt: l.bytes16(f[1]), Index: l.number(f[3]), N: l.number(f[4])}
		w, err := id.ParseDigest(f[2])
		d.Wrap = parsed(l, w, err)
		for _, h := range f[5:] {
			d.Path = append(d.Path, l.hash(h))
		}
		c.Deposit = d
	default:
		l.fail()
	}
	return c
}

// Format returns the bytes of the leaf.
func (r Record) Format() []byte {
	n := 192 + len(r.Statement) // about what it takes
	if d := r.Cover.Deposit; d != nil {
		n += 128 + 48*len(d.Path)
	}
	return r.append(make([]byte, 0, n))
}

func (r *Record) append(b []byte) []byte {
	b = append(append(b, recordLine...), '\n')
	b = append(appendNumber(append(b, "seq "...), r.Seq), '\n')
	switch r.Kind {
	case KindDeposit:
		b = appendLine(b, "day", r.Deposit.Day.String())
	case KindDestroy:
		b = appendLine(b, "day", r.Destroy.Day.String())
	default:
		b = append(appendTime(append(b, "time "...), r.Time), '\n')
	}
	b = appendLine(b, "kind", r.Kind)
	switch r.Kind {
	case KindStatement:
		b = append(appendNumber(append(b, "count "...), r.Count), '\n')
		b = append(r.Cover.append(append(b, "cover "...)), "\n\n"...)
		b = append(b, r.Statement...)
	case KindDeposit:
		b = appendLine(b, "case", r.Deposit.Case)
		b = append(appendDigest(append(b, "deposit "...), r.Deposit.Digest), "\nwraps "...)
		if w := r.Deposit.Wraps; w.N > 0 {
			b = appendHash(append(appendNumber(b, w.N), ' '), w.Hash)
		} else {
			b = append(b, '-')
		}
		b = append(b, '\n')
	case KindDestroy:
		b = appendLine(b, "case", r.Destroy.Case)
		b = append(appendDigest(append(b, "object "...), r.Destroy.Object), '\n')
	case KindRoster:
		b = append(appendNumber(append(b, "roster "...), r.Roster.Version), ' ')
		b = append(appendNumber(append(appendDigest(b, r.Roster.Digest), ' '), r.Roster.Size), '\n')
	case KindBatch:
		b = append(append(append(b, "batch "...), r.Batch.Day.String()...), ' ')
		b = appendNumber(b, r.Batch.Deposits)
		if r.Batch.Destroyed > 0 {
			b = appendNumber(append(b, ' '), r.Batch.Destroyed)
		}
		b = append(b, '\n')
	case KindConfigure, KindBackup, KindRestore, KindRelease:
		for _, s := range r.Settings {
			b = appendLine(append(b, "set "...), s.Key, s.Value)
		}
	}
	return b
}

// ParseRecord reads a leaf. It checks the form only: a statement's signature
// is OpenStatement's to check, and it stays where it is in the leaf.
func ParseRecord(leaf []byte) (Record, error) {
	if len(leaf) > MaxRecord {
		return Record{}, fmt.Errorf("record: longer than %d bytes: %w", MaxRecord, ErrFormat)
	}
	l := &lines{rest: string(leaf)}
	if !printable(l.rest) {
		l.fail()
	}
	l.exactly(recordLine)
	r := Record{Seq: l.number(l.value("seq"))}
	var day id.Day
	if l.next("day") {
		d, err := id.ParseDay(l.value("day"))
		day = parsed(l, d, err)
	} else {
		r.Time = l.time(l.value("time"))
	}
	r.Kind = Kind(l.value("kind"))
	if r.Kind.DayOnly() == day.IsZero() {
		l.fail()
	}
	switch r.Kind {
	case KindStatement:
		r.Count = l.number(l.value("count"))
		r.Cover = l.cover()
		l.exactly("")
		r.Statement, l.rest = leaf[len(leaf)-len(l.rest):], ""
	case KindDeposit:
		r.Deposit.Day = day
		c, err := id.ParseCase(l.value("case"))
		r.Deposit.Case = parsed(l, c, err)
		d, err := id.ParseDigest(l.value("deposit"))
		r.Deposit.Digest = parsed(l, d, err)
		if f := l.fields("wraps", 1); len(f) == 2 {
			r.Deposit.Wraps = tlog.Tree{N: l.number(f[0]), Hash: l.hash(f[1])}
		} else if len(f) != 1 || f[0] != "-" {
			l.fail()
		}
	case KindDestroy:
		r.Destroy.Day = day
		c, err := id.ParseCase(l.value("case"))
		r.Destroy.Case = parsed(l, c, err)
		d, err := id.ParseDigest(l.value("object"))
		r.Destroy.Object = parsed(l, d, err)
	case KindRoster:
		f := l.fields("roster", 3)
		d, err := id.ParseDigest(f[1])
		r.Roster = RosterRecord{Version: l.number(f[0]), Digest: parsed(l, d, err), Size: l.number(f[2])}
	case KindBatch:
		f := l.fields("batch", 2)
		day, err := id.ParseDay(f[0])
		r.Batch = BatchRecord{Day: parsed(l, day, err), Deposits: l.number(f[1])}
		if len(f) > 2 {
			r.Batch.Destroyed = l.number(f[2])
		}
	case KindConfigure, KindBackup, KindRestore, KindRelease:
		for l.next("set") {
			key, value, ok := strings.Cut(l.value("set"), " ")
			if !ok || key == "" || value == "" {
				l.fail()
			}
			r.Settings = append(r.Settings, Setting{key, value})
		}
	default:
		l.fail()
	}
	var again [2048]byte // for most, enough
	if err := l.end(); err != nil || !bytes.Equal(r.append(again[:0]), leaf) {
		return Record{}, fmt.Errorf("record: %w", ErrFormat)
	}
	return r, nil
}
