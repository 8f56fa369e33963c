package recipients

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/note"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/check"
)

// Version is a version of the roster as the log has it.
type Version struct {
	Version int64     `json:"version"`
	Record  int64     `json:"record"` // that put it in force
	From    time.Time `json:"from"`
	Until   time.Time `json:"until,omitzero"` // when the next one was; zero if it is in force
	Digest  id.Digest `json:"digest"`         // of the signed note
	Changes []string  `json:"changes"`        // against the version before, in words
}

// Versions returns the rosters of a verified log, oldest first, after checking
// that the root key has signed each: the log names a root key of its own, which
// proves nothing to who has it from elsewhere. The error is a [*check.Finding] if
// it hasn't.
func Versions(ctx context.Context, files check.Files, root note.Verifier, r *check.Result) (all []Version, err error) {
	var before *roster.Roster
	for i, v := range r.Rosters {
		signed, err := files(ctx, "rosters/"+v.Digest.String())
		if err != nil {
			return nil, fmt.Errorf("read roster: %w", err)
		}
		if _, err := roster.Parse(signed, root); err != nil || roster.Digest(signed) != v.Digest {
			return nil, &check.Finding{Seq: v.Seq, Fault: check.FaultRoster, What: fmt.Sprintf("version %d of its roster is not signed by the root key that was given", v.Version)}
		}
		x := Version{Version: v.Version, Record: v.Seq, From: v.Time, Digest: v.Digest, Changes: v.Changes(before)}
		if before = v.Roster; i+1 < len(r.Rosters) {
			x.Until = r.Rosters[i+1].Time
		}
		all = append(all, x)
	}
	return all, nil
}
