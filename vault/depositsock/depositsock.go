// Package depositsock is the socket between intake and the vault: deposit, and
// look up by code. Whoever can use it can do nothing else: it offers no way to
// list, read, change or delete a case, nor to write the access log.
//
// It is HTTP/1.1 over a Unix socket under the path /deposit/v1/; streams are
// those of vault/frame. The package holds the wire types, the client and the
// handler, and no rules: those are the vault's.
package depositsock

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"

	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/vault/wire"
)

// Errors that cross the socket. Each tells intake which page to show.
var (
	ErrFull     = wire.NewError("full", "the vault can take nothing more for now")
	ErrNoFiles  = wire.NewError("no-files", "the vault takes reports without files only for now")
	ErrTooLarge = wire.NewError("too-large", "the deposit is larger than the vault takes")
	ErrUnknown  = wire.NewError("unknown", "no case has this code")
	ErrRoster   = wire.NewError("roster", "the deposit was sealed by another roster than the one in force")
	ErrUpload   = wire.NewError("upload", "an upload that the deposit names is not there, or not whole")
	ErrBad      = wire.NewError("bad", "the deposit is not as agreed")

	ErrNoKey     = wire.NewError("no-key", "this case came without a reporter's key, so that its answers can't be destroyed by code")
	ErrSignature = wire.NewError("signature", "the order to destroy is not signed with this case's code")
	ErrNoAnswer  = wire.NewError("no-answer", "the case has no such answer")
)

var known = wire.Errors{ErrFull, ErrNoFiles, ErrTooLarge, ErrUnknown, ErrRoster, ErrUpload, ErrBad, ErrNoKey, ErrSignature, ErrNoAnswer}

// Answer is the answer to a request that failed: one of the errors above by
// its code, any other as "internal".
func Answer(err error) (status int, body string) { return known.Answer(err) }

// Refuse answers a request that failed.
func Refuse(w http.ResponseWriter, err error) { known.Write(w, err) }

// Files is the path below which uploads are: a new one is made there, and has
// its id as its name.
const Files = prefix + "files/"

// State is what intake may know of the vault.
type State struct {
	Origin   string    `json:"origin"`
	LogKey   string    `json:"log_key"`
	Roster   id.Digest `json:"roster"` // of the signed roster in force
	Open     bool      `json:"open"`   // takes deposits
	Files    bool      `json:"files"`  // has room for files
	MaxBytes int64     `json:"max_bytes"`
	Day      id.Day    `json:"day"`
}

// RosterProof shows which roster is in force: that it is in the log, and the
// log's word that it still holds. The checks are the client's.
type RosterProof struct {
	Roster     string           `json:"roster"`     // signed note
	Record     string           `json:"record"`     // of the roster, as it is in the log: the leaf
	Index      int64            `json:"index"`      // of the record
	Checkpoint string           `json:"checkpoint"` // signed note
	Proof      tlog.RecordProof `json:"proof"`      // of the record, in the checkpoint's tree
	InForce    string           `json:"in_force"`   // signed note, crypto/accesslog.InForce

	// Cosigned is what witnesses have seen of the checkpoint's log; nil if none has.
	Cosigned *accesslog.Cosigned `json:"cosigned,omitempty"`
}

// StoredObject is an object of a case and the day it came.
type StoredObject struct {
	id.Object
	Day id.Day `json:"day"`

	// Destroyed is set of an answer that the reporter had destroyed: its bytes
	// don't follow.
	Destroyed *Destroyed `json:"destroyed,omitempty"`
}

// Destroyed says when the reporter had an answer destroyed.
type Destroyed struct {
	Day       id.Day `json:"day"`
	Signature []byte `json:"signature"`        // the reporter's, by which the reporter's side knows that nobody else did it
	Status    bool   `json:"status,omitempty"` // the answer told the status that the case still has
}

