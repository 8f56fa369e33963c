package witness_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/internal/madelog"
	"suluh.example/suluh/internal/witness"
)

// madeLog is a log that is made, with its key.
type madeLog struct {
	madelog.Log
	signer note.Signer
	key    note.Verifier
}

func newLog(t *testing.T, origin string) *madeLog {
	t.Helper()
	skey, vkey, err := note.GenerateKey(rand.Reader, origin)
	if err != nil {
		t.Fatal(err)
	}
	l := &madeLog{}
	if l.signer, err = note.NewSigner(skey); err != nil {
		t.Fatal(err)
	}
	if l.key, err = note.NewVerifier(vkey); err != nil {
		t.Fatal(err)
	}
	return l
}

// branch is the same log by the same key up to here, and free to go another way.
func (l *madeLog) branch() *madeLog { return &madeLog{l.First(l.Len()), l.signer, l.key} }

func (l *madeLog) grow(records ...string) {
	for _, r := range records {
		l.Append([]byte(r))
	}
}

func (l *madeLog) checkpoint(t *testing.T) []byte {
	t.Helper()
	tree, err := l.Tree(l.Len())
	if err != nil {
		t.Fatal(err)
	}
	msg, err := accesslog.SignCheckpoint(l.signer.Name(), tree, l.signer)
	if err != nil {
		t.Fatal(err)
	}
	return msg
}

func (l *madeLog) prove(_ context.Context, old int64) (tlog.TreeProof, error) {
	return tlog.ProveTree(l.Len(), old, l)
}

// party is a witness with its state in a folder.
type party struct {
	name, vkey, dir string
	signer          note.Signer
	web             *httptest.Server
}

func newParty(t *testing.T, name string, logs ...note.Verifier) *party {
	t.Helper()
	p := &party{name: name, dir: t.TempDir()}
	var err error
	if p.signer, p.vkey, err = witness.ParseKey(key(t, name)); err != nil {
		t.Fatal(err)
	}
	p.start(t, logs...)
	t.Cleanup(func() { p.web.Close() })
	return p
}

