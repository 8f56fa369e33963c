// Package submission turns what a reporter typed and attached into a deposit:
// it makes the case's keys, seals everything as it streams past, and hands it
// to the vault; and with a case code it opens what the vault has for the
// reporter.
//
// It is the one place where plaintext of a reporter becomes ciphertext outside
// a browser. It must never write to a disk, log, or keep anything once a
// submission is committed or aborted: a case key lives for one submission.
package submission

import (
	"context"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"

	"filippo.io/age"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/casecode"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/crypto/seal"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/vault/depositsock"
)

// ErrNoReaders says that nobody is left who could read the report.
var ErrNoReaders = errors.New("no reader is left for this report")

// ErrRecipient says that the roster has a key that nothing can be sealed to: of a
// reader, a recovery sheet or a key witness.
var ErrRecipient = errors.New("roster has a recipient that is none")

// Sender seals for the readers of one roster. It is safe for concurrent use.
type Sender struct {
	vault      *depositsock.Client
	roster     *roster.Roster
	digest     id.Digest                   // of the signed roster
	recipients map[id.Member]age.Recipient // of all current readers, recovery sheets and key witnesses
}

// NewSender reads the recipients of a roster whose signature the caller has
// checked; signed is the digest of its signed form, which deposits name so that
// the vault refuses those for another roster than the one in force. The error is
// [ErrRecipient] with the member's id.
func NewSender(vault *depositsock.Client, r *roster.Roster, signed id.Digest) (*Sender, error) {
	s := &Sender{vault: vault, roster: r, digest: signed, recipients: map[id.Member]age.Recipient{}}
	add := func(m id.Member, recipient string) error {
		to, err := seal.ParseRecipient(recipient)
		if err != nil {
			return fmt.Errorf("%w: %s: %w", ErrRecipient, m, err)
		}
		s.recipients[m] = to
		return nil
	}
	for _, u := range r.Units {
		if u.Recovery != "" {
			if err := add(id.RecoveryOf(u.ID), u.Recovery); err != nil {
				return nil, err
			}
		}
		_, witnesses := r.KeyWitnessesOf(u.ID)
		for _, m := range append(r.Readers(u.ID, nil), witnesses...) {
			if err := add(m.ID, m.Recipient); err != nil {
				return nil, err
			}
		}
	}
	return s, nil
}

// Roster returns the roster that the sender seals for.
func (s *Sender) Roster() *roster.Roster { return s.roster }

// Form is what the form's fields say. Attachments follow as they stream.
type Form struct {
	Seed     Seed
	To       Readers
	Report   report.Report
	Language string // "id" or "en"
}

// Submission is one deposit under way: any number of attachments, then Commit
// or Abort. It is not safe for concurrent use.
type Submission struct {
	vault    *depositsock.Client
	begin    func() (*depositsock.Deposit, error)
	deposit  *depositsock.Deposit // nil until something is streamed
	uploads  []*depositsock.Upload
	commit   depositsock.DepositCommit
	code     casecode.Code
	to       age.Recipient // the case
	reporter age.Recipient
	letter   report.Letter
	card     seal.Card
	summary  bool          // the form makes one, a reply doesn't
	readers  []reader      // whom the case key is wrapped to; none for a reply
	key      *seal.CaseKey // nil for a reply
	tag      hash.Hash     // over everything sent, keyed
	tagKey   []byte
	marks    []id.Digest // of the attachments
	sealed   []document  // what is sent with the commit
	waiting  func()      // of the last upload's watch
	done     bool        // the deposit is durable
}

// document is an object held in memory.
type document struct {
	id.Object
	sealed []byte
}

type reader struct {
	member id.Member
	to     age.Recipient
}

// Result is what became of a submission.
type Result struct {
	Outcome depositsock.Result
	Receipt []byte // signed note of the vault: a promise to log the deposit within a day
}

