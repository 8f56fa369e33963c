// Package spool is the queue that needs nothing: a folder, from which people type
// complaints into whatever queue there is, and to which they bring back what that
// says.
//
// In the folder:
//
//	REFERENCE.json           a complaint; written once, never changed
//	REFERENCE.status.json    where it stands, as somebody brought it back
//	daftar.html              those that have no number of the queue yet, to print and type from
//	daftar.csv               all that aren't over, to fill in and bring back
//	selesai/                 what is over
//
// All of it is what the queue may know, and nothing else. The package must never
// write a cell that a spreadsheet would take for a formula, or believe what is
// brought back to be harmless.
package spool

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/durable"
	"suluh.example/suluh/internal/forward"
	"suluh.example/suluh/internal/forward/queue"
	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/internal/report"
)

// Config is the table [spool].
type Config struct {
	Dir    string            `toml:"dir"`    // the folder
	Status map[string]string `toml:"status"` // the queue's words to our statuses, over those that are known
}

// Spool is such a folder.
type Spool struct {
	dir      string
	words    *lang.Language // of the lists
	statuses queue.Statuses
}

// over is the folder with what is over.
const over = "selesai"

// The files are for those whom the folder's group lets in: they hold nothing that
// the queue may not have.
const (
	dirMode  = 0o750
	fileMode = 0o640
)

// own are the words of the national queue, as its public pages have them.
var own = map[string]string{
	"Belum Terverifikasi": "forwarded", "Dalam Proses": "forwarded", "Selesai": "closed", "Diarsipkan": "archived", "Ditolak": "rejected",
}

// New makes the folder if it isn't there. The words are those of the lists. An
// error names the key of the configuration.
func New(c Config, words *lang.Language) (*Spool, error) {
	if c.Dir == "" {
		return nil, queue.Missing("dir")
	}
	if !filepath.IsAbs(c.Dir) {
		return nil, errors.New("dir: not an absolute path")
	}
	for _, dir := range []string{c.Dir, filepath.Join(c.Dir, over)} {
		err := os.Mkdir(dir, dirMode)
		if err == nil {
			err = os.Chmod(dir, dirMode) // whatever the umask
		}
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("dir: %w", plain(err))
		}
	}
	known := map[string]string{}
	for word, s := range own {
		known[word] = s
	}
	for _, s := range report.Statuses()[1:] { // ours, by their codes and names
		known[string(s)], known[words.T("status."+string(s))] = string(s), string(s)
	}
	statuses, err := queue.NewStatuses("status", known, c.Status)
	if err != nil {
		return nil, err
	}
	return &Spool{dir: c.Dir, words: words, statuses: statuses}, nil
}

// complaint is what REFERENCE.json holds.
type complaint struct {
	V         int             `json:"v"` // 1
	Reference string          `json:"reference"`
	Day       id.Day          `json:"day"`
	Class     report.Class    `json:"class"`
	Category  report.Category `json:"category,omitempty"`
	Language  string          `json:"language"`
	Title     string          `json:"title"`
	Text      string          `json:"text"`
}

// stand is what REFERENCE.status.json holds.
type stand struct {
	V        int    `json:"v"` // 1
	Tracking string `json:"tracking,omitempty"`
	Link     string `json:"link,omitempty"`
	Word     string `json:"status,omitempty"`
	Answer   string `json:"answer,omitempty"`
}

var reference = regexp.MustCompile(`^[a-z0-9-]{8,64}$`)

// Send writes the complaint into the folder and the lists anew. What is there
// already was sent: a complaint's file has its reference for a name.
func (s *Spool) Send(_ context.Context, c forward.Complaint) (forward.Sent, error) {
	if !reference.MatchString(c.Reference) {
		return forward.Sent{}, &forward.Refused{Reason: "the reference is none"}
	}
	unlock, err := s.lock()
	if err != nil {
		return forward.Sent{}, &forward.NotSent{Err: err}
	}
	defer unlock()
	if s.has(c.Reference) {
		return forward.Sent{}, s.list()
	}
	text, err := json.MarshalIndent(complaint{1, c.Reference, c.Day, c.Class, c.Category, c.Language, c.Title, c.Text}, "", "  ")
	if err != nil {
		return forward.Sent{}, &forward.NotSent{Err: err}
	}
	if err := durable.WriteFile(s.file(c.Reference), append(text, '\n'), fileMode); err != nil {
		if s.has(c.Reference) {
			return forward.Sent{}, plain(err) // it may not survive
		}
		return forward.Sent{}, &forward.NotSent{Err: plain(err)}
	}
	return forward.Sent{}, s.list()
}

