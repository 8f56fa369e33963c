package onion

import (
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"suluh.example/suluh/internal/durable"
)

// nobody is the file of a client that no member can be.
const nobody = "_nobody.auth"

// Change is what became of a service's clients.
type Change byte

// Changes, in the order of what tor has to do for them.
const (
	Same  Change = iota
	Added        // tor reads the keys anew
	Taken        // somebody may know where the service is who must not get in any more: it moves
)

// Authorize makes the clients that an onion service lets in those whose keys
// are given, by name: x25519 in base32, as rosters have them. Where it fails,
// what it did before that counts.
//
// One key stays that nobody has the private half of: tor takes a service
// without a single client for one that is open to everyone. A crash on the way
// leaves it, and some clients of before beside some of now.
func Authorize(serviceDir string, clients map[string]string) (change Change, err error) {
	dir := filepath.Join(serviceDir, "authorized_clients")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return Same, fmt.Errorf("make the list of clients: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return Same, fmt.Errorf("read the list of clients: %w", err)
	}
	there := map[string]bool{}
	for _, e := range entries {
		there[e.Name()] = true
	}
	want := map[string]string{}
	for name, key := range clients {
		want[name+".auth"] = line(key)
	}
	if !there[nobody] {
		k, err := ecdh.X25519().GenerateKey(rand.Reader) // the private half is forgotten here
		if err != nil {
			return Same, fmt.Errorf("make a key for nobody: %w", err)
		}
		want[nobody] = line(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(k.PublicKey().Bytes()))
	}
	for file, text := range want {
		before, err := os.ReadFile(filepath.Join(dir, file))
		if err == nil && string(before) == text {
			continue
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return change, fmt.Errorf("read a client's key: %w", err)
		}
		if err := durable.ReplaceFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			return change, fmt.Errorf("write a client's key: %w", err)
		}
		change = max(change, Added)
		if before != nil {
			change = Taken
		}
	}
	for file := range there {
		if _, ok := want[file]; ok || file == nobody {
			continue
		}
		if err := os.Remove(filepath.Join(dir, file)); err != nil {
			return change, fmt.Errorf("take a client's key away: %w", err)
		}
		if strings.HasSuffix(file, ".auth") { // what else is there, a write left behind
			change = Taken
		}
	}
	return change, durable.SyncDir(dir)
}

// line is what tor reads of a client.
func line(key string) string { return "descriptor:x25519:" + key + "\n" }
