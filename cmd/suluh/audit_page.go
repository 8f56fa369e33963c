package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"runtime/debug"
	"time"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/internal/check"
	"suluh.example/suluh/internal/pagewatch"
	"suluh.example/suluh/internal/sandbox"
)

// thisRelease is the release that this program is.
func thisRelease() accesslog.Release {
	v := version(debug.ReadBuildInfo())
	return pagewatch.This(v[:min(len(v), 100)])
}

type auditWatchPageCmd struct {
	URL       string        `name:"url" required:"" placeholder:"URL" help:"Address of the intake, as reporters reach it."`
	LogKey    string        `placeholder:"VKEY|FILE" help:"With a log: its verifier key (name+hash+key), or a file that has it."`
	TokenFile string        `placeholder:"FILE" help:"File with the token that auditors have for the log's URL."`
	Times     int           `default:"10" help:"How often to look. A script that some visitors are served and others aren't shows the sooner."`
	Pause     time.Duration `default:"2s" help:"How long to wait between two looks."`
	Socks     string        `env:"SULUH_SOCKS" placeholder:"HOST:PORT" help:"SOCKS5 proxy that looks names up itself, such as Tor's: 127.0.0.1:9050. Each look asks it for a circuit of its own."`
	JSON      bool          `help:"Print one JSON object instead of sentences."`
	Log       string        `arg:"" optional:"" help:"A folder of tiles, a URL, or the vault's log.sock: the log says which release should be served. Without one, it is compared with this program's own."`
}

func (auditWatchPageCmd) Help() string {
	return `Fetches the pages for reporters as a visitor does, and compares their scripts with the release in the access log. The exit status is 1 if anything differs, also if the pages can't be fetched.
A server that means to read what reporters write could serve them another script, now and then, or to some. Look from places that it doesn't know, and often.

Examples:
  suluh audit watch-page --url https://lapor.inspektorat.example/
  suluh audit watch-page --url http://….onion/ --socks 127.0.0.1:9050 --times 30
  suluh audit watch-page --url https://lapor.inspektorat.example/ --log-key log.vkey --token-file token https://log.example/`
}

func (c *auditWatchPageCmd) rules() sandbox.Rules {
	r := sandbox.Rules{Read: zones()}
	if c.Log != "" {
		r = auditRules(c.Log)
	}
	r.Terminal = true
	r.Read = append(r.Read, named(c.LogKey, c.TokenFile)...)
	to := c.URL
	if c.Socks != "" {
		to = "socks5h://" + c.Socks
	}
	toURL(&r, to)
	return r
}

// watchedPage is what the command prints with --json.
type watchedPage struct {
	Same        bool                   `json:"same"`
	Looks       int                    `json:"looks"`
	Differing   int                    `json:"differing"` // looks in which something differed
	Release     string                 `json:"release"`   // version
	Differences []pagewatch.Difference `json:"differences,omitempty"`
}

// errPage says that a page isn't what it should be.
var errPage = errors.New("the pages are NOT those of the release")

func (c *auditWatchPageCmd) Run(ctx context.Context) error {
	base, err := url.Parse(c.URL)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" {
		return withHint(fmt.Errorf("--url %s is no address of a page", c.URL), "write it as reporters do, with https:// or http://")
	}
	if c.Times < 1 {
		return errors.New("--times is less than 1")
	}
	release, err := c.release(ctx)
	if err != nil {
		return err
	}
	found := watchedPage{Release: release.Version}
	seen := map[pagewatch.Difference]bool{}
	for i := range c.Times {
		if i > 0 {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(c.Pause):
			}
		}
		transport := http.DefaultTransport.(*http.Transport).Clone()
		if c.Socks != "" {
			via := &url.URL{Scheme: "socks5h", Host: c.Socks, User: url.UserPassword(rand.Text(), rand.Text())}
			transport.Proxy = http.ProxyURL(via)
		}
		differences, err := pagewatch.Look(ctx, transport, base, []accesslog.Release{release})
		transport.CloseIdleConnections()
		if err != nil {
			return withHint(err, "that is no difference: look whether the address is right and the service is up, and try again")
		}
		found.Looks++
		if len(differences) > 0 {
			found.Differing++
		}
		for _, d := range differences {
			if !seen[d] {
				seen[d] = true
				found.Differences = append(found.Differences, d)
				if !c.JSON {
					fmt.Println(check.Plain(d.String()))
				}
			}
		}
	}
	found.Same = found.Differing == 0
	if c.JSON {
		err = printLine(found)
	} else if found.Same {
		_, err = fmt.Printf("the pages are those of the release, in %d looks: %s\n", found.Looks, release.Version)
	}
	if !found.Same {
		err = errors.Join(err, withHint(fmt.Errorf("%w, in %d looks of %d", errPage, found.Differing, found.Looks),
			"tell nobody to report there until it is cleared up; keep what was found, and tell the Inspektur and the auditors, not only those who run the server"))
	}
	return err
}

// release returns what should be served: the newest release in the log, once the
// log is verified, or this program's own.
func (c *auditWatchPageCmd) release(ctx context.Context) (accesslog.Release, error) {
	if c.Log == "" {
		return thisRelease(), nil
	}
	if c.LogKey == "" {
		return accesslog.Release{}, errors.New("with a log, --log-key is needed")
	}
	log := auditLog{c.LogKey, c.TokenFile, c.Log}
	r, err := log.verify(ctx, false)
	if err != nil {
		return accesslog.Release{}, err
	}
	if len(r.Releases) == 0 {
		return accesslog.Release{}, withHint(errors.New("the log has no record of a release"), "the vault records it when it starts; without a log, the pages are compared with this program's own")
	}
	return r.Releases[len(r.Releases)-1].Release, nil
}
