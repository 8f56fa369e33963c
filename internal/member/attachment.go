package member

import (
	"context"
	"errors"
	"io"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/seal"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/vault/membersock"
)

// Attachment is a content that a letter describes.
type Attachment struct {
	report.Attachment
	Number int
	Day    id.Day
	Gone   bool // the vault doesn't have it
	object id.Object
}

// attach numbers the attachments of the letters, and finds contents that no
// letter describes.
func (c *Case) attach(held []membersock.CaseObject) {
	described := map[id.Digest]bool{}
	for _, m := range c.Messages {
		if m.Letter == nil {
			continue
		}
		for _, a := range m.Letter.Attachments {
			x := Attachment{Attachment: a, Number: len(c.Attachments) + 1, Day: m.Day, Gone: true}
			for _, o := range held {
				if o.Role == id.RoleContent && o.Digest == a.Object {
					x.object, x.Gone = o.Object, false
				}
			}
			described[a.Object] = true
			c.Attachments = append(c.Attachments, x)
		}
	}
	c.Files = len(c.Attachments)
	for _, o := range held {
		if o.Role == id.RoleContent && !described[o.Digest] {
			c.Unopened = append(c.Unopened, Unopened{o, report.ErrFormat})
		}
	}
	for _, o := range held {
		if o.Role == id.RoleLetter || o.Role == id.RoleAnswer || o.Role == id.RoleNote {
			c.Letters++
		}
	}
}

// Attachment returns one content, which is recorded as opening. At its end the
// reader returns, in place of io.EOF, [seal.ErrLength] or [seal.ErrDigest] if
// it isn't what the letter describes: only what was read to io.EOF may be
// trusted. The number is the one in [Case.Attachments].
func (s *Session) Attachment(ctx context.Context, of id.Case, number int) (Attachment, io.ReadCloser, error) {
	c, err := s.Recall(ctx, of)
	if err != nil {
		return Attachment{}, nil, err
	}
	if number < 1 || number > len(c.Attachments) || c.Attachments[number-1].Gone {
		return Attachment{}, nil, ErrContent
	}
	x := c.Attachments[number-1]
	a, err := s.act(ctx, accesslog.Statement{Action: accesslog.Open, Case: of, Objects: []id.Object{x.object}}, nil)
	if err != nil {
		return x, nil, err
	}
	for {
		o, r, err := a.Next()
		if err == nil && o.Digest != x.object.Digest {
			continue // a wrap
		}
		var plain io.Reader
		if err == nil {
			plain, err = seal.OpenContent(r, x.Size, x.object.Digest, c.key.Identities()...)
		}
		if errors.Is(err, io.EOF) {
			err = ErrContent
		}
		if err != nil {
			a.Close()
			return x, nil, err
		}
		return x, struct {
			io.Reader
			io.Closer
		}{plain, a}, nil
	}
}
