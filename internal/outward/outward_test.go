//go:build linux

package outward_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/keyfile"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/outward"
	"suluh.example/suluh/internal/testkey"
)

// TestMain lets the test's own binary be the process that connects.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == outward.Command {
		root, err := note.NewVerifier(os.Args[2])
		if err == nil {
			err = outward.Serve(context.Background(), root, "", func([]string) error { return nil })
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestItConnectsToThoseAloneWhomTheRosterNames, by rosters that the root key has
// signed, of which none is older than the one before.
func TestItConnectsToThoseAloneWhomTheRosterNames(t *testing.T) {
	root, _, rootKey := testkey.New(t, "suluh.example/uji/root")
	_, _, logKey := testkey.New(t, "suluh.example/uji")
	hello := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "halo") })
	named, other := httptest.NewServer(hello), httptest.NewServer(hello)
	defer named.Close()
	defer other.Close()
	day := id.DayOf(time.Now(), time.UTC)
	i, err := keyfile.New("saksi-kunci")
	if err != nil {
		t.Fatal(err)
	}
	r := &roster.Roster{
		Version: 1, Day: day, Origin: "suluh.example/uji", LogKey: logKey, Units: []roster.Unit{{ID: "saksi", Name: map[string]string{"id": strings.Repeat("Kantor ", 20_000)}}},
		Members: []roster.Member{{ID: "saksi-kunci", Name: "Saksi Kunci", Unit: "saksi", Roles: []roster.Role{roster.KeyWitness}, Recipient: i.Recipient(), Key: i.VerifierKey(), Since: day, Address: named.URL}},
	}
	signed, err := r.Sign(root)
	if err != nil {
		t.Fatal(err)
	}
	w, err := outward.Start(t.Context(), rootKey, "")
	if err != nil {
		t.Fatal(err)
	}
	get := func(url string) error {
		t.Helper()
		res, err := (&http.Client{Transport: w}).Get(url)
		if err != nil {
			return err
		}
		return res.Body.Close()
	}
	if err := get(named.URL); !errors.Is(err, syscall.EACCES) {
		t.Errorf("before there is a roster: %v", err)
	}
	forged, _, _ := testkey.New(t, "suluh.example/uji/root")
	if bad, err := r.Sign(forged); err != nil || !errors.Is(w.Allow(bad), outward.ErrRoster) {
		t.Errorf("a roster by another key is taken: %v", err)
	}
	if err := w.Allow(signed); err != nil { // of several packets
		t.Fatal(err)
	}
	if err := get(named.URL); err != nil {
		t.Errorf("whom the roster names: %v", err)
	}
	if err := get(other.URL); !errors.Is(err, syscall.EACCES) {
		t.Errorf("whom the roster doesn't name: %v", err)
	}
	next := *r
	next.Version, next.Previous = 2, roster.Digest(signed)
	later, err := next.Sign(root)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Allow(later); err != nil {
		t.Fatal(err)
	}
	if err := w.Allow(signed); !errors.Is(err, outward.ErrRoster) {
		t.Errorf("an earlier roster: %v", err)
	}
	// Another port takes another process: this one is confined to those of before.
	next.Version, next.Previous, next.Members = 3, roster.Digest(later), append([]roster.Member(nil), r.Members...)
	next.Members[0].Address = other.URL
	last, err := next.Sign(root)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Allow(last); !errors.Is(err, outward.ErrRoster) {
		t.Errorf("another port: %v", err)
	}
	named.Close()
	var refused *net.OpError
	w2 := get(named.URL)
	if !errors.As(w2, &refused) || !errors.Is(w2, syscall.ECONNREFUSED) {
		t.Errorf("nobody listens: %v", w2)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if err := get(named.URL); err == nil {
		t.Error("it connects after its end")
	}
}
