package accesslog

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// SignCheckpoint returns a C2SP tlog-checkpoint: origin, size and root, signed
// by the log's key.
func SignCheckpoint(origin string, t tlog.Tree, log note.Signer) ([]byte, error) {
	msg, err := note.Sign(&note.Note{Text: checkpointText(origin, t)}, log)
	if err != nil {
		return nil, fmt.Errorf("sign checkpoint: %w", err)
	}
	return msg, nil
}

func checkpointText(origin string, t tlog.Tree) string {
	return fmt.Sprintf("%s\n%d\n%s\n", origin, t.N, base64.StdEncoding.EncodeToString(t.Hash[:]))
}

// OpenCheckpoint checks a checkpoint's signature by the log's key. The log's
// origin is the key's name. Lines of extension, which others may add, are
// refused: our log writes none. Signatures of witnesses are ignored here.
func OpenCheckpoint(msg []byte, log note.Verifier) (tlog.Tree, error) {
	n, err := note.Open(msg, note.VerifierList(log))
	if err != nil {
		return tlog.Tree{}, fmt.Errorf("checkpoint: %w", err)
	}
	l := &lines{rest: n.Text}
	origin := l.line()
	t := tlog.Tree{N: l.number(l.line()), Hash: l.hash(l.line())}
	if err := l.end(); err != nil || origin != log.Name() || strings.Contains(origin, "\n") {
		return tlog.Tree{}, fmt.Errorf("checkpoint: %w", ErrFormat)
	}
	return t, nil
}

// Proof is what every answer of the vault carries: the record of the request,
// that it is in the log, and that the log still has all that the member had
// seen. All but the index is base64 in JSON.
type Proof struct {
	Index       int64  `json:"index"`
	Record      []byte `json:"record"`
	Checkpoint  []byte `json:"checkpoint"`
	Inclusion   Path   `json:"inclusion"`
	Consistency Path   `json:"consistency"`
}

// Path has the hashes of a proof, in the order of package tlog. In JSON they are
// one text, since an answer has some fifty: each by itself takes ten times as long.
type Path []tlog.Hash

// MarshalText writes the hashes one after another, in base64.
func (p Path) MarshalText() ([]byte, error) {
	b := make([]byte, 0, len(p)*tlog.HashSize)
	for _, h := range p {
		b = append(b, h[:]...)
	}
	return base64.StdEncoding.AppendEncode(nil, b), nil
}

// UnmarshalText reads what MarshalText writes.
func (p *Path) UnmarshalText(text []byte) error {
	b, err := base64.StdEncoding.AppendDecode(nil, text)
	if err != nil || len(b)%tlog.HashSize != 0 {
		return fmt.Errorf("proof: %w", ErrFormat)
	}
	*p = nil
	if len(b) > 0 {
		*p = make(Path, 0, len(b)/tlog.HashSize)
	}
	for h := range slices.Chunk(b, tlog.HashSize) {
		*p = append(*p, tlog.Hash(h))
	}
	return nil
}

// ProveRecord proves that the tree of so many records has the one with an index.
func ProveRecord(size, index int64, r tlog.HashReader) (Path, error) {
	p, err := tlog.ProveRecord(size, index, r)
	return Path(p), err
}

// ProveTree proves that the tree of so many records continues an older one.
func ProveTree(size, old int64, r tlog.HashReader) (Path, error) {
	p, err := tlog.ProveTree(size, old, r)
	return Path(p), err
}

// Check verifies the proof against the log's key and the tree that was seen
// before, and returns the tree to remember instead. It doesn't look into the
// record: whether it is the one asked for is the caller's to check.
func (p Proof) Check(log note.Verifier, seen tlog.Tree) (tlog.Tree, error) {
	t, err := OpenCheckpoint(p.Checkpoint, log)
	if err != nil {
		return tlog.Tree{}, err
	}
	if t.N < seen.N {
		return tlog.Tree{}, fmt.Errorf("log has shrunk from %d to %d records", seen.N, t.N)
	}
	if t.N == 0 || p.Index < 0 || p.Index >= t.N {
		return tlog.Tree{}, fmt.Errorf("record %d isn't in a log of %d", p.Index, t.N)
	}
	if err := tlog.CheckRecord(tlog.RecordProof(p.Inclusion), t.N, t.Hash, p.Index, tlog.RecordHash(p.Record)); err != nil {
		return tlog.Tree{}, fmt.Errorf("record %d isn't in the log: %w", p.Index, err)
	}
	if seen.N == 0 {
		return t, nil
	}
	if err := tlog.CheckTree(tlog.TreeProof(p.Consistency), t.N, t.Hash, seen.N, seen.Hash); err != nil {
		return tlog.Tree{}, fmt.Errorf("log of %d records doesn't continue the %d seen before: %w", t.N, seen.N, err)
	}
	return t, nil
}

// Grown proves that the tree of a checkpoint, which goes with it, continues the one of
// From records.
type Grown struct {
	From  int64 `json:"from"`
	Proof Path  `json:"proof"`
}

// Cosigned is the newest checkpoint that has the quorum of witnesses, and the
// proof that a later one, which goes with it, continues its tree.
type Cosigned struct {
	Checkpoint  []byte `json:"checkpoint"` // signed note with the cosignatures
	Consistency Path   `json:"consistency"`
}
