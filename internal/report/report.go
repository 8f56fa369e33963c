// Package report holds what people write about a case, as the documents that
// are sealed: the reporter's letters and summary, the members' answers, notes
// and states, and what of a case may leave the vault: drafts, items and
// outcomes; with the classes, the categories, the statuses and their clocks.
//
// It is text in and JSON out. It must never seal, store or log anything, and
// holds no words for people: their names stand in the catalogues of
// internal/lang under "class.", "category." and "status.".
//
// Documents carry a version "v". Readers ignore fields that they don't know,
// so that an older desk opens what a newer intake sent.
package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
)

// ErrFormat says that a document opens but isn't of the kind expected.
var ErrFormat = errors.New("document is not of the kind expected")

// Report is what the form asks. Every answer may be empty.
type Report struct {
	What     string   `json:"apa,omitempty"`
	How      string   `json:"bagaimana,omitempty"`
	Why      string   `json:"mengapa,omitempty"`
	Who      string   `json:"siapa,omitempty"`
	Where    string   `json:"mana,omitempty"`
	When     string   `json:"kapan,omitempty"`
	Category Category `json:"jenis,omitempty"`
	Loss     string   `json:"rugi,omitempty"`
	Others   string   `json:"saksi,omitempty"`             // other witnesses or sources
	Already  string   `json:"sudah,omitempty"`             // reported elsewhere already
	Keep     bool     `json:"jangan_diteruskan,omitempty"` // nothing of it may go to a queue outside the vault
}

// IsEmpty tells whether nothing was written. A category alone is
// nothing, and so is the wish that it be kept.
func (r Report) IsEmpty() bool {
	return strings.TrimSpace(r.What+r.How+r.Why+r.Who+r.Where+r.When+r.Loss+r.Others+r.Already) == ""
}

// Title returns the beginning of what happened, at most 80 characters on one
// line, or "" if that was left empty.
func (r Report) Title() string {
	const most = 80
	s := strings.Join(strings.FieldsFunc(r.What, func(c rune) bool { return unicode.IsSpace(c) || unicode.IsControl(c) }), " ")
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	cut := string([]rune(s)[:most])
	if i := strings.LastIndexByte(cut, ' '); i > most/2 {
		cut = cut[:i]
	}
	return cut + "…"
}

// Attachment describes a content. The name is what the reporter's computer
// called the file: hostile until shown otherwise.
type Attachment struct {
	Name   string    `json:"name"`
	Type   string    `json:"type"` // media type that the reporter's browser claimed
	Size   int64     `json:"size"`
	Object id.Digest `json:"object"` // digest of the sealed content
	Hidden Hidden    `json:"hidden,omitempty"`
}

// Hidden says what became of the data besides the picture that a photo
// carries: place, time, device. Of what was sent before that was known, it is
// empty.
type Hidden string

// What may become of it.
const (
	HiddenRemoved Hidden = "removed"
	HiddenPartly  Hidden = "partly" // removed up to where the file's structure couldn't be followed, or but for parts of no known kind
	HiddenKept    Hidden = "kept"   // the file is what it was, by choice or since it is of another kind
)

// Known returns the value if it is one of those above, and else none.
func (h Hidden) Known() Hidden {
	switch h {
	case HiddenRemoved, HiddenPartly, HiddenKept:
		return h
	}
	return ""
}

// Letter is what a reporter sends, sealed to the case: the form, or a message
// by code.
type Letter struct {
	V           int          `json:"v"` // 1
	Case        id.Case      `json:"case"`
	Day         id.Day       `json:"day"`
	Language    string       `json:"language"`
	Unit        id.Unit      `json:"unit,omitempty"`
	Without     []id.Member  `json:"without,omitempty"` // who must not read it
	Reporter    string       `json:"reporter"`          // recipient that answers are sealed to, age1pq1…
	Report      *Report      `json:"report,omitempty"`  // of the form
	Text        string       `json:"text,omitempty"`    // of a message
	Attachments []Attachment `json:"attachments,omitempty"`
}

// Summary is the few lines of a deposit that a list of cases shows.
type Summary struct {
	V        int         `json:"v"` // 1
	Case     id.Case     `json:"case"`
	Day      id.Day      `json:"day"`
	Language string      `json:"language"`
	Unit     id.Unit     `json:"unit"`
	Without  []id.Member `json:"without,omitempty"`
	Reporter string      `json:"reporter"`
	Category Category    `json:"category,omitempty"`
	Title    string      `json:"title"`
	Files    int         `json:"files"`
}

// Answer is what a member tells the reporter: a message, a status or both.
type Answer struct {
	V      int       `json:"v"` // 1
	Case   id.Case   `json:"case"`
	Day    id.Day    `json:"day"`
	Time   time.Time `json:"time"` // orders the answers of one day
	Status Status    `json:"status,omitempty"`
	Due    id.Day    `json:"due,omitzero"` // by when the reporter can expect, or must give, an answer
	Text   string    `json:"text,omitempty"`
}

// Note is what a member writes for the other readers of the case.
type Note struct {
	V    int       `json:"v"` // 1
	Case id.Case   `json:"case"`
	Day  id.Day    `json:"day"`
	Time time.Time `json:"time"`
	Text string    `json:"text"`
}