func key(t *testing.T, name string) string {
	t.Helper()
	text, err := witness.NewKey(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func (p *party) start(t *testing.T, logs ...note.Verifier) {
	t.Helper()
	s, err := witness.NewServer(p.dir, p.signer, p.vkey, logs, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	p.web = httptest.NewServer(s)
}

func (p *party) line() string { return "witness " + p.name + " " + p.vkey + " " + p.web.URL + "\n" }

func policy(t *testing.T, k int, parties ...*party) *witness.Policy {
	t.Helper()
	var text, names string
	for _, p := range parties {
		text += p.line()
		names += " " + p.name
	}
	p, err := witness.ParsePolicy(text + fmt.Sprintf("group saksi %d%s\nquorum saksi\n", k, names))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestCheckpointsAreCosignedByAQuorum(t *testing.T) {
	l := newLog(t, "log.suluh.example/uji")
	a, b, c := newParty(t, "saksi-a.example", l.key), newParty(t, "saksi-b.example", l.key), newParty(t, "saksi-c.example", l.key)
	p := policy(t, 2, a, b, c)
	var asker witness.Asker
	for step := range 12 {
		for range step {
			l.grow(fmt.Sprint("catatan ", step, " ", l.Len()))
		}
		if step == 6 {
			asker = witness.Asker{} // started anew, it doesn't know what was cosigned
		}
		if l.Len() == 0 {
			continue
		}
		cosigned, failed, err := asker.Ask(t.Context(), p, l.key, l.checkpoint(t), l.prove)
		if err != nil || len(failed) > 0 {
			t.Fatalf("%d records: %v %v", l.Len(), failed, err)
		}
		tree, who, err := p.Open(cosigned, l.key)
		if err != nil || tree.N != l.Len() || len(who) != 3 {
			t.Fatalf("%d records: opens as %d records with %v: %v", l.Len(), tree.N, who, err)
		}
	}

	a.web.Close()
	l.grow("satu lagi")
	cosigned, failed, err := asker.Ask(t.Context(), p, l.key, l.checkpoint(t), l.prove)
	if err != nil || len(failed) != 1 || failed[a.name] == nil {
		t.Fatalf("with one witness away: %v %v", failed, err)
	}
	if _, who, err := p.Open(cosigned, l.key); err != nil || len(who) != 2 {
		t.Fatalf("two of three are the quorum: %v %v", who, err)
	}
	b.web.Close()
	l.grow("dan satu")
	cosigned, _, err = asker.Ask(t.Context(), p, l.key, l.checkpoint(t), l.prove)
	if err != nil {
		t.Fatal(err)
	}
	if _, who, err := p.Open(cosigned, l.key); !errors.Is(err, witness.ErrQuorum) || len(who) != 1 {
		t.Fatalf("one of three is not the quorum: %v %v", who, err)
	}
	if _, who, err := p.Open(l.checkpoint(t), l.key); !errors.Is(err, witness.ErrQuorum) || len(who) != 0 {
		t.Fatalf("no witness is not the quorum: %v %v", who, err)
	}
}

func TestWitnessRefusesAForkAlsoAfterARestart(t *testing.T) {
	l := newLog(t, "log.suluh.example/uji")
	l.grow("nol", "satu", "dua")
	shrunk, other := l.branch(), l.branch()
	l.grow("tiga", "empat")
	w := newParty(t, "saksi.example", l.key)
	p := policy(t, 1, w)
	var asker witness.Asker
	if _, failed, err := asker.Ask(t.Context(), p, l.key, l.checkpoint(t), l.prove); err != nil || len(failed) > 0 {
		t.Fatal(failed, err)
	}
	other.grow("bukan tiga", "bukan empat")
	longer := other.branch()
	longer.grow("bukan lima")
	for range 2 {
		for name, x := range map[string]struct {
			log  *madeLog
			want error
		}{
			"fewer records":                 {shrunk, witness.ErrAhead},
			"other records, as many":        {other, witness.ErrForked},
			"other records, and one more":   {longer, witness.ErrForked},
			"what it has cosigned, and now": {l, nil},
		} {
			var fresh witness.Asker
			cosigned, failed, err := fresh.Ask(t.Context(), p, l.key, x.log.checkpoint(t), x.log.prove)
			if err != nil || !errors.Is(failed[w.name], x.want) || (x.want == nil) != (failed[w.name] == nil) {
				t.Errorf("%s: %v %v, want %v", name, failed, err, x.want)
			}
			if _, _, err := p.Open(cosigned, l.key); (err == nil) != (x.want == nil) {
				t.Errorf("%s: opens with %v", name, err)
			}
		}
		w.web.Close()
		w.start(t, l.key) // goes by what is on its disk
		p = policy(t, 1, w)
	}
	files, err := filepath.Glob(filepath.Join(w.dir, "*"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	if err := os.WriteFile(files[0], newLog(t, l.signer.Name()).checkpointOf(t, l), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := witness.NewServer(w.dir, w.signer, w.vkey, []note.Verifier{l.key}, slog.New(slog.DiscardHandler)); !errors.Is(err, witness.ErrState) {
		t.Fatalf("starts on a checkpoint that it never cosigned: %v", err)
	}
}

// checkpointOf signs another log's tree with this one's key.
func (l *madeLog) checkpointOf(t *testing.T, of *madeLog) []byte {
	t.Helper()
	b := of.branch()
	b.signer = l.signer
	return b.checkpoint(t)
}

// TestAddCheckpoint holds the witness to C2SP tlog-witness, status by status.
func TestAddCheckpoint(t *testing.T) {
	l := newLog(t, "log.suluh.example/uji")
	l.grow("nol", "satu", "dua")
	w := newParty(t, "saksi.example", l.key)
	post := func(body string) (int, string, string) {
		t.Helper()
		res, err := http.Post(w.web.URL+"/add-checkpoint", "text/plain", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, res.Header.Get("Content-Type"), string(b)
	}
	expect := func(what, body string, status int, answer string) {
		t.Helper()
		got, kind, text := post(body)
		if got != status || !strings.HasPrefix(text, answer) {
			t.Errorf("%s: %d %q, want %d %q", what, got, text, status, answer)
		}
		if status == http.StatusConflict && kind != "text/x.tlog.size" {
			t.Errorf("%s: type is %q", what, kind)
		}
	}
	three := string(l.checkpoint(t))
	small := l.branch()
	stranger := newLog(t, "log.suluh.example/lain")
	stranger.grow("nol")
	imposter := newLog(t, "log.suluh.example/uji")
	expect("nothing", "", http.StatusBadRequest, "")
	expect("no checkpoint", "old 0\n\n", http.StatusNotFound, "")
	expect("leading zeros", "old 00\n\n"+three, http.StatusBadRequest, "")
	expect("below zero", "old -1\n\n"+three, http.StatusBadRequest, "")
	expect("64 lines of proof", "old 0\n"+strings.Repeat(base64.StdEncoding.EncodeToString(make([]byte, 32))+"\n", 64)+"\n"+three, http.StatusBadRequest, "")
	expect("too large", "old 0\n\n"+three+strings.Repeat("x", 64<<10), http.StatusBadRequest, "")
	expect("another log", "old 0\n\n"+string(stranger.checkpoint(t)), http.StatusNotFound, "")
	expect("another key", "old 0\n\n"+string(imposter.checkpointOf(t, l)), http.StatusForbidden, "")
	expect("old beyond new", "old 4\n\n"+three, http.StatusBadRequest, "")
	expect("never cosigned", "old 2\n\n"+three, http.StatusConflict, "0\n")
	expect("first", "old 0\n\n"+three, http.StatusOK, "— saksi.example ")
	expect("first again", "old 0\n\n"+three, http.StatusConflict, "3\n")
	expect("the same", "old 3\n\n"+three, http.StatusOK, "— saksi.example ")
	l.grow("tiga")
	four := string(l.checkpoint(t))
	expect("no proof", "old 3\n\n"+four, http.StatusUnprocessableEntity, "")
	small.grow("bukan tiga")
	proof, err := small.prove(t.Context(), 3)
	if err != nil {
		t.Fatal(err)
	}
	expect("proof of another log", string(witness.Request{Old: 3, Proof: proof, Checkpoint: []byte(four)}.Format()), http.StatusUnprocessableEntity, "")
	if proof, err = l.prove(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	expect("the next", string(witness.Request{Old: 3, Proof: proof, Checkpoint: []byte(four)}.Format()), http.StatusOK, "— saksi.example ")
	expect("another root of the same size", "old 4\n\n"+string(small.checkpoint(t)), http.StatusConflict, "4\n")
	res, err := http.Get(w.web.URL + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	page, err := io.ReadAll(res.Body)
	if err != nil || !bytes.Contains(page, []byte(w.vkey)) || !bytes.Contains(page, []byte("4 records")) {
		t.Errorf("the page is %q, %v", page, err)
	}
}

// TestCosignedTreesAreOneLog: whatever comes at once, and in whatever order, all
// that was cosigned is of one log.
func TestCosignedTreesAreOneLog(t *testing.T) {
	l := newLog(t, "log.suluh.example/uji")
	l.grow("awal")
	w := newParty(t, "saksi.example", l.key)
	p := policy(t, 1, w)
	fork := l.branch()
	logs := make([]*madeLog, 0, 80)
	for i := range 40 {
		l.grow(fmt.Sprint("benar ", i))
		fork.grow(fmt.Sprint("palsu ", i))
		logs = append(logs, l.branch(), fork.branch())
	}
	var mu sync.Mutex
	var cosigned []*madeLog
	var all sync.WaitGroup
	for _, x := range logs {
		checkpoint := x.checkpoint(t)
		all.Go(func() {
			var asker witness.Asker
			msg, failed, err := asker.Ask(t.Context(), p, l.key, checkpoint, x.prove)
			if err != nil {
				t.Error(err)
			}
			if len(failed) == 0 {
				if _, _, err := p.Open(msg, l.key); err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				cosigned = append(cosigned, x)
			}
		})
	}
	all.Wait()
	if len(cosigned) == 0 {
		t.Fatal("nothing was cosigned")
	}
	for _, a := range cosigned {
		for _, b := range cosigned {
			small, large := a, b
			if a.Len() > b.Len() {
				small, large = b, a
			}
			want, err := tlog.TreeHash(small.Len(), small)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := tlog.TreeHash(small.Len(), large); err != nil || got != want {
				t.Fatalf("logs of %d and %d records were both cosigned, and are different", small.Len(), large.Len())
			}
		}
	}
}

// TestSignaturesOfOthersDoNotCount: a line that only looks like a witness's is an
// error, and one by a key of the same name counts for nothing.
func TestSignaturesOfOthersDoNotCount(t *testing.T) {
	l := newLog(t, "log.suluh.example/uji")
	l.grow("nol")
	w := newParty(t, "saksi.example", l.key)
	p := policy(t, 1, w)
	other, _, err := witness.ParseKey(key(t, "saksi.example"))
	if err != nil {
		t.Fatal(err)
	}
	n, err := note.Open(l.checkpoint(t), note.VerifierList(l.key))
	if err != nil {
		t.Fatal(err)
	}
	msg, err := note.Sign(n, other)
	if err != nil {
		t.Fatal(err)
	}
	if _, who, err := p.Open(msg, l.key); !errors.Is(err, witness.ErrQuorum) || len(who) > 0 {
		t.Fatalf("another key of the same name counts: %v %v", who, err)
	}
	sig := make([]byte, 4+8+ed25519.SignatureSize)
	binary.BigEndian.PutUint32(sig, w.signer.KeyHash())
	forged := append(l.checkpoint(t), ("— saksi.example " + base64.StdEncoding.EncodeToString(sig) + "\n")...)
	if _, _, err := p.Open(forged, l.key); err == nil || errors.Is(err, witness.ErrQuorum) {
		t.Fatalf("a forged line is passed over: %v", err)
	}
}

func FuzzRequest(f *testing.F) {
	f.Add([]byte("old 0\n\nlog\n1\nAAAA\n\n— log x\n"))
	f.Add([]byte("old 3\n" + base64.StdEncoding.EncodeToString(make([]byte, 32)) + "\n\nlog\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := witness.ParseRequest(body)
		if err != nil {
			return
		}
		if got := r.Format(); !bytes.Equal(got, body) {
			t.Fatalf("%q is read as %q", body, got)
		}
	})
}
