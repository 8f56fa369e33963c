// Package export writes a whole case as plain files that people keep and open
// without Suluh: the conversation to read, each document as JSON, attachments
// under harmless names, the sealed objects as the vault has them, and a
// manifest with the digest of each file. docs/formats.md has the layout.
//
// It writes only what its caller's function creates, one file at a time
// unless sealed contents are asked for, so that a folder and a stream of a
// zip archive come from the same code. What people wrote decides no path: a
// file's name is its number and what is left of the original name. The package
// must never write the case's key in the clear unless told to: it also opens
// what is added to the case later, and nobody can take it back.
package export

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"text/template"

	"filippo.io/age"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/seal"
	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/internal/member"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/vault/membersock"
)

// Create makes a file of the export. The path has forward slashes, no "..",
// and only names that Linux and Windows take.
type Create func(path string) (io.WriteCloser, error)

// Options say what is written, for whom.
type Options struct {
	By       id.Member      // who exports
	To       age.Recipient  // whom the case's key is sealed to in case.wrap: who exports
	Day      id.Day         // of the export
	Language *lang.Language // of case.txt

	// Contents writes the sealed attachments too, each while its plain file is
	// open: two files at a time, and twice the space.
	Contents bool

	// WithKey writes the case's key in the clear, as case.key.
	WithKey bool

	// Progress is told of the sealed bytes as they pass; nil is nobody.
	Progress io.Writer
}

// ErrIncomplete says that an export is whole as far as it goes, but that some
// of the case is damaged or can't be opened: its manifest says which.
var ErrIncomplete = errors.New("some of the case is missing, damaged or can't be opened; the manifest says what")

// manifest is manifest.json.
type manifest struct {
	Format   string                   `json:"format"` // suluh.example/export/v1
	Case     id.Case                  `json:"case"`
	Unit     id.Unit                  `json:"unit"`
	Handling id.Unit                  `json:"handling"`
	Class    report.Class             `json:"class,omitempty"`
	SameAs   id.Case                  `json:"same_as,omitempty"`
	Status   report.Status            `json:"status"`
	Forward  *membersock.Forward      `json:"forward,omitempty"` // how far its forwarding has come
	Day      id.Day                   `json:"exported_on"`
	By       id.Member                `json:"exported_by"`
	Complete bool                     `json:"complete"` // false: see the errors below
	Files    []*file                  `json:"files"`
	Access   []membersock.AccessEntry `json:"access"` // records about the case, oldest first
}

// file is a file of the export, or one that should be there.
type file struct {
	File   string    `json:"file,omitempty"`
	Size   int64     `json:"size"`
	SHA256 id.Digest `json:"sha256,omitzero"`
	Kind   string    `json:"kind"`             // text, document, attachment, sealed, key
	Role   id.Role   `json:"role,omitempty"`   // of the object
	Object id.Digest `json:"object,omitzero"`  // digest of the sealed object
	Day    id.Day    `json:"day,omitzero"`     // of the object
	By     id.Member `json:"by,omitempty"`     // who wrote it; nobody: the reporter
	Record int64     `json:"record,omitempty"` // of the access log that handed it in
	Name   string    `json:"name,omitempty"`   // that the reporter's file had
	Type   string    `json:"type,omitempty"`   // that the reporter's browser claimed
	Error  string    `json:"error,omitempty"`

	Destroyed id.Day `json:"destroyed,omitzero"` // an answer that the reporter had destroyed: there is no file of it

	Hidden report.Hidden `json:"hidden,omitempty"` // what became of the photo's hidden data
}

