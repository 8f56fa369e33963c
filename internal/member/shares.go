package member

import (
	"context"
	"errors"
	"slices"
	"strings"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/seal"
	"suluh.example/suluh/internal/keywitness"
	"suluh.example/suluh/internal/witness"
)

// gave is what came of asking one key witness.
type gave struct {
	from  int // index among the shares
	share *seal.Share
	err   error
}

// gather asks all key witnesses at once, by the proof of an answer, which was checked
// and whose checkpoint the log's witnesses cosign first if the roster asks for that. It
// returns the whole key as soon as enough of them have given their shares.
func (u *unsealing) gather(ctx context.Context, e *evidence, fail *KeyWitnessError) (*seal.CaseKey, error) {
	e.hashes = witness.Hashes(ctx, u.s.c.Vault, e.tree)
	e, err := u.cosigned(ctx, e)
	if err != nil {
		if !errors.Is(err, ErrWitnesses) {
			return nil, err
		}
		for i := range u.shares {
			fail.add(u, i, err)
		}
		return nil, fail
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	came := make(chan gave, len(u.shares))
	for i := range u.shares {
		go func() {
			share, err := u.ask(ctx, i, e)
			came <- gave{i, share, err}
		}()
	}
	var good []gave
	for range u.shares {
		g := <-came
		if g.err != nil {
			if s := u.s.Err(); s != nil {
				return nil, s
			}
			fail.add(u, g.from, g.err)
			continue
		}
		good = append(good, g)
		if key := u.join(good, fail.Need); key != nil {
			return key, nil
		}
	}
	fail.Gave = len(good)
	if len(good) >= fail.Need { // at least one of them gave what is not of the case
		fail.Gave = 0
		for _, g := range good {
			fail.add(u, g.from, seal.ErrShare)
		}
	}
	return nil, fail
}

func (e *KeyWitnessError) add(u *unsealing, share int, err error) {
	w := u.shares[share].Witness
	m, _ := u.roster.Member(w)
	e.Failed = append(e.Failed, KeyWitnessFailure{w, m.Name, err})
	slices.SortFunc(e.Failed, func(a, b KeyWitnessFailure) int { return strings.Compare(string(a.Witness), string(b.Witness)) })
}

// join tries the newest share with each choice of the others: one that isn't of
// the case must not keep the rest from opening it.
func (u *unsealing) join(good []gave, need int) *seal.CaseKey {
	newest, others := good[len(good)-1], good[:len(good)-1]
	var try func(from int, chosen []*seal.Share) *seal.CaseKey
	try = func(from int, chosen []*seal.Share) *seal.CaseKey {
		if len(chosen) == need {
			key := *u.key
			if key.Join(u.of, chosen...) != nil {
				return nil
			}
			return &key
		}
		for i := from; i < len(others); i++ {
			if key := try(i+1, append(slices.Clone(chosen), others[i].share)); key != nil {
				return key
			}
		}
		return nil
	}
	return try(0, []*seal.Share{newest.share})
}

// tries is how often a key witness is asked anew because it has seen more
// meanwhile, or has another roster.
const tries = 5

// ask gets one key witness's share.
func (u *unsealing) ask(ctx context.Context, share int, e *evidence) (*seal.Share, error) {
	x := u.shares[share]
	c, err := u.s.client(u.roster, x.Witness)
	if err != nil {
		return nil, err
	}
	state := keywitness.State{Roster: u.digest}
	if known := u.s.known(ctx, x.Witness); known != nil {
		state = *known
	}
	q := keywitness.Request{Share: x.Sealed, Roster: u.digest}
	told := false // it said itself what it has seen
	for try := 0; ; try++ {
		if state.Size > e.tree.N {
			n, err := u.newest(ctx, e)
			if err == nil && n != e {
				e, err = u.cosigned(ctx, n)
			}
			if err != nil {
				return nil, err
			}
		}
		// What it has seen by now is most often among what the vault proved. If it isn't, it
		// says so.
		q.From, q.Proof, q.Grown = 0, e.Proof, e.known
		q.Proof.Consistency = nil
		if (told || len(e.known) == 0) && state.Size > 0 && state.Size < e.tree.N {
			q.From = state.Size
			if q.Proof.Consistency, err = e.grown(state.Size); err != nil {
				return nil, err
			}
		}
		if state.Roster != u.digest {
			q.Signed = u.signed
		}
		sealed, err := c.Release(ctx, q)
		var size *keywitness.SizeError
		switch {
		case err == nil:
			u.s.saw(x.Witness, keywitness.State{Size: e.tree.N, Roster: u.digest})
			opened, err := seal.OpenShare(sealed, u.s.keys...)
			if err != nil || opened.Handle != id.HandleOf(u.of) {
				return nil, seal.ErrShare
			}
			return opened, nil
		case try == tries:
			return nil, err
		case errors.As(err, &size):
			if size.Size > e.tree.N && try == tries-1 {
				return nil, keywitness.ErrFork // it has seen more than there is
			}
			state.Size, told = size.Size, true
		case errors.Is(err, keywitness.ErrRoster) && q.Signed == nil:
			state.Roster = id.Digest{}
		case try == 0 && errors.Is(err, keywitness.ErrUnreachable) && !errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil:
			// The connection may have been one of before a restart.
		default:
			return nil, err
		}
	}
}