// Begin starts the deposit of a form. The day is the vault's.
func (s *Sender) Begin(ctx context.Context, day id.Day, f Form) (*Submission, error) {
	unit, ok := s.roster.Unit(f.To.Unit)
	if !ok {
		return nil, fmt.Errorf("unit is not in the roster")
	}
	members := s.roster.Readers(unit.ID, f.To.Without)
	if len(members) == 0 {
		return nil, ErrNoReaders
	}
	k, err := keysOf(f.Seed, f.To)
	if err != nil {
		return nil, err
	}
	key, err := s.caseKey(k, unit.ID)
	if err != nil {
		return nil, err
	}
	reporter, err := k.code.Identity()
	if err != nil {
		return nil, err
	}
	to, answers := key.Recipient(), reporter.Recipient() // each asked for once: they are copies of 10 KB
	sub := &Submission{
		code: k.code, key: key, to: to, reporter: answers, summary: true,
		tag: hmac.New(sha256.New, k.tag), tagKey: k.tag,
		letter: report.Letter{
			V: 1, Case: k.caseID, Day: day, Language: f.Language, Unit: unit.ID, Without: f.To.Without,
			Reporter: answers.String(), Report: &f.Report,
		},
		card: seal.Card{Case: k.caseID, Unit: unit.ID, Recipient: to.String(), Day: day},
	}
	for _, m := range members {
		sub.readers = append(sub.readers, reader{m.ID, s.recipients[m.ID]})
	}
	if r := id.RecoveryOf(unit.ID); s.recipients[r] != nil {
		sub.readers = append(sub.readers, reader{r, s.recipients[r]})
	}
	sub.tagField("unit", string(unit.ID))
	sub.open(ctx, s.vault, depositsock.DepositHead{Case: k.caseID, Roster: s.digest})
	return sub, nil
}

// BeginReply starts a message from a reporter whose case was opened with
// [Sender.Look]. The once value makes a message that is sent again by a
// reload the same message.
func (s *Sender) BeginReply(ctx context.Context, day id.Day, v *View, once Seed, text, language string) (*Submission, error) {
	if len(v.Warnings) > 0 {
		return nil, ErrTampered
	}
	reporter, err := v.code.Identity()
	if err != nil {
		return nil, err
	}
	to, err := seal.ParseHybrid(v.recipient)
	if err != nil {
		return nil, err
	}
	mac, seed := v.code.MACKey().Reveal(), once.Reveal()
	sub := &Submission{
		code: v.code, to: to, reporter: reporter.Recipient(),
		tag: hmac.New(sha256.New, mac[:]), tagKey: mac[:],
		letter: report.Letter{
			V: 1, Case: v.Case, Day: day, Language: language, Unit: v.Unit,
			Reporter: reporter.Recipient().String(), Text: text,
		},
		card: seal.Card{Case: v.Case, Unit: v.Unit, Recipient: v.recipient, Day: day, Letter: true},
	}
	sub.tagField("reply", string(seed[:]))
	sub.open(ctx, s.vault, depositsock.DepositHead{}) // sealed to the case, whoever reads it by now
	return sub, nil
}

func (s *Submission) open(ctx context.Context, vault *depositsock.Client, head depositsock.DepositHead) {
	head.Lookup = s.code.Lookup().Hex()
	if head.Case != "" {
		head.Reporter = s.code.SigningKey().Public().(ed25519.PublicKey)
	}
	s.vault = vault
	s.begin = func() (*depositsock.Deposit, error) { return vault.Deposit(ctx, head) }
}

// stream returns the deposit, which begins when something is to be streamed: a
// connection that waits for uploads would be cut.
func (s *Submission) stream() (_ *depositsock.Deposit, err error) {
	if s.deposit == nil {
		s.deposit, err = s.begin()
	}
	return s.deposit, err
}

// Attach seals an attachment as it streams in. It returns the bytes read. An
// attachment of no bytes is an attachment all the same: refusing one is the
// caller's to decide.
func (s *Submission) Attach(name, mediaType string, r io.Reader) (int64, error) {
	d, err := s.stream()
	if err != nil {
		return 0, err
	}
	w, err := d.Object(id.RoleContent)
	if err != nil {
		return 0, err
	}
	n, _, err := s.attach(name, mediaType, r, w)
	return n, err
}

