// Package pagewatch looks at an intake's pages as a visitor does, and compares the
// scripts that they bring with those of a release. A server that serves another
// script to some of its visitors can read what those write, and nothing on its
// own pages would tell them. Whoever looks from outside, often enough and from
// enough places, is one of those visitors.
//
// It must look like anybody: no header says who is looking, and each look is a
// connection of its own.
package pagewatch

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/web/browser"
)

// Pages are those that are looked at: all that a reporter can reach without
// sending anything, in both languages.
func Pages() []string {
	var all []string
	for _, language := range []string{"", "/en"} {
		for _, p := range []string{"/", "/lapor", "/lapor/tulis", "/cek"} {
			all = append(all, language+p)
		}
	}
	return all
}

const (
	maxPage   = 1 << 20
	maxScript = 8 << 20
	patience  = 2 * time.Minute // over Tor
)

// ErrAway says that the pages could not be fetched, which is no difference.
var ErrAway = errors.New("the pages could not be fetched")

// Difference is what a look has found.
type Difference struct {
	Page string `json:"page"` // path
	What string `json:"what"` // a sentence's end
	Want string `json:"want,omitempty"`
	Got  string `json:"got,omitempty"`
}

func (d Difference) String() string {
	s := d.Page + ": " + d.What
	if d.Got != "" {
		s += ": " + d.Got
	}
	if d.Want != "" {
		s += ", and not " + d.Want
	}
	return s
}

// This is the release that this very program brings.
func This(version string) accesslog.Release {
	return accesslog.Release{Version: version, App: id.DigestOf(browser.App().Bytes), Worker: id.DigestOf(browser.Worker().Bytes)}
}

// Look fetches all pages and their scripts once, by a transport that is used for
// nothing else, and returns what isn't that of one of the releases. The error is
// [ErrAway].
func Look(ctx context.Context, transport http.RoundTripper, base *url.URL, releases []accesslog.Release) ([]Difference, error) {
	l := &look{ctx: ctx, base: base, client: &http.Client{
		Transport: transport, Timeout: patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	scripts := map[string][]byte{}
	for _, p := range []string{browser.AppPath, browser.WorkerPath} {
		b, _, err := l.get(p, maxScript, "script")
		if err != nil {
			return nil, err
		}
		scripts[p] = b
	}
	app, worker := id.Digest(sha256.Sum256(scripts[browser.AppPath])), id.Digest(sha256.Sum256(scripts[browser.WorkerPath]))
	known := slices.IndexFunc(releases, func(r accesslog.Release) bool { return r.App == app && r.Worker == worker })
	if known < 0 {
		newest := releases[len(releases)-1]
		if app != newest.App {
			l.add(browser.AppPath, "the script is of no release", newest.App.String(), app.String())
		}
		if worker != newest.Worker {
			l.add(browser.WorkerPath, "the script is of no release", newest.Worker.String(), worker.String())
		}
		if len(l.found) == 0 {
			l.add(browser.AppPath, "the scripts are of two releases", "", "")
		}
	}
	sum := sha512.Sum384(scripts[browser.AppPath])
	integrity := "sha384-" + base64.StdEncoding.EncodeToString(sum[:])
	for _, p := range Pages() {
		b, h, err := l.get(p, maxPage, "document")
		if err != nil {
			return nil, err
		}
		l.page(p, b, h, integrity)
	}
	return l.found, nil
}

type look struct {
	ctx    context.Context
	base   *url.URL
	client *http.Client
	found  []Difference
}

func (l *look) add(page, what, want, got string) {
	l.found = append(l.found, Difference{page, what, want, got})
}

// get fetches as a common browser does: Tor Browser's, which is the same for all
// of its users.
func (l *look) get(path string, most int64, kind string) ([]byte, http.Header, error) {
	req, err := http.NewRequestWithContext(l.ctx, http.MethodGet, l.base.JoinPath(path).String(), nil)
	if err != nil {
		return nil, nil, err
	}
	req.Header.Set("User-Agent", "Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0")
	req.Header.Set("Accept-Language", "en-US,en;q=0.5")
	req.Header.Set("Accept", map[string]string{"document": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "script": "*/*"}[kind])
	req.Header.Set("Sec-Fetch-Dest", kind)
	res, err := l.client.Do(req)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrAway, err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, most+1))
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("%w: %w", ErrAway, err)
	case res.StatusCode == http.StatusTooManyRequests || res.StatusCode >= 500:
		return nil, nil, fmt.Errorf("%w: %s answers %s", ErrAway, path, res.Status)
	case res.StatusCode != http.StatusOK:
		l.add(path, "it answers "+res.Status, "", "")
	case int64(len(b)) > most:
		l.add(path, fmt.Sprintf("it is larger than %d bytes", most), "", "")
	}
	return b, res.Header, nil
}

