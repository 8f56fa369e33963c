package depositsock

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/vault/frame"
	"suluh.example/suluh/vault/wire"
)

// Vault is what the handler needs of the vault.
type Vault interface {
	// DepositState tells how the vault is.
	DepositState() State
	// SignedRoster returns the roster in force.
	SignedRoster() []byte
	// RosterProof proves the roster in force; ErrFull before the first.
	RosterProof(ctx context.Context) (RosterProof, error)
	// Uploads serves uploads below the path Files, as tus 1.0.0.
	Uploads() http.Handler
	// Lookup writes the whole answer stream, or returns an error before the
	// first byte of it; ErrUnknown if no case has the code.
	Lookup(ctx context.Context, l id.Lookup, answer *frame.Writer) error
	// Destroy destroys an answer of the case, if the reporter signed that, and
	// returns once nothing of it is left. It may be repeated.
	Destroy(ctx context.Context, l id.Lookup, object id.Digest, signature []byte) (DestroyAnswer, error)
	// Deposit reads a whole stream and returns once it is durable. After an
	// error nothing of it is kept.
	Deposit(ctx context.Context, l id.Lookup, head DepositHead, stream *frame.Reader) (DepositAnswer, error)
}

// Handler serves the socket.
func Handler(v Vault) http.Handler {
	m := http.NewServeMux()
	m.Handle(Files, v.Uploads())
	m.HandleFunc("GET "+prefix+"state", func(w http.ResponseWriter, _ *http.Request) { wire.JSON(w, v.DepositState()) })
	m.HandleFunc("GET "+prefix+"roster", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(v.SignedRoster()) })
	m.HandleFunc("GET "+prefix+"roster/proof", func(w http.ResponseWriter, r *http.Request) {
		p, err := v.RosterProof(r.Context())
		if err != nil {
			known.Write(w, err)
			return
		}
		wire.JSON(w, p)
	})
	m.HandleFunc("POST "+prefix+"lookup", func(w http.ResponseWriter, r *http.Request) {
		if err := lookup(v, w, r); err != nil {
			known.Write(w, err)
		}
	})
	m.HandleFunc("POST "+prefix+"deposit", func(w http.ResponseWriter, r *http.Request) {
		a, err := deposit(v, r)
		if err != nil {
			known.Write(w, err)
			return
		}
		wire.JSON(w, a)
	})
	m.HandleFunc("POST "+prefix+"destroy", func(w http.ResponseWriter, r *http.Request) {
		a, err := destroy(v, r)
		if err != nil {
			known.Write(w, err)
			return
		}
		wire.JSON(w, a)
	})
	return m
}

func destroy(v Vault, r *http.Request) (DestroyAnswer, error) {
	var head DestroyHead
	if err := json.NewDecoder(io.LimitReader(r.Body, 4096)).Decode(&head); err != nil {
		return DestroyAnswer{}, fmt.Errorf("%w: order to destroy", ErrBad)
	}
	l, err := parseLookup(head.Lookup)
	if err != nil {
		return DestroyAnswer{}, err
	}
	return v.Destroy(r.Context(), l, head.Object, head.Signature)
}

func lookup(v Vault, w http.ResponseWriter, r *http.Request) error {
	var head LookupHead
	if err := json.NewDecoder(io.LimitReader(r.Body, 4096)).Decode(&head); err != nil {
		return fmt.Errorf("%w: look-up", ErrBad)
	}
	l, err := parseLookup(head.Lookup)
	if err != nil {
		return err
	}
	return v.Lookup(r.Context(), l, frame.NewWriter(w))
}

// maxCommit is the most bytes of JSON in a deposit's commit: for each of 64
// readers a wrap of at most 32 KiB in base64, and some for the rest.
const maxCommit = 4 << 20

func deposit(v Vault, r *http.Request) (DepositAnswer, error) {
	stream := frame.NewReader(r.Body, maxCommit)
	var head DepositHead
	if err := stream.Head(&head); err != nil {
		return DepositAnswer{}, fmt.Errorf("%w: %w", ErrBad, err)
	}
	l, err := parseLookup(head.Lookup)
	if err != nil {
		return DepositAnswer{}, err
	}
	if head.Case != "" {
		if _, err := id.ParseCase(string(head.Case)); err != nil {
			return DepositAnswer{}, fmt.Errorf("%w: case", ErrBad)
		}
	}
	return v.Deposit(r.Context(), l, head, stream)
}
