package witness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
)

// Errors of asking a witness. They are for the log's operator, and the first two
// for everybody: a witness holds the proof that the log was changed.
var (
	ErrAhead   = errors.New("it has cosigned a longer log than this one")
	ErrForked  = errors.New("what it has cosigned before is not a part of this log")
	ErrUnknown = errors.New("it does not know this log")
	ErrKey     = errors.New("it knows this log by another key")
	ErrAnswer  = errors.New("its answer is not a cosignature of its key")
)

// patience is how long a witness may take to answer.
const patience = 20 * time.Second

// Asker asks the witnesses of a policy. It remembers what each has cosigned, so
// that most checkpoints take one request. The zero value uses
// [http.DefaultTransport]. It is not safe for concurrent use.
type Asker struct {
	Transport http.RoundTripper

	old map[string]int64 // by address: records of the tree that was cosigned last
}

// Ask asks all witnesses of the policy at once to cosign a checkpoint of the
// log, and returns it with the cosignatures that came, and why the others'
// didn't, by the name of the witness. Prove returns the proof that the
// checkpoint's tree continues one of so many records.
func (a *Asker) Ask(ctx context.Context, p *Policy, log note.Verifier, checkpoint []byte, prove func(ctx context.Context, old int64) (tlog.TreeProof, error)) ([]byte, map[string]error, error) {
	tree, err := accesslog.OpenCheckpoint(checkpoint, log)
	if err != nil {
		return nil, nil, err
	}
	if a.old == nil {
		a.old = map[string]int64{}
	}
	client := &http.Client{
		Transport: a.Transport, Timeout: patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	var mu sync.Mutex // of all that follows, and of a.old
	cosigned, failed := checkpoint, map[string]error{}
	var all sync.WaitGroup
	for _, w := range p.Witnesses() {
		mu.Lock()
		old := a.old[w.URL]
		mu.Unlock()
		all.Go(func() {
			lines, err := ask(ctx, client, w, tree, checkpoint, old, prove)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed[w.Key.Name()] = err
				return
			}
			a.old[w.URL] = tree.N
			cosigned = Join(cosigned, lines)
		})
	}
	all.Wait()
	return cosigned, failed, nil
}

// ask returns the checkpoint with a witness's signature as the only one.
func ask(ctx context.Context, client *http.Client, w Witness, tree tlog.Tree, checkpoint []byte, old int64, prove func(context.Context, int64) (tlog.TreeProof, error)) ([]byte, error) {
	if old > tree.N {
		return nil, fmt.Errorf("%w: %d records instead of %d", ErrAhead, old, tree.N)
	}
	lines, known, err := post(ctx, client, w, tree, checkpoint, old, prove)
	if !errors.Is(err, errOther) {
		return lines, err
	}
	// It has cosigned another size than was thought: before this was started, or
	// asked by somebody else.
	switch {
	case known > tree.N:
		return nil, fmt.Errorf("%w: %d records instead of %d", ErrAhead, known, tree.N)
	case known == old && old == tree.N:
		return nil, fmt.Errorf("%w: another root for the same %d records", ErrForked, tree.N)
	}
	lines, _, err = post(ctx, client, w, tree, checkpoint, known, prove)
	if errors.Is(err, errOther) {
		if known == tree.N {
			return nil, fmt.Errorf("%w: another root for the same %d records", ErrForked, tree.N)
		}
		err = errors.New("it changes its mind about what it has cosigned")
	}
	return lines, err
}

// errOther says that the witness's last checkpoint has another size.
var errOther = errors.New("another size")

func post(ctx context.Context, client *http.Client, w Witness, tree tlog.Tree, checkpoint []byte, old int64, prove func(context.Context, int64) (tlog.TreeProof, error)) (lines []byte, known int64, err error) {
	r := Request{Old: old, Checkpoint: checkpoint}
	if old > 0 && old < tree.N {
		if r.Proof, err = prove(ctx, old); err != nil {
			return nil, 0, fmt.Errorf("prove what it asks for: %w", err)
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, bytes.NewReader(r.Format()))
	if err != nil {
		return nil, 0, err
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, 0, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, MaxRequest))
	if err != nil {
		return nil, 0, fmt.Errorf("read its answer: %w", err)
	}
	switch res.StatusCode {
	case http.StatusOK:
		lines, err := only(w, checkpoint, body)
		return lines, 0, err
	case http.StatusConflict:
		if kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")); kind == sizeType {
			if known, err = strconv.ParseInt(strings.TrimSuffix(string(body), "\n"), 10, 64); err == nil && known >= 0 {
				return nil, known, errOther
			}
		}
		return nil, 0, errors.New("it refuses without saying what it has cosigned")
	case http.StatusNotFound:
		return nil, 0, ErrUnknown
	case http.StatusForbidden:
		return nil, 0, ErrKey
	case http.StatusUnprocessableEntity:
		return nil, 0, fmt.Errorf("%w: the proof from %d records does not hold", ErrForked, old)
	}
	return nil, 0, fmt.Errorf("it answers %s", res.Status)
}

// only returns the checkpoint with those signatures of an answer that are the
// witness's.
func only(w Witness, checkpoint, answer []byte) ([]byte, error) {
	text, _, _ := bytes.Cut(checkpoint, []byte("\n\n"))
	msg := append(append(bytes.Clone(text), "\n\n"...), answer...)
	n, err := note.Open(msg, note.VerifierList(w.Key))
	if err != nil {
		return nil, ErrAnswer
	}
	n.UnverifiedSigs = nil
	return note.Sign(n)
}
