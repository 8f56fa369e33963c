package submission

import (
	"context"
	"crypto/ed25519"
	"errors"
	"slices"

	"filippo.io/age"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/casecode"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/seal"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/vault/depositsock"
)

// ErrTampered says that what the vault holds isn't what was deposited: nothing
// more may be sent to this case.
var ErrTampered = errors.New("the vault does not hold what was deposited")

// Warning says what is wrong with a case as seen by the reporter's side.
type Warning string

// The warnings.
const (
	BadCard     Warning = "card"      // a card was not made with this code
	SwappedKey  Warning = "key"       // cards name different case keys
	MissingPart Warning = "missing"   // an object that was deposited is gone, or was exchanged
	BadAnswer   Warning = "signature" // an answer is not signed by a member
	NotByYou    Warning = "destroyed" // an answer is said to be destroyed by the reporter, who didn't order it
)

// View is a case as the reporter sees it with the code.
type View struct {
	Case     id.Case
	Unit     id.Unit
	Since    id.Day        // of the first deposit
	Status   report.Status // "" if the answer that told it was destroyed
	Due      id.Day
	Messages []Message // newest first
	History  []Step    // oldest first
	InLog    bool
	Logged   id.Day // on which the report entered the log; unset before, or if the vault doesn't know it any more
	Receipt  []byte // of the report, as it was given when it came
	Warnings []Warning

	code      casecode.Code
	recipient string
}

// Message is a message of either side. What reporters wrote themselves is not
// shown again: whoever finds the code must not learn what was reported.
type Message struct {
	Day   id.Day
	By    id.Member // "" for the reporter, and if it was destroyed
	Text  string    // of a member
	Files int       // of the reporter

	Answer    id.Digest     // the object of a member's message, to destroy it by
	Tells     report.Status // that the message came with; "" for none
	Destroyed id.Day        // when the reporter had the message destroyed
}

// Step is a status and the day it came.
type Step struct {
	Status report.Status
	Day    id.Day
}

// Look opens what the vault has for the reporter and checks it against the
// cards. The error is [depositsock.ErrUnknown] if no case has the code.
func (s *Sender) Look(ctx context.Context, code casecode.Code) (*View, error) {
	found, err := s.vault.Lookup(ctx, code.Lookup())
	if err != nil {
		return nil, err
	}
	reporter, err := code.Identity()
	if err != nil {
		return nil, err
	}
	v := &View{Case: found.Case, InLog: found.InLog, Logged: found.Logged, Receipt: []byte(found.Receipt), Status: report.Received, code: code}
	warn := func(w Warning) {
		if !slices.Contains(v.Warnings, w) {
			v.Warnings = append(v.Warnings, w)
		}
	}
	var held []id.Object
	for _, o := range found.Objects {
		held = append(held, o.Object)
	}
	type answer struct {
		report.Answer
		by     id.Member
		object id.Digest
	}
	var answers []answer
	statusGone := false
	cards := 0
	for _, o := range found.Objects {
		switch o.Role {
		case id.RoleCard:
			card, err := seal.OpenCard(found.Bytes[o.Digest], reporter, code.MACKey())
			if err != nil || card.Case != v.Case {
				warn(BadCard)
				continue
			}
			cards++
			for _, want := range card.Objects {
				if !slices.Contains(held, want) {
					warn(MissingPart)
				}
			}
			if v.recipient != "" && (v.recipient != card.Recipient || v.Unit != card.Unit) {
				warn(SwappedKey)
			}
			v.recipient, v.Unit = card.Recipient, card.Unit
			if v.Since.IsZero() || card.Day.Before(v.Since) {
				v.Since = card.Day
			}
			if card.Letter {
				v.Messages = append(v.Messages, Message{Day: card.Day, Files: card.Files})
			}
		case id.RoleAnswer:
			if d := o.Destroyed; d != nil {
				// Only whoever has the code can have signed that. Without this, the
				// vault could drop an answer and say that the reporter did.
				if !ed25519.Verify(code.SigningKey().Public().(ed25519.PublicKey), accesslog.DestroyText(s.roster.Origin, v.Case, o.Digest), d.Signature) {
					warn(NotByYou)
					continue
				}
				v.Messages = append(v.Messages, Message{Day: o.Day, Answer: o.Digest, Destroyed: d.Day})
				statusGone = statusGone || d.Status
				continue
			}
			a, m, err := s.openAnswer(found.Bytes[o.Digest], v.Case, reporter)
			if err != nil {
				warn(BadAnswer)
				continue
			}
			answers = append(answers, answer{a, m, o.Digest})
		}
	}
	if cards == 0 {
		warn(BadCard)
	}
	v.History = []Step{{report.Received, v.Since}}
	slices.SortFunc(answers, func(a, b answer) int { return a.Time.Compare(b.Time) })
	for _, a := range answers {
		if a.Status != "" {
			v.Status, v.Due = a.Status, a.Due
			v.History = append(v.History, Step{a.Status, a.Day})
		}
		if a.Text != "" {
			v.Messages = append(v.Messages, Message{Day: a.Day, By: a.by, Text: a.Text, Answer: a.object, Tells: a.Status})
		}
	}
	if statusGone {
		v.Status, v.Due = "", id.Day{}
	}
	slices.Reverse(v.Messages)
	slices.SortStableFunc(v.Messages, func(a, b Message) int { return b.Day.Sub(a.Day) })
	return v, nil
}

// Destroy has an answer destroyed: when it returns, the vault has nothing left
// that the code could open. It may be repeated. The day is the one on which it
// was destroyed.
func (s *Sender) Destroy(ctx context.Context, v *View, answer id.Digest) (id.Day, error) {
	if len(v.Warnings) > 0 {
		return id.Day{}, ErrTampered
	}
	a, err := s.vault.Destroy(ctx, depositsock.DestroyHead{
		Lookup: v.code.Lookup().Hex(), Object: answer,
		Signature: ed25519.Sign(v.code.SigningKey(), accesslog.DestroyText(s.roster.Origin, v.Case, answer)),
	})
	return a.Day, err
}

func (s *Sender) openAnswer(sealed []byte, of id.Case, reporter age.Identity) (report.Answer, id.Member, error) {
	text, err := seal.OpenDocument(sealed, reporter)
	if err != nil {
		return report.Answer{}, "", err
	}
	return report.Open[report.Answer](text, of, s.roster.Verifiers())
}