// page finds in a page whatever runs, or loads, or sends to elsewhere, and isn't
// the one script that each page has.
func (l *look) page(path string, body []byte, h http.Header, integrity string) {
	policy := h.Get("Content-Security-Policy")
	for _, word := range []string{"default-src 'none'", "form-action 'self'"} {
		if !slices.ContainsFunc(strings.Split(policy, ";"), func(s string) bool { return strings.TrimSpace(s) == word }) {
			l.add(path, "its policy lacks "+word, "", policy)
		}
	}
	if strings.Contains(policy, "unsafe-") {
		l.add(path, "its policy allows what it must not", "", policy)
	}
	root, err := html.Parse(strings.NewReader(string(body)))
	if err != nil {
		l.add(path, "it is no page", "", "")
		return
	}
	scripts := 0
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		attribute := map[string]string{}
		for _, a := range n.Attr {
			attribute[a.Key] = a.Val
			if strings.HasPrefix(a.Key, "on") {
				l.add(path, "an element runs something", "", "<"+n.Data+" "+a.Key+">")
			}
			if slices.Contains([]string{"href", "src", "action", "formaction", "data", "poster", "srcset", "xlink:href"}, a.Key) {
				l.address(path, n, a)
			}
		}
		switch n.DataAtom {
		case atom.Script:
			scripts++
			switch src := attribute["src"]; {
			case src != browser.AppPath:
				l.add(path, "it has a script of its own", browser.AppPath, src)
			case attribute["integrity"] != integrity:
				l.add(path, "it names another script than the one that is served", integrity, attribute["integrity"])
			}
		case atom.Iframe, atom.Frame, atom.Object, atom.Embed, atom.Applet, atom.Base, atom.Svg, atom.Math:
			l.add(path, "it has an element that it must not have", "", "<"+n.Data+">")
		case atom.Meta:
			if attribute["http-equiv"] != "" {
				l.add(path, "it has an element that it must not have", "", "<meta http-equiv>")
			}
		case atom.Link:
			if attribute["rel"] != "icon" {
				l.add(path, "it loads something", "", "<link rel="+attribute["rel"]+">")
			}
		}
	}
	if scripts > 1 {
		l.add(path, fmt.Sprintf("it has %d scripts", scripts), "", "")
	}
}

// address looks at where a page leads, loads from or sends to.
func (l *look) address(path string, n *html.Node, a html.Attribute) {
	u, err := url.Parse(strings.TrimSpace(a.Val))
	if err != nil {
		l.add(path, "it has a malformed address", "", "<"+n.Data+" "+a.Key+">")
		return
	}
	own := u.Scheme == "" && u.Host == ""
	switch {
	case own, a.Val == "data:,":
	case n.DataAtom == atom.A && a.Key == "href" && (u.Scheme == "https" || u.Scheme == "http"):
		// A person sees where a link leads before it is followed: "leave quickly", the onion address.
	default:
		l.add(path, "it loads from or sends to elsewhere", "", "<"+n.Data+" "+a.Key+"="+u.Scheme+"://"+u.Host+">")
	}
}
