package check_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/internal/check"
	"suluh.example/suluh/internal/witness"
)

// cosigner is the key of a witness.
func cosigner(t *testing.T, name string) (note.Signer, string) {
	t.Helper()
	text, err := witness.NewKey(name)
	must(t, err)
	s, vkey, err := witness.ParseKey(text)
	must(t, err)
	return s, vkey
}

// cosign has witnesses cosign the log as it is at a size.
func (m *made) cosign(size int64, by ...note.Signer) string {
	m.t.Helper()
	msg, err := accesslog.SignCheckpoint(origin, m.tree(size), m.signer)
	must(m.t, err)
	n, err := note.Open(msg, note.VerifierList(m.key))
	must(m.t, err)
	msg, err = note.Sign(n, by...)
	must(m.t, err)
	return string(msg)
}

// branch is a log by the same key that has the first records, and goes its own way.
func (m *made) branch(size int64) *made {
	return &made{t: m.t, signer: m.signer, key: m.key, vkey: m.vkey, members: m.members, roster: m.roster, records: m.records.First(size), size: size}
}

func TestWhatWitnessesHaveSeenMustBeInTheLog(t *testing.T) {
	a, akey := cosigner(t, "saksi-a.example")
	b, bkey := cosigner(t, "saksi-b.example")
	other, _ := cosigner(t, "saksi-a.example")
	m := newMadeWith(t, "witness a "+akey+" https://a.example/\nwitness b "+bkey+" https://b.example/\ngroup g 2 a b\nquorum g\n")
	m.lists(20)
	// The log that the witnesses were shown: by the same key, and with other records.
	fork := m.branch(10)
	fork.add(accesslog.Record{Kind: accesslog.KindConfigure, Time: began, Settings: []accesslog.Setting{{Key: "origin", Value: "lain"}}})
	longer := m.branch(m.size)
	longer.lists(3)

	for name, x := range map[string]struct {
		quorum  string
		each    map[string]string
		fault   check.Fault // "" if it passes
		records int64
		by      int
	}{
		"nobody yet":                  {},
		"both":                        {quorum: m.cosign(20, a, b), records: 20, by: 2},
		"both, and one is ahead":      {quorum: m.cosign(12, a, b), each: map[string]string{"saksi-a.example": m.cosign(20, a), "saksi-b.example": m.cosign(12, a, b)}, records: 12, by: 2},
		"one, served as if enough":    {quorum: m.cosign(20, a)},
		"a key of the same name":      {quorum: m.cosign(20, other, b)},
		"another log to both":         {quorum: fork.cosign(11, a, b), fault: check.FaultFork},
		"another log to one":          {each: map[string]string{"saksi-b.example": fork.cosign(11, b)}, fault: check.FaultFork},
		"more records than there are": {quorum: longer.cosign(longer.size, a, b), fault: check.FaultShrunk},
		"nothing of the log's":        {quorum: "x", fault: check.FaultCheckpoint},
	} {
		t.Run(name, func(t *testing.T) {
			log := check.New(func(ctx context.Context, path string) ([]byte, error) {
				switch {
				case path == accesslog.CosignedPath && x.quorum != "":
					return []byte(x.quorum), nil
				case path == accesslog.CosignaturesPath && x.each != nil:
					return json.Marshal(x.each)
				case path == accesslog.CosignedPath, path == accesslog.CosignaturesPath:
					return nil, os.ErrNotExist
				}
				return m.files(ctx, path)
			}, m.key)
			_, err := log.Extend(t.Context())
			must(t, err)
			w, err := log.Witnesses(t.Context())
			var f *check.Finding
			if x.fault != "" {
				if !errors.As(err, &f) || f.Fault != x.fault {
					t.Fatalf("got %v, want %s", err, x.fault)
				}
				return
			}
			must(t, err)
			if w.Records != x.records || w.By != x.by || len(w.All) != 2 || w.Since.IsZero() != (x.by == 0) {
				t.Errorf("got %+v", w)
			}
			for _, one := range w.All {
				if (one.Records == 0) != (x.each[one.Name] == "") {
					t.Errorf("%s is said to have seen %d records", one.Name, one.Records)
				}
			}
		})
	}

	none := newMade(t)
	log := check.New(none.files, none.key)
	_, err := log.Extend(t.Context())
	must(t, err)
	if w, err := log.Witnesses(t.Context()); w != nil || err != nil {
		t.Errorf("without witnesses in the roster: %v %v", w, err)
	}
}
