package accesslog

import (
	"fmt"

	"golang.org/x/mod/sumdb/note"

	"suluh.example/suluh/crypto/id"
)

const inForceLine = "suluh.example/inforce/v1"

// InForce is the log's word on which roster holds on a day. Whoever seals a
// report by a roster that is served asks for it: an old roster, with a reader
// who was taken off since, has a signature and a record that are as good as
// ever, but no such word of today.
type InForce struct {
	Log    string // origin
	Day    id.Day
	Roster id.Digest // of the signed roster
}

// Sign returns the word as a note signed by the log's key.
func (f InForce) Sign(log note.Signer) ([]byte, error) {
	msg, err := note.Sign(&note.Note{Text: f.text()}, log)
	if err != nil {
		return nil, fmt.Errorf("sign which roster is in force: %w", err)
	}
	return msg, nil
}

func (f InForce) text() string {
	return fmt.Sprintf("%s\nlog %s\nday %s\nroster %s\n", inForceLine, f.Log, f.Day, f.Roster)
}

// OpenInForce checks the signature by the log's key. Whether the day is near
// enough is the caller's to say.
func OpenInForce(msg []byte, log note.Verifier) (InForce, error) {
	n, err := note.Open(msg, note.VerifierList(log))
	if err != nil {
		return InForce{}, fmt.Errorf("roster in force: %w", err)
	}
	l := &lines{rest: n.Text}
	l.exactly(inForceLine)
	f := InForce{Log: l.value("log")}
	day, err := id.ParseDay(l.value("day"))
	f.Day = parsed(l, day, err)
	d, err := id.ParseDigest(l.value("roster"))
	f.Roster = parsed(l, d, err)
	if err := l.end(); err != nil || f.text() != n.Text {
		return InForce{}, fmt.Errorf("roster in force: %w", ErrFormat)
	}
	return f, nil
}