// DestroyHead asks for an answer to be destroyed.
type DestroyHead struct {
	Lookup    string    `json:"lookup"`    // hex
	Object    id.Digest `json:"object"`    // the answer
	Signature []byte    `json:"signature"` // over accesslog.DestroyText, by the reporter's key
}

// DestroyAnswer is given once nothing of the answer's bytes is left.
type DestroyAnswer struct {
	Day id.Day `json:"day"` // on which it was destroyed: an earlier one if it was before
}

// LookupHead begins a look-up.
type LookupHead struct {
	Lookup string `json:"lookup"` // hex
}

// LookupAnswer heads the answer of a look-up; the bytes of all cards and
// answers follow as objects.
type LookupAnswer struct {
	Case    id.Case        `json:"case"`
	Objects []StoredObject `json:"objects"` // of the reporter, and to the reporter
	InLog   bool           `json:"in_log"`  // all deposits are in the access log

	// Logged is the day on which the report itself entered the access log, the
	// zero day before that.
	Logged id.Day `json:"logged,omitzero"`

	// Receipt is the report's, as it was given when it came: who has the code need
	// not keep it.
	Receipt string `json:"receipt,omitempty"`
}

// DepositHead begins a deposit.
type DepositHead struct {
	Lookup string  `json:"lookup"`         // hex
	Case   id.Case `json:"case,omitempty"` // "" for an addition by code
	// Roster is the digest of the signed roster whose readers the deposit is
	// sealed to. A new case needs it; an addition by code, which is sealed to
	// the case, may leave it out.
	Roster id.Digest `json:"roster,omitzero"`

	// Reporter is the Ed25519 public key that is derived from the code, for a
	// new case: who has the code itself may have answers destroyed. A case that
	// comes without one keeps all its answers.
	Reporter []byte `json:"reporter,omitempty"`
}

// Salt is 16 random bytes, hexadecimal in JSON.
type Salt [16]byte

// MarshalText writes 32 hexadecimal digits.
func (s Salt) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(s[:])), nil }

// UnmarshalText reads what MarshalText writes.
func (s *Salt) UnmarshalText(b []byte) error {
	if len(b) != 2*len(s) {
		return errors.New("salt is malformed")
	}
	if _, err := hex.Decode(s[:], b); err != nil {
		return errors.New("salt is malformed")
	}
	return nil
}

// Wrap is the case key for one reader.
type Wrap struct {
	Member id.Member `json:"member"`
	Salt   Salt      `json:"salt"` // of the reader's leaf in the commitment
	Data   []byte    `json:"data"`
}

// DepositCommit ends a deposit and makes it whole.
type DepositCommit struct {
	FormTag id.Digest   `json:"form_tag"` // same form, same tag; keyed, so it tells the vault nothing else
	Salt    Salt        `json:"salt"`     // of the deposit's digest
	Wraps   []Wrap      `json:"wraps,omitempty"`
	Blinds  []tlog.Hash `json:"blinds,omitempty"`
	Objects []id.Object `json:"objects"` // all: those streamed, and those uploaded before
	Uploads []Uploaded  `json:"uploads,omitempty"`
}

// Uploaded is an object that was uploaded whole before the deposit, which uses
// the upload up.
type Uploaded struct {
	ID     id.Upload `json:"id"`
	Object id.Digest `json:"object"` // a content
}

// Result says what a deposit came to.
type Result string

// The results.
const (
	New   Result = "new"   // a case was opened
	Same  Result = "same"  // nothing was stored: the same was here already
	Added Result = "added" // added to a case
)

// DepositAnswer is given once the deposit is durable.
type DepositAnswer struct {
	Result  Result `json:"result"`
	Receipt string `json:"receipt"` // signed note, crypto/accesslog.Receipt
}

func parseLookup(s string) (id.Lookup, error) {
	l, err := id.ParseLookup(s)
	if err != nil {
		return l, fmt.Errorf("%w: lookup", ErrBad)
	}
	return l, nil
}
