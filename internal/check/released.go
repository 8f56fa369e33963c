package check

import (
	"context"
	"fmt"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/released"
)

// Released compares what a key witness has noted with the log: each share that it
// gave is for the record of an unseal, by that member, of a case with that handle;
// and the log continues the last checkpoint that it saw. It returns in words what
// doesn't match. The log must have been verified with its entries.
func (l *Log) Released(ctx context.Context, r *Result, shares []released.Share) (wrong []string, err error) {
	for _, s := range shares {
		if s.Index >= r.Entries.Len() {
			wrong = append(wrong, fmt.Sprintf("a share was given to %s for record %d, which the log doesn't have", s.Member, s.Index))
			continue
		}
		switch e := r.Entries.At(s.Index); {
		case e.Action != string(accesslog.Unseal):
			wrong = append(wrong, fmt.Sprintf("a share was given to %s for record %d, which is one of %s and asks for none", s.Member, s.Index, e.Action))
		case e.Member != s.Member:
			wrong = append(wrong, fmt.Sprintf("a share was given to %s for record %d, by which %s asked", s.Member, s.Index, e.Member))
		case id.HandleOf(e.Case) != s.Handle:
			wrong = append(wrong, fmt.Sprintf("a share of another case was given to %s for record %d, by which that of %s was asked for", s.Member, s.Index, e.Case))
		}
	}
	if len(shares) == 0 {
		return wrong, nil
	}
	tree, err := accesslog.OpenCheckpoint([]byte(shares[len(shares)-1].Checkpoint), l.key)
	if err != nil {
		return append(wrong, "the last checkpoint that it noted is not signed by this log's key"), nil
	}
	return wrong, l.Continues(ctx, tree)
}
