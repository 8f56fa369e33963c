// Package page renders the pages of all surfaces: one layout with inline CSS,
// one template a page, parsed and checked for every language at the start,
// and the headers that keep a page to itself.
//
// A surface has its templates beside its handlers; templates/NAME.html defines
// "main", what stands below the page's h1. In templates:
//
//	{{t "intake.home.title"}}        a message (lang.Language.T); values follow as pairs
//	{{day .Day}} {{number .N}} {{bytes .Size}}
//	{{path "/lapor"}}                the path of a page in the reader's language
//	{{visible .Name}} {{text .Text}} somebody else's words, one line or several
//	{{code}}                         the language's code
//	<p{{is "due"}}>                  a place that a script may fill: see [Set.Part]
//	{{if or slots .Personal}}        what a page has in some cases only
//
// A table stands in a section of class "tw", which scrolls if it must. With
// "num" beside it, for numbers, it gets tight in a narrow window; with "stack"
// its rows become blocks there, in which data-h of a cell, the words of its
// column's header, stands before it, and data-h of the head's row before the
// links by which it is sorted. They are still a table to assistive technology
// in the browsers for which page.css does it.
//
// A page is a struct that embeds [Page]. It is rendered to memory first, so
// that an error never leaves half a page.
//
// The package must never log, set a cookie, name another site, or make a page
// that needs JavaScript; what it shows is escaped by html/template.
package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"text/template/parse"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/lang"
)

//go:embed page.css
var css string

//go:embed templates/*.html
var common embed.FS

// Page is what every page has. The zero value of a field leaves it out.
type Page struct {
	Title     string // the h1, and with the product's name the window's title
	Window    string // the window's title where it must be another
	Status    int    // default: 200, or 422 where a field is to be put right
	Cache     Cache  // default: no-store
	Class     string // of the body: "wide" for tables, "cut" to print nothing but the .card's .code
	Home      Link   // the product's name; without Href, plain text
	Languages []Link // the same page in the other languages, where nothing is typed
	Exit      *Link  // away from here
	Nav       []Link
	Lock      *Link // a button that posts
	Footer    []Link
	Problems  []Problem
	Notice    string  // what was just done; has the focus
	Script    *Script // only where a page gets better by one: it must work without
}

// Script is a file of ours that the page loads once all of it is there.
type Script struct {
	Src       string
	Integrity string // its digest, as in integrity=
}

// Link is a link or a button.
type Link struct {
	Href, Text string
	Lang       string // of the page that it leads to
	Current    bool   // it leads here
}

// Problem is something to put right. Field is the id of its input, or "".
type Problem struct{ Field, Text string }

// Cache says what a browser may keep of a page.
type Cache string

// What a browser may keep. A page with something typed, a code or a case is
// NoStore and the result of a POST; an empty form is a GET and NoCache, so
// that Back shows what was typed.
const (
	NoStore Cache = "no-store"
	NoCache Cache = "no-cache"
)

// Any is a struct that embeds Page.
type Any interface{ base() Page }

func (p Page) base() Page { return p }

// At returns what is wrong with a field, or "".
func (p Page) At(field string) string {
	for _, x := range p.Problems {
		if x.Field == field {
			return x.Text
		}
	}
	return ""
}

// Config says what a surface brings along.
type Config struct {
	Templates fs.FS  // with templates/*.html; a 500.html there replaces ours
	Product   string // catalogue key of the end of window titles; default: page.product

	// Frame returns what all pages of the surface have in common: header and
	// footer. The page for what went wrong inside is made of it.
	Frame func(*lang.Language) Page
}

// Set is the pages of a surface. It is safe for concurrent use.
type Set struct {
	byLanguage map[*lang.Language]map[string]*template.Template
	failed     map[*lang.Language][]byte
	parts      map[*lang.Language]func() (map[string]*template.Template, error) // of most surfaces nobody asks for any
	policy     string                                                           // Content-Security-Policy
}