// ErrChanged says that a file has another size than it had.
var ErrChanged = errors.New("a file has changed while it was read")

// AttachFile seals an attachment of so many bytes and uploads it, so that a
// connection that breaks is taken up where it broke. If nobody can be reached
// for long, the error is [wire.ErrUnreachable]; [depositsock.ErrUpload] says that
// what came is lost and it has to be sent anew, from a new submission.
func (s *Submission) AttachFile(ctx context.Context, name, mediaType string, size int64, r io.Reader, w depositsock.Watch) error {
	length, err := seal.ContentSize(size, s.to)
	if err != nil {
		return err
	}
	u, err := s.vault.Upload(ctx, length, w)
	if err != nil {
		return err
	}
	s.uploads = append(s.uploads, u)
	n, digest, err := s.attach(name, mediaType, io.LimitReader(r, size+1), u)
	if n > size || err == nil && n < size || errors.Is(err, depositsock.ErrLength) {
		return ErrChanged
	}
	if err != nil {
		return err
	}
	s.commit.Uploads = append(s.commit.Uploads, depositsock.Uploaded{ID: u.ID(), Object: digest})
	s.waiting = w.Waiting
	return nil
}

// attach seals what is read to w.
func (s *Submission) attach(name, mediaType string, r io.Reader, w io.WriteCloser) (int64, id.Digest, error) {
	sealer, err := seal.NewContentWriter(w, s.to)
	if err != nil {
		return 0, id.Digest{}, err
	}
	m, err := newMark(s.tagKey)
	if err != nil {
		return 0, id.Digest{}, err
	}
	n, err := readAhead(r, m.add, func(chunk []byte) error {
		_, err := sealer.Write(chunk)
		return err
	})
	if err != nil {
		return n, id.Digest{}, err
	}
	sum, err := sealer.Close()
	if err != nil {
		return n, id.Digest{}, err
	}
	if err := w.Close(); err != nil {
		return n, id.Digest{}, err
	}
	s.commit.Objects = append(s.commit.Objects, sum.Object)
	s.letter.Attachments = append(s.letter.Attachments, report.Attachment{
		Name: name, Type: mediaType, Size: sum.Size, Object: sum.Object.Digest,
	})
	s.marks = append(s.marks, m.sum())
	return n, sum.Object.Digest, nil
}

// SetHidden notes what became of the hidden data of the attachment that was
// attached last, which is known once all of it has passed.
func (s *Submission) SetHidden(h report.Hidden) {
	s.letter.Attachments[len(s.letter.Attachments)-1].Hidden = h
}

// Commit seals what was typed, which comes last since it says the digests of
// what was attached, and returns once the vault has made the deposit durable.
func (s *Submission) Commit(ctx context.Context) (Result, error) {
	letter, err := report.Encode(s.letter)
	if err != nil {
		return Result{}, err
	}
	if err := s.tagLetter(); err != nil {
		return Result{}, err
	}
	if err := s.document(id.RoleLetter, letter, seal.DocumentFloor, s.to); err != nil {
		return Result{}, err
	}
	if s.summary {
		title, list := s.letter.Report.Title(), s.to
		if need, _ := s.key.Shares(); need > 0 {
			title = "" // the reporter's words open with the key witnesses' shares only
			list = s.key.ListRecipient()
		}
		summary, err := report.Encode(report.Summary{
			V: 1, Case: s.letter.Case, Day: s.letter.Day, Language: s.letter.Language, Unit: s.letter.Unit,
			Without: s.letter.Without, Reporter: s.letter.Reporter,
			Category: s.letter.Report.Category, Title: title, Files: len(s.letter.Attachments),
		})
		if err != nil {
			return Result{}, err
		}
		if err := s.document(id.RoleSummary, summary, seal.SummaryFloor, list); err != nil {
			return Result{}, err
		}
	}
	s.commit.FormTag = id.SumOf(s.tag)
	rand.Read(s.commit.Salt[:])
	if err := s.wrap(); err != nil {
		return Result{}, err
	}
	s.card.Objects, s.card.Files = slices.Clone(s.commit.Objects), len(s.letter.Attachments)
	card, err := seal.SealCard(s.card, s.reporter, s.code.MACKey())
	if err != nil {
		return Result{}, err
	}
	s.add(seal.Describe(id.RoleCard, card), card)
	if s.deposit != nil || len(s.commit.Uploads) == 0 {
		return s.deliver(ctx)
	}
	// What is sent can be sent again as it is, and is one deposit all the same.
	var result Result
	err = depositsock.Retry(ctx, s.waiting, func(ctx context.Context) (bool, error) {
		s.deposit = nil
		result, err = s.deliver(ctx)
		return false, err
	})
	return result, err
}

