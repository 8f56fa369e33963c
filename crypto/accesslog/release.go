package accesslog

import (
	"fmt"

	"suluh.example/suluh/crypto/id"
)

// Release is what a record of the kind release says: from this record on, the
// instance runs a version of the program whose pages bring these two scripts.
// Whoever fetches a page can compare them, so that a script that one visitor is
// served and others aren't shows.
type Release struct {
	Version string    // of the program, as it names itself
	App     id.Digest // of the pages' script
	Worker  id.Digest // of the script in which reports are sealed
}

// maxVersion is the most bytes of a version's name.
const maxVersion = 100

// Settings is how a record holds it.
func (r Release) Settings() []Setting {
	return []Setting{{"version", r.Version}, {"app", r.App.String()}, {"worker", r.Worker.String()}}
}

// ParseRelease reads it from a record of the kind.
func ParseRelease(r Record) (Release, error) {
	if r.Kind != KindRelease || len(r.Settings) != 3 || r.Settings[0].Key != "version" || r.Settings[1].Key != "app" || r.Settings[2].Key != "worker" {
		return Release{}, fmt.Errorf("release: %w", ErrFormat)
	}
	app, err := id.ParseDigest(r.Settings[1].Value)
	worker, err2 := id.ParseDigest(r.Settings[2].Value)
	x := Release{Version: r.Settings[0].Value, App: app, Worker: worker}
	if err != nil || err2 != nil || len(x.Version) > maxVersion {
		return Release{}, fmt.Errorf("release: %w", ErrFormat)
	}
	return x, nil
}