// Find tells whether a complaint is in the folder. Nothing else puts it into a
// queue, so that one that isn't there certainly isn't anywhere.
func (s *Spool) Find(_ context.Context, reference string) (forward.Sent, error) {
	unlock, err := s.lock()
	if err != nil {
		return forward.Sent{}, err
	}
	defer unlock()
	if !s.has(reference) {
		return forward.Sent{}, forward.ErrNotFound
	}
	if err := durable.SyncDir(s.dir); err != nil {
		return forward.Sent{}, plain(err)
	}
	x, err := s.stand(reference)
	if err != nil {
		return forward.Sent{}, err
	}
	return forward.Sent{Tracking: x.Tracking, Link: x.Link}, s.list()
}

// Status returns what was brought back, which may be nothing yet.
func (s *Spool) Status(_ context.Context, _, reference string) (forward.Status, error) {
	unlock, err := s.lock()
	if err != nil {
		return forward.Status{}, err
	}
	defer unlock()
	x, err := s.stand(reference)
	if err != nil {
		return forward.Status{}, err
	}
	status, final := s.statuses.Look(x.Word)
	return forward.Status{Word: x.Word, Status: status, Answer: x.Answer, Tracking: x.Tracking, Link: x.Link, Final: final}, nil
}

// lock keeps others out who write here: suluh forward import, beside suluh
// forward itself.
func (s *Spool) lock() (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(s.dir, ".lock"), os.O_RDWR|os.O_CREATE, fileMode)
	if err != nil {
		return nil, plain(err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() { f.Close() }, nil
}

func (s *Spool) file(reference string) string { return filepath.Join(s.dir, reference+".json") }

// where returns the folder that a complaint is in, "" if in none.
func (s *Spool) where(reference string) string {
	for _, dir := range []string{s.dir, filepath.Join(s.dir, over)} {
		if _, err := os.Lstat(filepath.Join(dir, reference+".json")); err == nil {
			return dir
		}
	}
	return ""
}

func (s *Spool) has(reference string) bool { return s.where(reference) != "" }

// stand reads where a complaint stands.
func (s *Spool) stand(reference string) (x stand, err error) {
	if !s.has(reference) {
		return x, errors.New("it is not in the folder any more")
	}
	b, err := os.ReadFile(filepath.Join(s.dir, reference+".status.json"))
	if errors.Is(err, fs.ErrNotExist) { // it is put away before its complaint
		b, err = os.ReadFile(filepath.Join(s.dir, over, reference+".status.json"))
	}
	if errors.Is(err, fs.ErrNotExist) {
		return stand{V: 1}, nil
	}
	if err != nil {
		return x, plain(err)
	}
	if err := json.Unmarshal(b, &x); err != nil || x.V != 1 {
		return x, fmt.Errorf("%s.status.json is damaged", reference)
	}
	return x, nil
}

// entry is a complaint with where it stands.
type entry struct {
	complaint
	now stand
}

// open reads all that isn't over, oldest first.
func (s *Spool) open() (all []entry, err error) {
	files, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, plain(err)
	}
	for _, f := range files {
		ref, ok := strings.CutSuffix(f.Name(), ".json")
		if !ok || !reference.MatchString(ref) || f.IsDir() {
			continue
		}
		var e entry
		b, err := os.ReadFile(s.file(ref))
		if err != nil {
			return nil, plain(err)
		}
		if err := json.Unmarshal(b, &e.complaint); err != nil || e.Reference != ref {
			return nil, fmt.Errorf("%s is damaged", f.Name())
		}
		if e.now, err = s.stand(ref); err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b entry) int { return cmp.Or(a.Day.Sub(b.Day), strings.Compare(a.Reference, b.Reference)) })
	return all, nil
}

// plain takes the path from an error.
func plain(err error) error {
	var p *fs.PathError
	var l *os.LinkError
	switch {
	case errors.As(err, &p):
		return p.Err
	case errors.As(err, &l):
		return l.Err
	}
	return err
}
