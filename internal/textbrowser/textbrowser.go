// Package textbrowser is a browser without JavaScript, styles or pictures, for
// tests: it loads a page, finds its forms, fills in and sends them the way a
// browser does, and shows the text. So tests say what a person does and sees,
// not which fields a handler reads.
//
// Only tests may import it. It talks to loopback only, keeps cookies like a
// browser, and follows redirects within the same site.
package textbrowser

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/textproto"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Browser is one person's browser.
type Browser struct {
	t      testing.TB
	client *http.Client
	onion  bool
	Agent  string // User-Agent, if not empty
}

// New returns a browser with nothing in it.
func New(t testing.TB) *Browser {
	t.Helper()
	return NewFrom(t, "127.0.0.1")
}

// NewFrom returns a browser that connects from the given loopback address.
func NewFrom(t testing.TB, address string) *Browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{
		DisableCompression: true,
		DialContext:        (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}).DialContext,
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &Browser{t: t, client: &http.Client{Jar: jar, Transport: transport}}
}

// NewThrough returns a browser that reaches onion services through tor's SOCKS
// port, on a circuit that it shares with those of the same name alone.
func NewThrough(t testing.TB, socks, name string) *Browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{
		DisableCompression: true,
		Proxy:              http.ProxyURL(&url.URL{Scheme: "socks5", User: url.UserPassword(name, "x"), Host: socks}),
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &Browser{t: t, client: &http.Client{Jar: jar, Transport: transport}, onion: true}
}

// Page is a page that was loaded.
type Page struct {
	b      *Browser
	URL    *url.URL
	Status int
	Header http.Header
	Body   []byte
	root   *html.Node
}

// Get loads a page and fails the test if nobody answers.
func (b *Browser) Get(address string) *Page {
	b.t.Helper()
	p, err := b.TryGet(address)
	if err != nil {
		b.t.Fatal(err)
	}
	return p
}

// TryGet is Get for servers that may be down.
func (b *Browser) TryGet(address string) (*Page, error) {
	req, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	return b.do(req)
}

func (b *Browser) do(req *http.Request) (*Page, error) {
	if host := req.URL.Hostname(); b.onion != strings.HasSuffix(host, ".onion") || !b.onion && host != "127.0.0.1" && host != "localhost" {
		return nil, errors.New("textbrowser talks to loopback only")
	}
	if b.Agent != "" {
		req.Header.Set("User-Agent", b.Agent)
	}
	r, err := b.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	p := &Page{b: b, URL: r.Request.URL, Status: r.StatusCode, Header: r.Header}
	if p.Body, err = io.ReadAll(r.Body); err != nil {
		return nil, err
	}
	p.root, err = html.Parse(bytes.NewReader(p.Body))
	return p, err
}

// Browser is the browser that has loaded the page.
func (p *Page) Browser() *Browser { return p.b }

// Text is what the page says, without markup, with single spaces.
func (p *Page) Text() string {
	var b strings.Builder
	visit(p.root, func(n *html.Node) {
		if n.Type == html.TextNode && (n.Parent == nil || n.Parent.DataAtom != atom.Style) {
			b.WriteString(n.Data + " ")
		}
	})
	return strings.Join(strings.Fields(b.String()), " ")
}

// Heading is the text of the first h1.
func (p *Page) Heading() string { return p.First(atom.H1) }

// First is the text of the first element of a kind, or "". A pre keeps its
// lines.
func (p *Page) First(a atom.Atom) (text string) {
	found := false
	visit(p.root, func(n *html.Node) {
		if n.DataAtom == a && !found {
			if found, text = true, textOf(n); a == atom.Pre {
				text = verbatim(n)
			}
		}
	})
	return text
}

// Items are the texts of the items of the first ordered list with the class.
func (p *Page) Items(class string) (items []string) {
	visit(p.root, func(n *html.Node) {
		if n.DataAtom == atom.Li && n.Parent != nil && strings.Contains(" "+attr(n.Parent, "class")+" ", " "+class+" ") {
			items = append(items, textOf(n))
		}
	})
	return items
}