// Write writes an exported case. It reads x to its end and doesn't close it.
// After [ErrIncomplete] the files are worth keeping; after any other error
// they are not.
func Write(create Create, x *member.Exported, o Options) error {
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	w := &writer{create: create, x: x, o: o, m: manifest{
		Format: "suluh.example/export/v1", Case: x.Item.Case, Unit: x.Unit, Handling: x.Handling, Class: x.Class, SameAs: x.SameAs, Status: x.Status, Forward: x.Forward, Day: o.Day, By: o.By, Complete: true, Access: x.Access,
	}, attached: map[id.Digest]string{}}
	if w.m.Access == nil {
		w.m.Access = []membersock.AccessEntry{}
	}
	for {
		obj, r, err := x.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		r = io.TeeReader(r, o.Progress)
		if obj.Role == id.RoleContent {
			err = w.content(obj, r)
		} else {
			err = w.document(obj, r)
		}
		if err != nil {
			return err
		}
	}
	for _, m := range x.Messages {
		if i := slices.IndexFunc(x.Objects, func(o membersock.CaseObject) bool { return o.Digest == m.Object }); i >= 0 && !m.Destroyed.IsZero() {
			f := w.of(x.Objects[i], "sealed")
			f.Destroyed = m.Destroyed
			w.m.Files = append(w.m.Files, f)
		}
	}
	for _, a := range x.Attachments {
		if _, ok := w.attached[a.Object]; !ok {
			w.missing(a)
		}
	}
	if err := w.end(); err != nil {
		return err
	}
	if !w.m.Complete {
		return ErrIncomplete
	}
	return nil
}

type writer struct {
	create    Create
	x         *member.Exported
	o         Options
	m         manifest
	documents int
	attached  map[id.Digest]string // file of each sealed content that came
}

// open makes a file and its entry in the manifest.
func (w *writer) open(path string, f *file) (*digested, error) {
	f.File = path
	out, err := w.create(path)
	if err != nil {
		return nil, fmt.Errorf("make a file of the export: %w", err)
	}
	w.m.Files = append(w.m.Files, f)
	return &digested{w: out, hash: sha256.New(), f: f}, nil
}

func (w *writer) write(path string, b []byte, f *file) error {
	d, err := w.open(path, f)
	if err != nil {
		return err
	}
	_, err = d.Write(b)
	return errors.Join(err, d.Close())
}

// digested counts and digests what goes into a file.
type digested struct {
	w    io.WriteCloser
	hash hash.Hash
	f    *file
}

func (d *digested) Write(p []byte) (int, error) {
	n, err := d.w.Write(p)
	d.hash.Write(p[:n])
	d.f.Size += int64(n)
	return n, err
}

func (d *digested) Close() error {
	d.f.SHA256 = id.SumOf(d.hash)
	return d.w.Close()
}

func (w *writer) of(o membersock.CaseObject, kind string) *file {
	return &file{Kind: kind, Role: o.Role, Object: o.Digest, Day: o.Day, By: o.By, Record: o.Seq}
}

// fails notes what is wrong with an object.
func (w *writer) fails(f *file, err error) {
	w.m.Complete = false
	f.Error = err.Error()
}

func sealedPath(d id.Digest) string { return "sealed/" + d.String() + ".age" }

// maxDocument is more than any sealed document has.
const maxDocument = 20 << 20

func (w *writer) document(o membersock.CaseObject, r io.Reader) error {
	b, err := io.ReadAll(io.LimitReader(r, maxDocument))
	damaged := errors.Is(err, seal.ErrDigest)
	if err != nil && !damaged {
		return err
	}
	if !damaged {
		if _, err := r.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			return errors.New("a document of the case is longer than any may be")
		}
	}
	s := w.of(o, "sealed")
	if damaged {
		w.fails(s, seal.ErrDigest)
	}
	if err := w.write(sealedPath(o.Digest), b, s); err != nil || damaged {
		return err
	}
	key := w.x.Key()
	text, err := seal.OpenDocument(b, key.Identities()...)
	if err != nil {
		w.fails(s, err)
		return nil
	}
	for _, u := range w.x.Unopened {
		if u.Digest == o.Digest { // it opens, and isn't what it should be
			w.fails(s, u.Err)
		}
	}
	w.documents++
	return w.write(fmt.Sprintf("documents/%03d-%s.json", w.documents, o.Role), append(text, '\n'), w.of(o, "document"))
}