// scripted is added to the policy of a page with a script, and to that of the
// script's own worker. What the script makes of texts is names of files of
// ours, by the one policy of that name.
const scripted = "; script-src 'self'; connect-src 'self'; worker-src 'self'; trusted-types suluh"

// Parse parses the templates of a surface for every language. It refuses a
// template that names a message which isn't in the catalogue.
func Parse(c *lang.Catalogue, config Config) (*Set, error) {
	if config.Product == "" {
		config.Product = "page.product"
	}
	sum := sha256.Sum256([]byte(css))
	s := &Set{
		byLanguage: map[*lang.Language]map[string]*template.Template{},
		failed:     map[*lang.Language][]byte{},
		parts:      map[*lang.Language]func() (map[string]*template.Template, error){},
		policy: "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
			"'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
	}
	for _, l := range c.Languages() {
		pages, err := parsePages(l, config, false)
		if err != nil {
			return nil, err
		}
		s.byLanguage[l] = pages
		s.parts[l] = sync.OnceValues(func() (map[string]*template.Template, error) { return parsePages(l, config, true) })
		p := config.Frame(l)
		p.Title = l.T("error.internal.title")
		b, err := s.render(l, "500", p)
		if err != nil {
			return nil, err
		}
		s.failed[l] = b
	}
	return s, nil
}

// style is ours, and verbatim: the policy has its digest.
var style = template.HTML("<style>" + css + "</style>")

func parsePages(l *lang.Language, config Config, slots bool) (map[string]*template.Template, error) {
	if !l.Has(config.Product) {
		return nil, fmt.Errorf("there is no message %q", config.Product)
	}
	layout, err := template.New("layout.html").Funcs(template.FuncMap{
		"t":       l.T,
		"day":     func(d id.Day) string { return l.Day(d) },
		"number":  func(n int) string { return l.Number(int64(n)) },
		"bytes":   l.Bytes,
		"path":    l.Path,
		"code":    l.Code,
		"visible": lang.Visible,
		"text":    lang.VisibleText,
		"window":  func(p Any) string { return windowTitle(l, config.Product, p.base()) },
		"slots":   func() bool { return slots },
		"is": func(name string) template.HTMLAttr {
			if !slots {
				return ""
			}
			return template.HTMLAttr(` data-is="` + name + `"`) // a name in one of our templates
		},
		"style": func() template.HTML { return style },
	}).ParseFS(common, "templates/layout.html")
	if err != nil {
		return nil, fmt.Errorf("layout: %w", err)
	}
	if err := checkKeys(layout, l); err != nil {
		return nil, err
	}
	pages := map[string]*template.Template{}
	for _, from := range []fs.FS{common, config.Templates} {
		files, err := fs.Glob(from, "templates/*.html")
		if err != nil {
			return nil, err
		}
		// Files that begin with "_" have parts for several pages.
		var shared []string
		for _, file := range files {
			if strings.HasPrefix(path.Base(file), "_") {
				shared = append(shared, file)
			}
		}
		for _, file := range files {
			name := strings.TrimSuffix(path.Base(file), ".html")
			if name == "layout" || name[0] == '_' {
				continue
			}
			t, err := layout.Clone()
			if err != nil {
				return nil, err
			}
			if t, err = t.ParseFS(from, append(shared, file)...); err != nil {
				return nil, fmt.Errorf("template %s: %w", name, err)
			}
			if err := checkKeys(t, l); err != nil {
				return nil, fmt.Errorf("template %s: %w", name, err)
			}
			fillIn(t, l, slots)
			pages[name] = t
		}
	}
	return pages, nil
}

func windowTitle(l *lang.Language, product string, p Page) string {
	if p.Window != "" {
		return p.Window
	}
	title := p.Title
	if len(p.Problems) > 0 {
		title = l.T("page.problem.prefix", "Title", title)
	}
	return title + " – " + l.T(product)
}

