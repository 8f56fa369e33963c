package check

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/signature"
)

// bundle is up to 256 records on their way through the checks.
type bundle struct {
	first  int64 // record
	leaves [][]byte
	parsed []parsed
	ready  chan struct{} // closed once parsed
}

// records checks all records up to a size. Three things happen at once:
// bundles are read ahead, their records parsed and their signatures checked on
// all cores, and here, one record after another, everything that depends on
// what came before. A record whose signature is bad may pass here first; it is
// the first finding that counts.
func (l *Log) records(ctx context.Context, size int64) error {
	cores := runtime.GOMAXPROCS(0)
	work := make(chan func())
	var workers sync.WaitGroup
	for range cores {
		workers.Go(func() {
			for do := range work {
				do()
			}
		})
	}
	readCtx, stop := context.WithCancel(ctx)
	defer stop()
	ahead := make(chan *bundle, 2*cores)
	var readErr error
	go func() {
		defer close(ahead)
		for first := l.state.size(); first < size; {
			b, err := l.read(readCtx, first, size)
			if err != nil {
				readErr = err
				return
			}
			first += int64(len(b.leaves))
			select {
			case work <- b.parse:
			case <-readCtx.Done():
				return
			}
			ahead <- b
		}
	}()
	var found first
	var err error
	for b := range ahead {
		if err != nil || found.any() {
			continue // drains what was read ahead
		}
		<-b.ready
		var checked int
		checked, err = l.inOrder(ctx, b)
		work <- func() {
			found.keep(signatures(b.parsed[:checked]))
			giveParsed(b.parsed)
		}
		if err != nil || found.any() {
			stop()
		}
		if l.Progress != nil {
			l.Progress(l.state.size(), size)
		}
	}
	close(work)
	workers.Wait()
	var f *Finding
	if errors.As(err, &f) {
		found.keep(f)
	}
	switch {
	case found.any():
		return found.finding
	case err != nil:
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return readErr
}

// read reads the bundle in which a record stands, from that record on.
func (l *Log) read(ctx context.Context, from, size int64) (*bundle, error) {
	start := from - from%accesslog.TileWidth
	n := min(size-start, accesslog.TileWidth)
	data, err := l.files(ctx, accesslog.TilePath(tlog.Tile{H: accesslog.TileHeight, L: -1, N: start / accesslog.TileWidth, W: int(n)}))
	if errors.Is(err, os.ErrNotExist) {
		return nil, &Finding{Seq: from, Fault: FaultMissing, What: "the file with this record and those after it is missing"}
	}
	if err != nil {
		return nil, fmt.Errorf("read records from %d: %w", from, err)
	}
	leaves, err := accesslog.Entries(data)
	if err != nil || int64(len(leaves)) != n {
		return nil, &Finding{Seq: from, Fault: FaultForm, What: "the bundle of records that begins here is malformed"}
	}
	return &bundle{first: from, leaves: leaves[from-start:], ready: make(chan struct{})}, nil
}

// inOrder checks the records of a bundle one after another. It returns how
// many have passed.
func (l *Log) inOrder(ctx context.Context, b *bundle) (int, error) {
	for i := range b.parsed {
		p := &b.parsed[i]
		if !l.NoEntries {
			if err := l.index.fits(p); err != nil {
				return i, err
			}
		}
		if err := l.state.record(ctx, b.first+int64(i), p); err != nil {
			return i, err
		}
		if !l.NoEntries {
			l.index.add(p)
		}
		if l.Each != nil {
			l.Each(&p.record, &p.statement, l.state.roster)
		}
	}
	return len(b.parsed), nil
}

// parsed is a record with all that can be told of it by itself.
type parsed struct {
	hash      tlog.Hash
	record    accesslog.Record
	statement accesslog.Statement
	err       error          // of the record's form
	badNote   bool           // the statement isn't in the agreed form
	members   note.Verifiers // of the roster in force, once that is known
}

// bundles has what was used for bundles before.
var bundles = sync.Pool{New: func() any { return new([accesslog.TileWidth]parsed) }}

func takeParsed(n int) []parsed { return bundles.Get().(*[accesslog.TileWidth]parsed)[:n] }

func giveParsed(p []parsed) {
	all := p[:accesslog.TileWidth]
	clear(all)
	bundles.Put((*[accesslog.TileWidth]parsed)(all))
}

func (b *bundle) parse() {
	defer close(b.ready)
	b.parsed = takeParsed(len(b.leaves))
	for i, leaf := range b.leaves {
		p := &b.parsed[i]
		p.hash = tlog.RecordHash(leaf)
		if p.record, p.err = accesslog.ParseRecord(leaf); p.err == nil && p.record.Kind == accesslog.KindStatement {
			var err error
			p.statement, err = accesslog.ReadStatement(p.record.Statement)
			p.badNote = err != nil
		}
	}
	b.leaves = nil
}

// signatures checks who signed the statements among the records. Many together take
// half the time; one by one they are verified where that fails, to say which it is.
func signatures(records []parsed) *Finding {
	for some := range slices.Chunk(records, signature.BatchSize) {
		if allSigned(some) {
			continue
		}
		for i := range some {
			p := &some[i]
			if p.record.Kind != accesslog.KindStatement {
				continue
			}
			if err := accesslog.CheckSigned(p.record.Statement, p.statement.Member, p.members); err != nil {
				return &Finding{Seq: p.record.Seq, Fault: FaultSignature, What: notSigned}
			}
		}
	}
	return nil
}

// allSigned tells whether the statements among the records are all signed as they
// should be.
func allSigned(records []parsed) bool {
	batch := signature.NewBatch(len(records))
	for i := range records {
		p := &records[i]
		if p.record.Kind != accesslog.KindStatement {
			continue
		}
		s, err := accesslog.SignatureOf(p.record.Statement, p.statement.Member, p.members)
		if err != nil {
			return false
		}
		batch.Add(s.By, s.Text, s.Sig)
	}
	return batch.Verify()
}

const notSigned = "its statement is not signed by the member of the roster that it names"

// first keeps the finding of the lowest record.
type first struct {
	mu      sync.Mutex
	finding *Finding
}

func (x *first) keep(f *Finding) {
	if f == nil {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.finding == nil || f.Seq < x.finding.Seq || f.Seq == x.finding.Seq && f.Fault == FaultSignature {
		x.finding = f
	}
}

func (x *first) any() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.finding != nil
}
