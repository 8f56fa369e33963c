// Opensplit opens a vault's split cases by hand, for tests: as a reader without
// key witnesses, and again with the shares that those of the key witnesses hold
// whose identity files it is given. It uses the formats and the vault's socket
// and nothing of the parts that readers and key witnesses run.
//
// It reads a JSON object from standard input (see asked) and prints an array of
// cases (see opened).
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"log"
	"os"
	"time"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/keyfile"
	"suluh.example/suluh/crypto/seal"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/vault/membersock"
)

type asked struct {
	Socket    string     `json:"socket"` // member.sock
	Reader    identity   `json:"reader"`
	Witnesses []identity `json:"witnesses"` // who give their shares
}

type identity struct {
	File       string `json:"identity_file"`
	Passphrase string `json:"passphrase"`
}

type opened struct {
	Case    id.Case        `json:"case"`
	Need    int            `json:"need"`
	Summary report.Summary `json:"summary"`
	Before  []any          `json:"before"` // letters that the reader's key opens by itself
	After   []any          `json:"after"`  // those that it opens once shares were joined
	Key     string         `json:"key"`    // both identities
}

func main() {
	log.SetFlags(0)
	var a asked
	if err := json.NewDecoder(os.Stdin).Decode(&a); err != nil {
		log.Fatal(err)
	}
	all, err := a.open(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(all); err != nil {
		log.Fatal(err)
	}
}

func (i identity) open() (*keyfile.Identity, error) {
	sealed, err := os.ReadFile(i.File)
	if err != nil {
		return nil, err
	}
	return keyfile.Open(sealed, i.Passphrase)
}

func (a asked) open(ctx context.Context) (all []opened, err error) {
	reader, err := a.Reader.open()
	if err != nil {
		return nil, err
	}
	var witnesses []*keyfile.Identity
	for _, w := range a.Witnesses {
		i, err := w.open()
		if err != nil {
			return nil, err
		}
		witnesses = append(witnesses, i)
	}
	vault := membersock.NewClient(a.Socket)
	list, got, err := act(ctx, vault, reader, accesslog.Statement{Action: accesslog.List})
	if err != nil {
		return nil, err
	}
	for _, c := range list.Cases {
		k, err := seal.Unwrap(got[c.Wrap], reader.Age())
		if err != nil {
			return nil, err
		}
		x := opened{Case: c.Case}
		var shares []seal.SealedShare
		if x.Need, shares = k.Shares(); x.Need == 0 {
			continue
		}
		text, err := seal.OpenDocument(got[c.Summary], k.Identities()...)
		if err != nil {
			return nil, err
		}
		if x.Summary, err = report.Decode[report.Summary](text, c.Case); err != nil {
			return nil, err
		}
		_, objects, err := act(ctx, vault, reader, accesslog.Statement{Action: accesslog.Open, Case: c.Case})
		if err != nil {
			return nil, err
		}
		x.Before = letters(c.Case, k, objects)
		if err := join(c.Case, k, shares, witnesses); err != nil {
			return nil, err
		}
		x.After, x.Key = letters(c.Case, k, objects), k.Export()
		all = append(all, x)
	}
	return all, nil
}

func join(of id.Case, k *seal.CaseKey, shares []seal.SealedShare, witnesses []*keyfile.Identity) error {
	var given []*seal.Share
	for _, witness := range witnesses {
		for _, s := range shares {
			if s.Witness != witness.Member() {
				continue
			}
			share, err := seal.OpenShare(s.Sealed, witness.Age())
			if err != nil {
				return err
			}
			given = append(given, share)
		}
	}
	return k.Join(of, given...)
}

// letters are those that a key opens, as the reporter's side sealed them.
func letters(of id.Case, k *seal.CaseKey, objects map[id.Digest][]byte) []any {
	all := []any{}
	for _, b := range objects {
		text, err := seal.OpenDocument(b, k.Identities()...)
		if err != nil {
			continue
		}
		if l, err := report.Decode[report.Letter](text, of); err == nil && (l.Report != nil || l.Text != "") {
			all = append(all, l)
		}
	}
	return all
}

// act sends a statement and returns the answer with the objects that came along.
func act(ctx context.Context, vault *membersock.Client, by *keyfile.Identity, s accesslog.Statement) (membersock.ActAnswer, map[id.Digest][]byte, error) {
	state, err := vault.State(ctx)
	if err != nil {
		return membersock.ActAnswer{}, nil, err
	}
	s.Log, s.Member, s.Time, s.Seen = state.Origin, by.Member(), time.Now(), accesslog.EmptyTree()
	rand.Read(s.Nonce[:])
	msg, err := s.Sign(by.Signer())
	if err != nil {
		return membersock.ActAnswer{}, nil, err
	}
	a, err := vault.Act(ctx, msg, nil, nil)
	if err != nil {
		return membersock.ActAnswer{}, nil, err
	}
	defer a.Close()
	got := map[id.Digest][]byte{}
	for {
		o, r, err := a.Next()
		if errors.Is(err, io.EOF) {
			return a.ActAnswer, got, nil
		}
		if err != nil {
			return membersock.ActAnswer{}, nil, err
		}
		if got[o.Digest], err = io.ReadAll(r); err != nil {
			return membersock.ActAnswer{}, nil, err
		}
	}
}