// Follow loads what the link with the text leads to.
func (p *Page) Follow(text string) *Page {
	p.b.t.Helper()
	var href string
	visit(p.root, func(n *html.Node) {
		if n.DataAtom == atom.A && href == "" && strings.Contains(textOf(n), text) {
			href = attr(n, "href")
		}
	})
	u, err := p.URL.Parse(href)
	if href == "" || err != nil {
		p.b.t.Fatalf("%s has no link %q:\n%s", p.URL.Path, text, p.Text())
	}
	return p.b.Get(u.String())
}

// File is a file that a form sends. Body is read as it is sent.
type File struct {
	Field, Name, Type string
	Body              io.Reader
}

// Press fills in the form that has the button with the text, and presses it.
// Fields take the values given; what isn't given keeps what the page has.
func (p *Page) Press(button string, values map[string]string, files ...File) *Page {
	p.b.t.Helper()
	next, err := p.TryPress(button, values, files...)
	if err != nil {
		p.b.t.Fatal(err)
	}
	return next
}

// TryPress is Press for servers that may die meanwhile.
func (p *Page) TryPress(button string, values map[string]string, files ...File) (*Page, error) {
	p.b.t.Helper()
	form, pressed := p.find(button)
	if form == nil {
		p.b.t.Fatalf("%s has no button %q:\n%s", p.URL.Path, button, p.Text())
	}
	target := attr(form, "action")
	if a := attr(pressed, "formaction"); a != "" {
		target = a
	}
	u, err := p.URL.Parse(target)
	if err != nil {
		return nil, err
	}
	fields := p.fields(form, pressed, values)
	if strings.EqualFold(attr(form, "method"), "post") {
		return p.post(u, attr(form, "enctype"), fields, files)
	}
	query := url.Values{}
	for _, f := range fields {
		query.Add(f[0], f[1])
	}
	u.RawQuery = query.Encode()
	return p.b.TryGet(u.String())
}

func (p *Page) post(u *url.URL, enctype string, fields [][2]string, files []File) (*Page, error) {
	if enctype != "multipart/form-data" {
		values := url.Values{}
		for _, f := range fields {
			values.Add(f[0], f[1])
		}
		return p.send(u, "application/x-www-form-urlencoded", strings.NewReader(values.Encode()))
	}
	r, w := io.Pipe()
	m := multipart.NewWriter(w)
	go func() {
		w.CloseWithError(func() error {
			for _, f := range fields {
				if err := m.WriteField(f[0], f[1]); err != nil {
					return err
				}
			}
			for _, f := range files {
				h := textproto.MIMEHeader{}
				h.Set("Content-Disposition", multipart.FileContentDisposition(f.Field, f.Name))
				if f.Type != "" {
					h.Set("Content-Type", f.Type)
				}
				part, err := m.CreatePart(h)
				if err != nil {
					return err
				}
				if _, err := io.Copy(part, f.Body); err != nil {
					return err
				}
			}
			return m.Close()
		}())
	}()
	defer r.Close()
	return p.send(u, m.FormDataContentType(), r)
}

