package check

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/internal/witness"
)

// Witnesses is what the witnesses that the newest roster names have seen of a log
// that was verified.
type Witnesses struct {
	All     []WitnessSeen // in the policy's order
	Records int64         // of the newest checkpoint that has the quorum; 0 if none has
	By      int           // witnesses who cosigned that one
	Since   time.Time     // when the first of them did
}

// WitnessSeen is what one witness has cosigned last.
type WitnessSeen struct {
	Name    string
	Records int64     // 0 if nothing is known
	Time    time.Time // by its clock
}

// Witnesses reads what witnesses have cosigned, and holds it against the verified
// log: what a quorum of them saw must be a part of it, or the finding is
// [FaultFork]. It is nil if the roster names none. Extend must have succeeded.
func (l *Log) Witnesses(ctx context.Context) (*Witnesses, error) {
	if l.state.roster == nil || l.state.roster.Witnesses == "" {
		return nil, nil
	}
	p, err := witness.ParsePolicy(l.state.roster.Witnesses)
	if err != nil {
		return nil, fmt.Errorf("the roster's witnesses: %w", err)
	}
	w := &Witnesses{}
	each := map[string]string{}
	b, err := l.files(ctx, accesslog.CosignaturesPath)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("read what witnesses have cosigned: %w", err)
	}
	if err == nil && json.Unmarshal(b, &each) != nil {
		return nil, fmt.Errorf("%s is malformed", accesslog.CosignaturesPath)
	}
	for _, x := range p.Witnesses() {
		seen := WitnessSeen{Name: x.Key.Name()}
		msg, known := each[seen.Name]
		if !known {
			w.All = append(w.All, seen)
			continue
		}
		n, by, err := l.cosigned(ctx, p, []byte(msg))
		if err != nil && !errors.Is(err, witness.ErrQuorum) {
			return nil, err
		}
		for _, c := range by {
			if c.Witness == seen.Name {
				seen.Records, seen.Time = n, c.Time
			}
		}
		w.All = append(w.All, seen)
	}
	msg, err := l.files(ctx, accesslog.CosignedPath)
	if errors.Is(err, os.ErrNotExist) {
		return w, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read what witnesses have cosigned: %w", err)
	}
	n, by, err := l.cosigned(ctx, p, msg)
	if errors.Is(err, witness.ErrQuorum) {
		return w, nil // of a policy before
	}
	if err != nil {
		return nil, err
	}
	w.Records, w.By = n, len(by)
	for i, c := range by {
		if i == 0 || c.Time.Before(w.Since) {
			w.Since = c.Time
		}
	}
	return w, nil
}

// cosigned opens a cosigned checkpoint and checks that it is one of the verified
// log's. The error is [witness.ErrQuorum] if it is, with fewer cosignatures than
// the policy wants.
func (l *Log) cosigned(ctx context.Context, p *witness.Policy, msg []byte) (int64, []witness.Cosignature, error) {
	tree, by, quorum := p.Open(msg, l.key)
	if quorum != nil && !errors.Is(quorum, witness.ErrQuorum) {
		return 0, nil, &Finding{Seq: -1, Fault: FaultCheckpoint, What: "what is published as cosigned is not a checkpoint that the log's key and witnesses have signed"}
	}
	if tree.N > l.state.size() { // it may have grown since
		if _, err := l.Extend(ctx); err != nil {
			return 0, nil, err
		}
	}
	if n := l.state.size(); tree.N > n {
		return 0, nil, &Finding{
			Seq: -1, Fault: FaultShrunk, What: fmt.Sprintf("witnesses have cosigned %d records, and it has %d", tree.N, n),
			Want: fmt.Sprint(tree.N), Got: fmt.Sprint(n),
		}
	}
	root, err := l.state.tree.root(ctx, tree.N)
	if err != nil {
		return 0, nil, err
	}
	if root != tree.Hash {
		return 0, nil, &Finding{
			Seq: -1, Fault: FaultFork, What: fmt.Sprintf("its first %d records are not those that witnesses have cosigned", tree.N),
			Want: tree.Hash.String(), Got: root.String(),
		}
	}
	return tree.N, by, quorum
}

func (w *Witnesses) String() string {
	if w.Records == 0 {
		return fmt.Sprintf("no quorum of its %d witnesses has cosigned it: that others are shown the same log, nobody vouches for", len(w.All))
	}
	return fmt.Sprintf("%d of %d witnesses have cosigned its first %d records, at the latest on %s", w.By, len(w.All), w.Records, w.Since.Format("2006-01-02 15:04 MST"))
}
