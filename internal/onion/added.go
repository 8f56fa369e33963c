//go:build linux

package onion

import (
	"bytes"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/cretz/bine/control"

	"suluh.example/suluh/internal/durable"
)

// The members' service at the system's tor: it is handed over with its key and the
// keys of those whom it lets in (ADD_ONION, tor 0.4.6). Tor keeps none of it on a
// disk, and takes the service down when the keeper's connection ends. Nobody else
// can change it, not even over the same control port: tor lets only the connection
// that made a service touch it, and the key never leaves our folder.
//
// A HiddenServiceDir can't do that: tor wants the list of clients to be where only
// its own user may write, and reading it anew drops what it was told over the
// control port.

// The first 32 bytes of tor's key files, padded with zeros. What follows is the key.
const (
	secretHead = "== ed25519v1-secret: type0 ==\x00\x00\x00"
	publicHead = "== ed25519v1-public: type0 ==\x00\x00\x00"
)

// add tells tor of the service with the clients whose keys there are now. One
// that it has been told of before is taken down first: it moves, and who was
// let in before and isn't now doesn't find it any more.
func (k *keeper) add(conn *control.Conn) error {
	service := k.config.service()
	if k.added {
		address, err := Address(service)
		if err != nil {
			return err
		}
		if _, err := conn.SendRequest("DEL_ONION %s", strings.TrimSuffix(address, ".onion")); err != nil {
			return fmt.Errorf("tor does not take the service down: %w", err)
		}
		k.added = false
	}
	key, err := readKey(service)
	if err != nil {
		return err
	}
	clients, err := authorized(service)
	if err != nil {
		return err
	}
	args := "ADD_ONION " + key + " Flags=V3Auth Port=80,unix:" + webSocket(k.config.Dir)
	for _, c := range clients {
		args += " ClientAuthV3=" + c
	}
	r, err := conn.SendRequest("%s", args)
	if err != nil {
		return fmt.Errorf("tor does not take the service, which it can since 0.4.6: %w", err)
	}
	k.added = true
	var id, made string
	for _, line := range r.Data {
		switch name, value, _ := strings.Cut(line, "="); name {
		case "ServiceID":
			id = value
		case "PrivateKey":
			made = value
		}
	}
	return writeKeys(service, id, made)
}

// newKey has tor make the key.
const newKey = "NEW:ED25519-V3"

// readKey returns the service's key as tor is told it.
func readKey(service string) (string, error) {
	b, err := os.ReadFile(filepath.Join(service, "hs_ed25519_secret_key"))
	if errors.Is(err, os.ErrNotExist) {
		return newKey, nil
	}
	if err != nil {
		return "", fmt.Errorf("read the service's key: %w", err)
	}
	key, ok := bytes.CutPrefix(b, []byte(secretHead))
	if !ok || len(key) != 64 {
		return "", errors.New("the service's key is damaged")
	}
	return "ED25519-V3:" + base64.StdEncoding.EncodeToString(key), nil
}

// writeKeys keeps the key that tor has made, if it made one, and the service's name, in
// the files that a tor of our own would: whichever serves it, it is the same.
func writeKeys(service, id, made string) error {
	raw, err := base32.StdEncoding.DecodeString(strings.ToUpper(id))
	if err != nil || len(raw) != 35 { // public key, checksum, version
		return errors.New("tor does not tell the service's address")
	}
	files := []struct {
		name string
		data []byte
	}{
		{"hs_ed25519_public_key", append([]byte(publicHead), raw[:32]...)},
		{"hostname", []byte(id + ".onion\n")},
	}
	if made != "" {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(made, "ED25519-V3:"))
		if err != nil || len(key) != 64 {
			return errors.New("tor does not tell the service's key")
		}
		if err := durable.WriteFile(filepath.Join(service, "hs_ed25519_secret_key"), append([]byte(secretHead), key...), 0o600); err != nil {
			return fmt.Errorf("keep the service's key: %w", err)
		}
	}
	for _, f := range files {
		name := filepath.Join(service, f.name)
		if before, err := os.ReadFile(name); err == nil && bytes.Equal(before, f.data) {
			continue
		}
		if err := durable.ReplaceFile(name, f.data, 0o600); err != nil {
			return fmt.Errorf("keep the service's key: %w", err)
		}
	}
	return nil
}

// authorized are the keys of those whom a service lets in, of which there is
// always one.
func authorized(service string) (keys []string, err error) {
	files, err := filepath.Glob(filepath.Join(service, "authorized_clients", "*.auth"))
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return nil, fmt.Errorf("read a client's key: %w", err)
		}
		key, ok := strings.CutPrefix(strings.TrimSpace(string(b)), "descriptor:x25519:")
		if !ok {
			return nil, errors.New("the list of clients is damaged")
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, errors.New("the list of clients is empty, which would let everybody in")
	}
	return keys, nil
}
