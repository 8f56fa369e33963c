package intake

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/submission"
	"suluh.example/suluh/vault/depositsock"
)

// askTime is how long the vault may take for a short answer.
const askTime = 10 * time.Second

// readers is who reports are sealed to: the newest roster that the root key
// has signed. What the vault offers is not trusted: a roster that doesn't
// verify, or is older than one seen, leaves the last good one in use.
type readers struct {
	vault *depositsock.Client
	root  note.Verifier
	log   *slog.Logger

	mu      sync.Mutex
	sender  *submission.Sender // nil before the first roster
	digest  id.Digest          // of its signed form
	refused id.Digest          // the last one that was refused, so that it is logged once
}

// ask returns how the vault is, and a sender for the newest good roster. The
// sender may be there although the vault isn't.
func (d *readers) ask(ctx context.Context) (*submission.Sender, depositsock.State, error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	state, err := d.vault.State(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil {
		return d.sender, state, err
	}
	if state.Roster != d.digest && state.Roster != d.refused && !state.Roster.IsZero() {
		if err := d.refresh(ctx, state.Roster); err != nil {
			return d.sender, state, err
		}
	}
	return d.sender, state, nil
}

// refresh takes over the roster that the vault names. Its error is that of
// the vault; a roster that is refused is none.
func (d *readers) refresh(ctx context.Context, want id.Digest) error {
	signed, err := d.vault.Roster(ctx)
	if err != nil {
		return err
	}
	sender, err := d.check(signed, want)
	if err != nil {
		d.refused = want
		d.log.Error("the vault offers a roster that is refused; reports go to the readers of the last good one", "error", err)
		return nil
	}
	d.sender, d.digest = sender, want
	d.log.Debug("a roster is in use", "version", sender.Roster().Version)
	return nil
}

func (d *readers) check(signed []byte, want id.Digest) (*submission.Sender, error) {
	if roster.Digest(signed) != want {
		return nil, errors.New("roster is another than the one that is said to be in force")
	}
	r, err := roster.Parse(signed, d.root)
	if err != nil {
		return nil, err
	}
	if d.sender != nil && r.Version <= d.sender.Roster().Version {
		return nil, fmt.Errorf("roster has version %d, after version %d", r.Version, d.sender.Roster().Version)
	}
	return submission.NewSender(d.vault, r, want)
}

// Watch looks at the vault now and then, so that the operator's log says when
// it goes and comes: no request is logged, so none can. Circuits that are idle are
// forgotten then, too.
func (s *Server) Watch(ctx context.Context, every time.Duration) {
	down := false
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		_, state, err := s.readers.ask(ctx)
		if ctx.Err() != nil {
			return
		}
		switch closed := err != nil || !state.Open; {
		case closed && !down && err != nil:
			s.config.Log.Error("the vault does not answer; reporters see that the service is closed", "error", err)
		case closed && !down:
			s.config.Log.Error("the vault takes no deposits; reporters see that the service is closed")
		case !closed && down:
			s.config.Log.Info("the vault takes deposits again")
		}
		down = err != nil || !state.Open
		s.limits.Forget()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
