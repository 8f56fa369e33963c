package forward

import (
	"fmt"
	"io"

	"suluh.example/suluh/crypto/accesslog"
)

// Numbers are what may be watched of an engine. None tells of a case.
type Numbers struct {
	Items      map[accesslog.Stage]int // that the vault has for us, by stage
	Unreadable int                     // of these, that nothing is done with
	Held       int                     // outcomes that the vault has yet to take
	QueueDown  bool                    // nothing is sent for now
	VaultDown  bool

	// Since the engine started.
	Sent, Refused, Unknown, Stopped, NotSent, Polls, PollErrors int
}

func newNumbers() Numbers { return Numbers{Items: map[accesslog.Stage]int{}} }

// Numbers returns how things are.
func (e *Engine) Numbers() Numbers {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.numbers // Items is never changed once it is set
}

func (e *Engine) add(change func(*Numbers)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	change(&e.numbers)
}

// count takes over what has come to be so.
func (e *Engine) count() {
	items, unreadable, held := map[accesslog.Stage]int{}, 0, 0
	for _, x := range e.items {
		items[x.State]++
		if x.Err != nil {
			unreadable++
		}
		if x.held != nil {
			held++
		}
	}
	down := e.sends.open(e.c.Now())
	e.add(func(n *Numbers) {
		n.Items, n.Unreadable, n.Held, n.QueueDown, n.VaultDown = items, unreadable, held, down, e.away
	})
}

// WriteMetrics writes the text that Prometheus reads.
func (e *Engine) WriteMetrics(w io.Writer) error {
	n := e.Numbers()
	var err error
	put := func(name, kind, help string, lines ...any) {
		if err == nil {
			_, err = fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
		}
		for i := 0; i+1 < len(lines) && err == nil; i += 2 {
			_, err = fmt.Fprintf(w, "%s%s %d\n", name, lines[i], lines[i+1])
		}
	}
	var stages []any
	for _, s := range accesslog.Stages() {
		if s.HasItem() {
			stages = append(stages, fmt.Sprintf("{stage=%q}", s), n.Items[s])
		}
	}
	put("suluh_forward_items", "gauge", "Items that wait, are on their way, of an unknown fate, or at the queue.", stages...)
	put("suluh_forward_unreadable", "gauge", "Items that can't be opened or were not approved as they must be.", "", n.Unreadable)
	put("suluh_forward_untold", "gauge", "Outcomes that the vault has yet to take.", "", n.Held)
	put("suluh_forward_queue_down", "gauge", "1 while nothing is sent because the queue fails.", "", one(n.QueueDown))
	put("suluh_forward_vault_down", "gauge", "1 while the vault does not answer.", "", one(n.VaultDown))
	put("suluh_forward_outcomes_total", "counter", "What became of items since the start.",
		`{result="sent"}`, n.Sent, `{result="refused"}`, n.Refused, `{result="unknown"}`, n.Unknown,
		`{result="stopped"}`, n.Stopped, `{result="waiting"}`, n.NotSent)
	put("suluh_forward_polls_total", "counter", "Questions where a complaint stands, since the start.", `{answered="yes"}`, n.Polls, `{answered="no"}`, n.PollErrors)
	return err
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}