// deliver sends what is held in memory and the commit.
func (s *Submission) deliver(ctx context.Context) (Result, error) {
	d, err := s.stream()
	if err != nil {
		return Result{}, err
	}
	defer d.Abort() // nothing, once it was committed
	for _, o := range s.sealed {
		w, err := d.Object(o.Role)
		if err != nil {
			return Result{}, err
		}
		if _, err := w.Write(o.sealed); err != nil {
			return Result{}, err
		}
		if err := w.Close(); err != nil {
			return Result{}, err
		}
	}
	a, err := d.Commit(ctx, s.commit)
	if err != nil {
		return Result{}, err
	}
	s.done = true
	return Result{Outcome: a.Result, Receipt: []byte(a.Receipt)}, nil
}

// Abort ends a submission that won't be committed; the vault keeps nothing of
// it. It does nothing after Commit.
func (s *Submission) Abort() {
	if s.deposit != nil {
		s.deposit.Abort()
	}
	for _, u := range s.uploads {
		if !s.done {
			u.Abort()
		}
	}
}

// wrap wraps the case key to each reader and commits to who they are.
func (s *Submission) wrap() error {
	if s.key == nil {
		return nil
	}
	var leaves []accesslog.WrapLeaf
	for _, r := range s.readers {
		seals := s.key.Wrap
		if r.member.IsRecovery() {
			seals = s.key.WrapWhole
		}
		b, err := seals(r.to)
		if err != nil {
			return err
		}
		leaf := accesslog.WrapLeaf{Member: r.member, Wrap: id.DigestOf(b)}
		rand.Read(leaf.Salt[:])
		leaves = append(leaves, leaf)
		s.commit.Wraps = append(s.commit.Wraps, depositsock.Wrap{Member: r.member, Salt: leaf.Salt, Data: b})
	}
	hashes, blinds := accesslog.BlindWraps(leaves)
	s.commit.Blinds = blinds
	root := accesslog.WrapsRoot(hashes)
	s.card.Wraps = root.String()
	return nil
}

func (s *Submission) document(role id.Role, text []byte, floor seal.Floor, to age.Recipient) error {
	sealed, err := seal.SealDocument(text, floor, to)
	if err != nil {
		return err
	}
	s.add(seal.Describe(role, sealed), sealed)
	return nil
}

func (s *Submission) add(o id.Object, sealed []byte) {
	s.commit.Objects = append(s.commit.Objects, o)
	s.sealed = append(s.sealed, document{o, sealed})
}

// tagLetter takes what was typed and attached, but nothing that differs when
// the same is sent again: not the day, and of contents their marks in place of
// sealed digests.
func (s *Submission) tagLetter() error {
	l := s.letter
	l.Day, l.Language = id.Day{}, ""
	l.Attachments = nil
	for _, a := range s.letter.Attachments {
		a.Object = id.Digest{}
		l.Attachments = append(l.Attachments, a)
	}
	text, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("tag of a form: %w", err)
	}
	s.tagField("letter", string(text))
	for _, m := range s.marks {
		s.tagField("content", string(m[:]))
	}
	return nil
}

func (s *Submission) tagField(name, value string) {
	for _, v := range []string{name, value} {
		s.tag.Write(binary.BigEndian.AppendUint64(nil, uint64(len(v))))
		io.WriteString(s.tag, v)
	}
}