func (p *Page) send(u *url.URL, mediaType string, body io.Reader) (*Page, error) {
	req, err := http.NewRequest(http.MethodPost, u.String(), body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", mediaType)
	req.Header.Set("Origin", p.URL.Scheme+"://"+p.URL.Host)
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	return p.b.do(req)
}

// find returns the form that a button belongs to, and the button.
func (p *Page) find(button string) (form, pressed *html.Node) {
	visit(p.root, func(n *html.Node) {
		if form == nil && n.DataAtom == atom.Button && strings.Contains(textOf(n), button) {
			if id := attr(n, "form"); id != "" { // it stands elsewhere
				visit(p.root, func(f *html.Node) {
					if f.DataAtom == atom.Form && attr(f, "id") == id {
						form, pressed = f, n
					}
				})
				return
			}
			for at := n; at != nil; at = at.Parent {
				if at.DataAtom == atom.Form {
					form, pressed = at, n
					return
				}
			}
		}
	})
	return form, pressed
}

// fields returns what the form sends, in the order of the page.
func (p *Page) fields(form, pressed *html.Node, values map[string]string) (fields [][2]string) {
	p.b.t.Helper()
	used := map[string]bool{}
	add := func(name, value string) { fields = append(fields, [2]string{name, value}) }
	visit(form, func(n *html.Node) {
		name := attr(n, "name")
		given, has := values[name]
		switch {
		case name == "" && n != pressed:
		case n == pressed:
			if name != "" {
				add(name, attr(n, "value"))
			}
		case n.DataAtom == atom.Textarea:
			if used[name] = true; !has {
				given = verbatim(n)
			}
			add(name, strings.ReplaceAll(strings.ReplaceAll(given, "\r\n", "\n"), "\n", "\r\n"))
		case n.DataAtom == atom.Select:
			if used[name] = true; !has {
				given = chosen(n)
			}
			add(name, given)
		case n.DataAtom == atom.Input:
			switch kind := attr(n, "type"); kind {
			case "file", "submit", "button", "image", "reset":
			case "radio", "checkbox":
				used[name] = true
				on := hasAttr(n, "checked")
				if has {
					on = kind == "radio" && given == attr(n, "value") || kind == "checkbox" && (given == "on" || strings.Contains(" "+given+" ", " "+attr(n, "value")+" "))
				}
				if on {
					value := attr(n, "value")
					if value == "" {
						value = "on"
					}
					add(name, value)
				}
			default:
				if used[name] = true; !has {
					given = attr(n, "value")
				}
				add(name, given)
			}
		}
	})
	if attr(pressed, "form") != "" && attr(pressed, "name") != "" {
		add(attr(pressed, "name"), attr(pressed, "value"))
	}
	for name := range values {
		if !used[name] {
			p.b.t.Fatalf("the form on %s has no field %q", p.URL.Path, name)
		}
	}
	return fields
}

func chosen(n *html.Node) (value string) {
	first := true
	visit(n, func(o *html.Node) {
		if o.DataAtom == atom.Option && (first || hasAttr(o, "selected")) {
			if first, value = false, attr(o, "value"); !hasAttr(o, "value") {
				value = textOf(o)
			}
		}
	})
	return value
}

func visit(n *html.Node, f func(*html.Node)) {
	f(n)
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		visit(c, f)
	}
}

func textOf(n *html.Node) string {
	var b strings.Builder
	visit(n, func(c *html.Node) {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		}
	})
	return strings.Join(strings.Fields(b.String()), " ")
}

// verbatim keeps line ends and spaces, as a browser does in a textarea.
func verbatim(n *html.Node) string {
	var b strings.Builder
	visit(n, func(c *html.Node) {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		}
	})
	return b.String()
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func hasAttr(n *html.Node, name string) bool {
	for _, a := range n.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}

// Value is what a field of the page holds, for checks that nothing is lost.
func (p *Page) Value(name string) (value string, err error) {
	err = fmt.Errorf("%s has no field %q", p.URL.Path, name)
	visit(p.root, func(n *html.Node) {
		if attr(n, "name") != name || err == nil {
			return
		}
		switch {
		case n.DataAtom == atom.Textarea:
			value, err = verbatim(n), nil
		case n.DataAtom == atom.Input && (attr(n, "type") == "radio" || attr(n, "type") == "checkbox"):
			if hasAttr(n, "checked") {
				value, err = attr(n, "value"), nil
			}
		case n.DataAtom == atom.Input:
			value, err = attr(n, "value"), nil
		case n.DataAtom == atom.Select:
			value, err = chosen(n), nil
		}
	})
	return value, err
}

// Box is the value of the checkbox or radio of a name whose label has the text,
// or "".
func (p *Page) Box(name, label string) (value string) {
	ids := map[string]string{}
	visit(p.root, func(n *html.Node) {
		if n.DataAtom == atom.Input && attr(n, "name") == name {
			ids[attr(n, "id")] = attr(n, "value")
		}
	})
	visit(p.root, func(n *html.Node) {
		if v, ok := ids[attr(n, "for")]; ok && n.DataAtom == atom.Label && value == "" && strings.Contains(textOf(n), label) {
			value = v
		}
	})
	return value
}