func (w *writer) content(o membersock.CaseObject, r io.Reader) (err error) {
	if w.o.Contents {
		s := w.of(o, "sealed")
		sealed, openErr := w.open(sealedPath(o.Digest), s)
		if openErr != nil {
			return openErr
		}
		defer func() { err = errors.Join(err, sealed.Close()) }()
		r = io.TeeReader(r, sealed)
	}
	var a *member.Attachment
	for i := range w.x.Attachments {
		if w.x.Attachments[i].Object == o.Digest {
			a = &w.x.Attachments[i]
			break
		}
	}
	f := w.of(o, "attachment")
	if a == nil {
		w.fails(f, errors.New("no letter describes this content"))
		w.m.Files = append(w.m.Files, f)
		return drained(r, nil)
	}
	f.Name, f.Type, f.Hidden = a.Name, a.Type, a.Hidden
	path := "attachments/" + SafeName(a.Number, a.Name)
	w.attached[o.Digest] = path
	d, err := w.open(path, f)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	key := w.x.Key()
	plain, err := seal.OpenContent(r, a.Size, a.Object, key.Identities()...)
	if err == nil {
		_, err = io.Copy(onlyWriter{d}, plain)
	}
	if !isDamage(err) {
		return err
	}
	if err != nil {
		w.fails(f, err)
	}
	return drained(r, func() { w.fails(f, seal.ErrDigest) })
}

// onlyWriter hides whatever else a writer can do from io.Copy.
type onlyWriter struct{ io.Writer }

// isDamage tells whether an error says something of the object, rather than
// of the disk that the export is written to.
func isDamage(err error) bool {
	for _, e := range []error{nil, seal.ErrAge, seal.ErrDigest, seal.ErrLength, seal.ErrNoKey, seal.ErrFormat} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// drained reads an object to its end, so that all of it is digested and that a
// broken connection shows as one.
func drained(r io.Reader, damaged func()) error {
	_, err := io.Copy(io.Discard, r)
	if errors.Is(err, seal.ErrDigest) {
		if damaged != nil {
			damaged()
		}
		return nil
	}
	return err
}

// missing notes an attachment that didn't come.
func (w *writer) missing(a member.Attachment) {
	f := &file{Kind: "attachment", Role: id.RoleContent, Object: a.Object, Day: a.Day, Name: a.Name, Type: a.Type, Hidden: a.Hidden}
	w.fails(f, member.ErrContent)
	w.m.Files = append(w.m.Files, f)
}

//go:embed readme.txt
var readme string

// end writes what is about the whole case.
func (w *writer) end() error {
	key := w.x.Key()
	wrap, err := key.WrapWhole(w.o.To)
	if err != nil {
		return err
	}
	if err := w.write("case.wrap", wrap, &file{Kind: "key"}); err != nil {
		return err
	}
	if w.o.WithKey {
		if err := w.write("case.key", []byte(key.Export()+"\n"), &file{Kind: "key"}); err != nil {
			return err
		}
	}
	if err := w.write("case.txt", []byte(w.conversation()), &file{Kind: "text"}); err != nil {
		return err
	}
	t, err := template.New("readme").Parse(readme)
	if err != nil {
		return fmt.Errorf("readme of the export: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, struct {
		manifest
		WithKey, Contents bool
	}{w.m, w.o.WithKey, w.o.Contents}); err != nil {
		return fmt.Errorf("readme of the export: %w", err)
	}
	if err := w.write("README.txt", b.Bytes(), &file{Kind: "text"}); err != nil {
		return err
	}
	text, err := json.MarshalIndent(w.m, "", "  ")
	if err != nil {
		return fmt.Errorf("manifest of the export: %w", err)
	}
	out, err := w.create("manifest.json") // last: without it, the export isn't whole
	if err != nil {
		return fmt.Errorf("make a file of the export: %w", err)
	}
	_, err = out.Write(append(text, '\n'))
	return errors.Join(err, out.Close())
}