// checkKeys looks up the messages that templates name outright.
func checkKeys(t *template.Template, l *lang.Language) (err error) {
	for _, x := range t.Templates() {
		if x.Tree != nil {
			walk(x.Tree.Root, func(n parse.Node) {
				if key, ok := named(n, "t"); ok && !l.Has(key) {
					err = errors.Join(err, fmt.Errorf("there is no message %q", key))
				}
			})
		}
	}
	return err
}

// fillIn makes text of what is always the same in the templates of a language, so that
// it isn't looked up and escaped for each page.
func fillIn(t *template.Template, l *lang.Language, slots bool) {
	always := func(n parse.Node) (text string, ok bool) {
		a, ok := n.(*parse.ActionNode)
		if !ok || len(a.Pipe.Cmds) != 1 || len(a.Pipe.Decl) > 0 || len(a.Pipe.Cmds[0].Args) > 2 {
			return "", false
		}
		c := a.Pipe.Cmds[0]
		if key, ok := named(c, "t"); ok {
			return l.T(key), true
		}
		if at, ok := named(c, "path"); ok {
			return l.Path(at), true
		}
		if _, ok := named(c, "is"); ok && !slots {
			return "", true
		}
		return l.Code(), c.String() == "code"
	}
	for _, x := range t.Templates() {
		if x.Tree == nil {
			continue
		}
		walk(x.Tree.Root, func(n parse.Node) {
			switch n := n.(type) {
			case *parse.ListNode:
				nodes := n.Nodes[:0]
				for _, x := range n.Nodes {
					if text, ok := always(x); ok {
						x = &parse.TextNode{NodeType: parse.NodeText, Pos: x.Position(), Text: []byte(template.HTMLEscapeString(text))}
					}
					if text, ok := x.(*parse.TextNode); ok && len(nodes) > 0 {
						if last, ok := nodes[len(nodes)-1].(*parse.TextNode); ok {
							last.Text = append(last.Text, text.Text...)
							continue
						}
					}
					nodes = append(nodes, x)
				}
				n.Nodes = nodes
			case *parse.CommandNode:
				if key, ok := named(n, "t"); ok && len(n.Args) == 2 {
					text := l.T(key)
					n.Args = []parse.Node{&parse.StringNode{NodeType: parse.NodeString, Quoted: strconv.Quote(text), Text: text}}
				}
				for i, a := range n.Args {
					if f, ok := a.(*parse.IdentifierNode); ok && f.Ident == "slots" {
						n.Args[i] = &parse.BoolNode{NodeType: parse.NodeBool, Pos: f.Pos, True: slots}
					}
				}
			}
		})
	}
}

// named returns the name that a command calls a function with, outright.
func named(n parse.Node, function string) (name string, ok bool) {
	c, ok := n.(*parse.CommandNode)
	if !ok || len(c.Args) < 2 {
		return "", false
	}
	f, isName := c.Args[0].(*parse.IdentifierNode)
	s, isText := c.Args[1].(*parse.StringNode)
	if !isName || f.Ident != function || !isText {
		return "", false
	}
	return s.Text, true
}

// walk calls f for each list of nodes and each command, from outside in.
func walk(n parse.Node, f func(parse.Node)) {
	pipe := func(p *parse.PipeNode) {
		if p != nil {
			for _, c := range p.Cmds {
				walk(c, f)
			}
		}
	}
	branch := func(b *parse.BranchNode) {
		pipe(b.Pipe)
		walk(b.List, f)
		if b.ElseList != nil {
			walk(b.ElseList, f)
		}
	}
	switch n := n.(type) {
	case *parse.ListNode:
		f(n)
		for _, x := range n.Nodes {
			walk(x, f)
		}
	case *parse.ActionNode:
		pipe(n.Pipe)
	case *parse.TemplateNode:
		pipe(n.Pipe)
	case *parse.IfNode:
		branch(&n.BranchNode)
	case *parse.RangeNode:
		branch(&n.BranchNode)
	case *parse.WithNode:
		branch(&n.BranchNode)
	case *parse.CommandNode:
		f(n)
		for _, a := range n.Args {
			walk(a, f)
		}
	case *parse.PipeNode:
		pipe(n)
	}
}

