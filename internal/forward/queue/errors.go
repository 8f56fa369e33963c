package queue

import (
	"fmt"
	"net/http"
	"strings"
)

// What may come of asking a queue.
var (
	ErrUnreachable = &Cause{key: "unreachable", text: "the queue can't be reached"}
	ErrBusy        = &Cause{key: "busy", text: "the queue asks to wait"}
	ErrCredentials = &Cause{key: "credentials", text: "the queue doesn't accept the credentials"}
	ErrAddress     = &Cause{key: "address", text: "what answers is not the queue's interface"}
	ErrMoved       = &Cause{key: "moved", text: "the queue has moved to another address"}
	ErrServer      = &Cause{key: "server", text: "the queue failed"}
	ErrCut         = &Cause{key: "cut", text: "no whole answer came from the queue"}
	ErrPage        = &Cause{key: "page", text: "the queue answered with a web page"}
	ErrAnswer      = &Cause{key: "answer", text: "the queue's answer can't be understood"}
	ErrLarge       = &Cause{key: "large", text: "the queue's answer is too large"}
)

// Why a complaint is refused, where the queue doesn't say.
var (
	ErrRefused = &Cause{key: "refused", text: "it gave no reason"}
	ErrClass   = &Cause{key: "class", text: "the queue takes none of this class"}
	ErrMarkup  = &Cause{key: "markup", text: "the text has HTML tags in it, which the queue doesn't take"}
)

// TooLong says by how many characters a text is longer than a queue takes.
func TooLong(by, most int) *Cause {
	return &Cause{key: "long", text: fmt.Sprintf("the text is too long by %d characters: the queue takes %d", by, most), pairs: []any{"N", by, "Most", most}}
}

// Cause is what is wrong. Its words for members stand in the catalogues under
// "forward.why." and the key: it is a forward.Worded.
type Cause struct {
	key, text string
	pairs     []any
}

func (c *Cause) Error() string { return c.text }

// Words returns its message.
func (c *Cause) Words() (key string, pairs []any) {
	return c.key, append([]any{"Code", 0, "Keys", ""}, c.pairs...)
}

// Said returns "".
func (c *Cause) Said() string { return "" }

// Error is a cause with what is known of it. It is a forward.Worded.
type Error struct {
	Cause *Cause
	Code  int    // of HTTP; 0 if there was no answer
	Keys  string // of the configuration that has the credentials
	Err   error  // of the connection

	said string
}

func (e *Error) Error() string {
	s := e.Cause.text
	if e.Cause == ErrCredentials && e.Keys != "" {
		s += ": renew " + e.Keys + " in the configuration"
	}
	if e.Code != 0 {
		s += " (" + strings.TrimSpace(fmt.Sprintf("HTTP %d %s", e.Code, http.StatusText(e.Code))) + ")"
	}
	if e.said != "" {
		s += ": " + e.said
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause, and what the connection says.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Cause}
	}
	return []error{e.Cause, e.Err}
}

// Words returns the cause's message.
func (e *Error) Words() (key string, pairs []any) {
	return e.Cause.key, append([]any{"Code", e.Code, "Keys", e.Keys}, e.Cause.pairs...)
}

// Said returns what the queue said besides.
func (e *Error) Said() string { return e.said }
