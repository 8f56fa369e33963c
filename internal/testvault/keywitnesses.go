package testvault

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/keyfile"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/keywitness"
	"suluh.example/suluh/internal/serve"
)

// KeyWitness is one that runs, on loopback.
type KeyWitness struct {
	Member  id.Member
	Address string // URL
	Dir     string // what it keeps

	w    *World
	stop func()
}

// KeyWitnesses starts so many key witnesses of a unit of their own, and has the
// roster name them for a unit, of whose cases so many have to give their shares.
func (w *World) KeyWitnesses(unit id.Unit, need, of int) (all []*KeyWitness) {
	w.T.Helper()
	w.Change(func(r *roster.Roster) {
		if _, ok := r.Unit("saksi"); !ok {
			r.Units = append(r.Units, roster.Unit{ID: "saksi", Name: map[string]string{"id": "Kantor Saksi Kunci", "en": "Office of Key Witnesses"}})
		}
		k := &roster.KeyWitnesses{Need: need}
		for n := range of {
			x := &KeyWitness{Member: id.Member(fmt.Sprintf("saksi-kunci-%s-%d", unit, n+1)), Dir: filepath.Join(w.T.TempDir(), "saksi"), w: w}
			i, err := keyfile.New(x.Member)
			w.must(err)
			w.Who[x.Member] = i
			x.Start()
			r.Members = append(r.Members, roster.Member{
				ID: x.Member, Name: fmt.Sprintf("Saksi Kunci %d", n+1), Unit: "saksi", Roles: []roster.Role{roster.KeyWitness},
				Recipient: i.Recipient(), Key: i.VerifierKey(), Address: x.Address, Since: w.Day,
			})
			k.Of = append(k.Of, x.Member)
			all = append(all, x)
		}
		for i := range r.Units {
			if r.Units[i].ID == unit {
				r.Units[i].KeyWitnesses = k
			}
		}
	})
	w.T.Cleanup(func() {
		for _, x := range all {
			x.Stop()
		}
	})
	return all
}

// Start starts it, where it was reached before if it was.
func (x *KeyWitness) Start() {
	x.w.T.Helper()
	s, err := keywitness.NewServer(keywitness.Config{
		Dir: x.Dir, Root: x.w.RootKey, Member: x.Member, Identity: x.w.Who[x.Member].Age(), Log: slog.New(slog.DiscardHandler),
	})
	x.w.must(err)
	x.Serve(s)
	stop := x.stop
	x.stop = func() {
		stop()
		x.w.must(s.Close())
	}
}

// Serve serves something else in its place.
func (x *KeyWitness) Serve(h http.Handler) {
	x.w.T.Helper()
	addr := "127.0.0.1:0"
	if x.Address != "" {
		addr = x.Address[len("http://"):]
	}
	l, err := net.Listen("tcp", addr)
	x.w.must(err)
	x.Address = "http://" + l.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- serve.Run(ctx, serve.Config{Listener: l, Handler: h}) }()
	x.stop = func() {
		cancel()
		x.w.must(<-done)
	}
}

// Stop stops it; what it keeps stays.
func (x *KeyWitness) Stop() {
	if x.stop != nil {
		x.stop()
		x.stop = nil
	}
}