// Template returns a page's template, for tests that check its types.
func (s *Set) Template(l *lang.Language, name string) *template.Template {
	return s.byLanguage[l][name]
}

// Names returns the names of all pages in no order.
func (s *Set) Names(l *lang.Language) (names []string) {
	for name := range s.byLanguage[l] {
		names = append(names, name)
	}
	return names
}

func (s *Set) render(l *lang.Language, name string, p Any) ([]byte, error) {
	t, ok := s.byLanguage[l][name]
	if !ok {
		return nil, fmt.Errorf("there is no page %s", name)
	}
	var b bytes.Buffer
	b.Grow(len(style) + 10<<10) // what most pages take
	if err := t.ExecuteTemplate(&b, "layout.html", p); err != nil {
		// An error of html/template may quote a value.
		return nil, fmt.Errorf("page %s can't be rendered", name)
	}
	return b.Bytes(), nil
}

// Part renders what a page has below its header, with a data-is attribute at
// each place that a script may fill, so that what a script shows has the
// markup and the words of the page that the server would have sent.
func (s *Set) Part(l *lang.Language, name string, p Any) (template.HTML, error) {
	parts, err := s.parts[l]()
	if err != nil {
		return "", err
	}
	t, ok := parts[name]
	if !ok {
		return "", fmt.Errorf("there is no page %s", name)
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, "content", p); err != nil {
		return "", fmt.Errorf("part %s can't be rendered", name)
	}
	return template.HTML(b.String()), nil // html/template has escaped it
}

// Write renders a page and sends it. An error means that nothing was sent.
func (s *Set) Write(w http.ResponseWriter, l *lang.Language, name string, p Any) error {
	b, err := s.render(l, name, p)
	if err != nil {
		return err
	}
	base := p.base()
	if base.Status == 0 {
		base.Status = http.StatusOK
		if slices.ContainsFunc(base.Problems, func(p Problem) bool { return p.Field != "" }) {
			base.Status = http.StatusUnprocessableEntity
		}
	}
	if base.Cache == "" {
		base.Cache = NoStore
	}
	if base.Script != nil {
		w.Header().Set("Content-Security-Policy", s.policy+scripted)
	}
	send(w, base.Status, base.Cache, b)
	return nil
}

// WriteScript sends a script. It may start workers and speak with this origin,
// like the page that loads it.
func (s *Set) WriteScript(w http.ResponseWriter, text []byte) {
	w.Header().Set("Content-Security-Policy", s.policy+scripted)
	sendAs(w, "text/javascript; charset=utf-8", http.StatusOK, NoStore, text)
}

// Fail sends the page for what went wrong inside. It can't fail.
func (s *Set) Fail(w http.ResponseWriter, l *lang.Language) {
	send(w, http.StatusInternalServerError, NoStore, s.failed[l])
}

func send(w http.ResponseWriter, status int, cache Cache, b []byte) {
	sendAs(w, "text/html; charset=utf-8", status, cache, b)
}

func sendAs(w http.ResponseWriter, kind string, status int, cache Cache, b []byte) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", string(cache))
	h.Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(status)
	_, _ = w.Write(b) // the other end is gone otherwise
}

// Secure sets the strict headers on every answer. A handler may replace the
// policy of something that isn't a page, such as a download.
func (s *Set) Secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", s.policy)
		// With no-referrer, browsers send Origin: null on plain http, which
		// http.CrossOriginProtection refuses.
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), clipboard-read=(), display-capture=(), geolocation=(), microphone=(), midi=(), payment=(), usb=()")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY") // for browsers older than frame-ancestors
		h.Set("Cache-Control", string(NoStore))
		next.ServeHTTP(w, r)
	})
}
