package depositsock_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/vault/depositsock"
	"suluh.example/suluh/vault/frame"
	"suluh.example/suluh/vault/wire"
)

// streaming begins a deposit of an object at a vault that answers like this.
func streaming(t *testing.T, ctx context.Context, vault http.HandlerFunc) (*depositsock.Deposit, io.WriteCloser) {
	t.Helper()
	s := httptest.NewServer(vault)
	t.Cleanup(s.Close)
	c, err := depositsock.NewClientAt(s.URL, http.DefaultTransport)
	if err != nil {
		t.Fatal(err)
	}
	d, err := c.Deposit(ctx, depositsock.DepositHead{Lookup: "l"})
	if err != nil {
		t.Fatal(err)
	}
	w, err := d.Object(id.RoleContent)
	if err != nil {
		t.Fatal(err)
	}
	return d, w
}

// writes until that fails, which must be soon.
func writes(t *testing.T, w io.Writer) error {
	t.Helper()
	failed := make(chan error, 1)
	go func() {
		for {
			if _, err := w.Write(make([]byte, frame.MaxData)); err != nil {
				failed <- err
				return
			}
		}
	}()
	select {
	case err := <-failed:
		return err
	case <-time.After(20 * time.Second):
		t.Fatal("nobody reads any more, and that isn't told")
		return nil
	}
}

// TestAVaultThatRefusesMidway: whoever streams learns the vault's own answer, though
// he waits for it to read on.
func TestAVaultThatRefusesMidway(t *testing.T) {
	d, w := streaming(t, t.Context(), func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.CopyN(io.Discard, r.Body, 3<<20)
		depositsock.Refuse(w, depositsock.ErrFull)
	})
	defer d.Abort()
	if err := writes(t, w); !errors.Is(err, depositsock.ErrFull) {
		t.Errorf("got %v", err)
	}
}

// TestAVaultThatDies midway doesn't keep whoever streams.
func TestAVaultThatDies(t *testing.T) {
	d, w := streaming(t, t.Context(), func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.CopyN(io.Discard, r.Body, 3<<20)
		panic(http.ErrAbortHandler)
	})
	defer d.Abort()
	if err := writes(t, w); !errors.Is(err, wire.ErrUnreachable) {
		t.Errorf("got %v", err)
	}
}

// TestADepositIsGivenUp while the vault doesn't read: whoever streams goes on at once.
func TestADepositIsGivenUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	end := make(chan struct{})
	defer close(end) // before the server is closed, which waits for that
	d, w := streaming(t, ctx, func(http.ResponseWriter, *http.Request) { <-end })
	time.AfterFunc(200*time.Millisecond, cancel)
	if err := writes(t, w); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	d.Abort()
}

// TestAnAbortedDeposit is never whole for the vault.
func TestAnAbortedDeposit(t *testing.T) {
	got := make(chan error, 1)
	d, w := streaming(t, t.Context(), func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		got <- err
	})
	if _, err := w.Write(make([]byte, 3<<20)); err != nil {
		t.Fatal(err)
	}
	d.Abort()
	if err := <-got; err == nil {
		t.Error("the body ended as if it were whole")
	}
	if _, err := w.Write(make([]byte, 3<<20)); err == nil {
		t.Error("it can be written on")
	}
}
