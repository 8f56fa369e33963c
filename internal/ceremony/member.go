package ceremony

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"suluh.example/suluh/crypto/keyfile"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/durable"
)

// WriteMember writes a new member's identity file and request into a folder,
// over nothing that is there, and returns the request. A work factor of 0 is
// [keyfile.DefaultWorkFactor].
func WriteMember(dir, name string, i *keyfile.Identity, passphrase string, workFactor int) (r roster.Request, err error) {
	r = request(name, i)
	signed, err := r.Sign(i.Signer())
	if err != nil {
		return r, err
	}
	sealed, err := i.Seal(passphrase, workFactor)
	if err != nil {
		return r, err
	}
	identityFile := filepath.Join(dir, string(r.ID)+".identity")
	requestFile := filepath.Join(dir, string(r.ID)+".request")
	for _, f := range []string{identityFile, requestFile} {
		if _, err := os.Lstat(f); err == nil {
			return r, fmt.Errorf("%s: %w", filepath.Base(f), os.ErrExist)
		}
	}
	if err := durable.WriteFile(identityFile, sealed, 0o600); err != nil {
		return r, err
	}
	if err := durable.WriteFile(requestFile, signed, 0o644); err != nil {
		return r, errors.Join(err, os.Remove(identityFile))
	}
	return r, nil
}

func request(name string, i *keyfile.Identity) roster.Request {
	return roster.Request{ID: i.Member(), Name: name, Recipient: i.Recipient(), Key: i.VerifierKey(), Onion: i.Onion()}
}

// RenewOnion puts a new onion key into an identity file and writes the request
// with its public half, which replaces one that is there. Until a roster lists
// the new key, the members' onion service goes by the one before, which the
// file doesn't have any more.
func RenewOnion(identityFile, name string, i *keyfile.Identity, passphrase string, workFactor int) (r roster.Request, file string, err error) {
	if err := i.NewOnionKey(); err != nil {
		return r, "", err
	}
	r = request(name, i)
	signed, err := r.Sign(i.Signer())
	if err != nil {
		return r, "", err
	}
	sealed, err := i.Seal(passphrase, workFactor)
	if err != nil {
		return r, "", err
	}
	// The request goes second: of a key that no file has, nobody must be told.
	if err := durable.ReplaceFile(identityFile, sealed, 0o600); err != nil {
		return r, "", err
	}
	file = filepath.Join(filepath.Dir(identityFile), string(r.ID)+".request")
	return r, file, durable.ReplaceFile(file, signed, 0o644)
}