// State is the case as its readers last left it, for the list. Of an older
// one, class, unit and same_as are empty.
type State struct {
	V        int       `json:"v"` // 1
	Case     id.Case   `json:"case"`
	Title    string    `json:"title,omitempty"`
	Class    Class     `json:"class,omitempty"` // "" until somebody said
	Category Category  `json:"category,omitempty"`
	Unit     id.Unit   `json:"unit,omitempty"`    // that handles the case; "" is the one that it was sent to
	SameAs   id.Case   `json:"same_as,omitempty"` // the case of which this is a duplicate
	Status   Status    `json:"status"`
	Since    id.Day    `json:"since"`
	Time     time.Time `json:"time"`
	Due      id.Day    `json:"due,omitzero"`
}

// Draft is the sanitised text that a member prepared for a queue outside the
// vault, sealed to the case. Nothing else of the case goes there.
type Draft struct {
	V        int       `json:"v"` // 1
	Case     id.Case   `json:"case"`
	Day      id.Day    `json:"day"`
	Time     time.Time `json:"time"`
	Class    Class     `json:"class"`
	Category Category  `json:"category,omitempty"`
	Title    string    `json:"title"`
	Text     string    `json:"text"`
}

// Item is what an approver approved: the draft's words, sealed to the
// forwarder, with what the forwarder needs to tell the case and the reporter
// what became of them. Only reference, class, category, title, text, language
// and day may go to the queue.
type Item struct {
	V         int       `json:"v"` // 1
	Case      id.Case   `json:"case"`
	Recipient string    `json:"recipient"` // of the case, age1pq1…
	Reporter  string    `json:"reporter"`  // that answers are sealed to, age1pq1…
	Language  string    `json:"language"`  // of the reporter
	Draft     id.Digest `json:"draft"`     // sealed draft that was approved
	Prepared  id.Member `json:"prepared"`  // who signed the draft
	Reference string    `json:"reference"` // random, by which the queue's complaint is found again
	Class     Class     `json:"class"`
	Category  Category  `json:"category,omitempty"`
	Unit      id.Unit   `json:"unit"` // that handles the case, of which the approver is
	Day       id.Day    `json:"day"`  // of the approval
	Title     string    `json:"title"`
	Text      string    `json:"text"`
}

// Outcome is what became of an item, or of a draft that an approver sent back,
// sealed to the case and to the forwarder. Text, word, tracking and link are
// the queue's: hostile until shown otherwise.
type Outcome struct {
	V         int              `json:"v"` // 1
	Case      id.Case          `json:"case"`
	Day       id.Day           `json:"day"`
	Time      time.Time        `json:"time"`
	Item      id.Digest        `json:"item"` // sealed item, or draft
	Reference string           `json:"reference,omitempty"`
	Result    accesslog.Result `json:"result"`             // as in the statement that it was handed in with
	Queue     string           `json:"queue,omitempty"`    // which queue it is about; "" if an approver says so
	Tracking  string           `json:"tracking,omitempty"` // the queue's number
	Link      string           `json:"link,omitempty"`     // public page of it, http or https
	Word      string           `json:"word,omitempty"`     // the queue's own status
	Status    Status           `json:"status,omitempty"`   // ours
	Since     id.Day           `json:"since,omitzero"`     // of our status
	Text      string           `json:"text,omitempty"`     // the queue's answer, or the reason
	Final     bool             `json:"final,omitempty"`    // nothing more will come
}

// ofReporter and OfMember are the documents, by who writes them. Each knows
// whether it is one of this version, of a given case.
type (
	ofReporter interface {
		Letter | Summary
		isOf(id.Case) bool
	}
	OfMember interface {
		Answer | Note | State | Draft | Item | Outcome
		isOf(id.Case) bool
	}
)

func (d Letter) isOf(c id.Case) bool  { return d.V == 1 && d.Case == c }
func (d Summary) isOf(c id.Case) bool { return d.V == 1 && d.Case == c }
func (d Answer) isOf(c id.Case) bool  { return d.V == 1 && d.Case == c }
func (d Note) isOf(c id.Case) bool    { return d.V == 1 && d.Case == c }
func (d State) isOf(c id.Case) bool   { return d.V == 1 && d.Case == c }
func (d Draft) isOf(c id.Case) bool   { return d.V == 1 && d.Case == c }
func (d Item) isOf(c id.Case) bool    { return d.V == 1 && d.Case == c }
func (d Outcome) isOf(c id.Case) bool { return d.V == 1 && d.Case == c }

// Encode returns a document's JSON text.
func Encode[D ofReporter](d D) ([]byte, error) {
	b, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("encode document: %w", err)
	}
	return b, nil
}

// Decode reads a letter or a summary of the given case. Anybody may have made
// it by hand, so what none of our forms sends is taken out or cut: see tidy.
func Decode[D ofReporter](text []byte, of id.Case) (D, error) {
	var d D
	if json.Unmarshal(text, &d) != nil || !d.isOf(of) {
		return d, ErrFormat
	}
	switch x := any(&d).(type) {
	case *Letter:
		return d, x.tidy()
	case *Summary:
		x.tidy()
	}
	return d, nil
}
