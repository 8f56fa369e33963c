// Package limits keeps a few from taking the service from the many. It counts
// what comes on a circuit of tor's: requests at once and per time, deposits, files,
// and codes that nobody has. Whoever has used up his share waits; nobody else
// notices.
//
// A circuit belongs to one person, for as long as she stays. So its limits can be
// narrow, and a flood has to come on many circuits, each of which costs the proof
// of work that tor asks for. What is known of a circuit is in memory alone, and
// forgotten once it has been idle; the number of circuits is bounded. When there are
// more, those unused for longest are forgotten, which does them no harm: to be
// forgotten is to have a whole share again. Whoever would use that to get his own
// share back needs more new circuits than the table has places, and each of these
// has a share of its own anyway.
//
// On a listener without circuits, nobody can be told from anybody else. There are no
// limits per address: a phone carrier puts thousands of people behind one, and
// addresses are never kept. What is left is a limit of files that come at once, since
// each takes memory; it has places of its own, so that a flood of the open web takes
// none from those who come by Tor. A report or a reply without a file needs no place.
// Files are never cut for being slow, but when all places are taken and somebody
// waits: then those of whom next to nothing comes make room.
//
// Codes that nobody has are counted over everything, too. But no look-up without a
// circuit is ever refused: to refuse only those that find nothing hinders nobody who
// guesses, and to refuse them all would let anyone with a script lock out those who
// have a code. A code has 99 random bits; what may be guessed is the rest of a paper
// that somebody has torn. Where there are circuits it is slow to: each may miss a few
// times, and when many have missed lately, none that has may ask at once.
//
// The package must never write down or print a circuit's name, nor know an address.
package limits

import (
	"container/list"
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// Rate is so many at once, and one more each time that Every has passed.
type Rate struct {
	Burst int
	Every time.Duration
}

func (r Rate) limiter() *rate.Limiter { return rate.NewLimiter(rate.Every(r.Every), r.Burst) }

// Rules are how much is a share. The first are of one circuit.
type Rules struct {
	Requests Rate
	AtOnce   int  // requests under way
	Deposits Rate // reports, replies
	Files    Rate // attachments that are begun
	Sending  int  // requests under way that bring files
	Unknown  Rate // codes that nobody has
	Refused  Rate // requests that are told to wait; others are told nothing any more

	// Of all circuits together, and of all requests without one together.
	Places int           // requests under way that bring files
	Queue  time.Duration // how long one of them waits for a place
	Slow   int64         // bytes a second with which one keeps its place while others wait
	Window time.Duration // how long it is looked at for that

	AllUnknown Rate // codes that nobody has, over everything

	Circuits int           // that are remembered
	Idle     time.Duration // until one is forgotten
}

// Default is what people don't notice, one on each circuit: two hundred photos, ten
// reports, an afternoon of reading.
func Default() Rules {
	return Rules{
		Requests:   Rate{120, time.Second / 2},
		AtOnce:     12,
		Deposits:   Rate{10, time.Minute},
		Files:      Rate{200, 10 * time.Second},
		Sending:    4,
		Unknown:    Rate{10, time.Minute},
		Refused:    Rate{60, time.Second},
		Places:     128,
		Queue:      time.Minute,
		Slow:       1 << 10,
		Window:     30 * time.Second,
		AllUnknown: Rate{300, time.Second / 5},
		Circuits:   8192,
		Idle:       40 * time.Minute,
	}
}

// Limits are the shares. They are safe for concurrent use.
type Limits struct {
	rules Rules

	mu         sync.Mutex
	circuits   map[string]*list.Element // of *circuit
	recent     *list.List               // the one used last is in front
	allUnknown *rate.Limiter
	warned     time.Time

	onion, open pool
}

// pool is the places of those with a circuit, or without.
type pool struct {
	taken map[*Place]struct{}
	freed chan struct{} // closed when there is room again
}

// circuit is what is known of one.
type circuit struct {
	id              string
	used            time.Time
	requests        *rate.Limiter
	refused         *rate.Limiter
	deposits        *rate.Limiter
	files           *rate.Limiter
	unknown         *rate.Limiter
	atOnce, sending int
}

// New begins with everybody's share whole.
func New(r Rules) *Limits {
	empty := func() pool { return pool{map[*Place]struct{}{}, make(chan struct{})} }
	return &Limits{
		rules: r, circuits: map[string]*list.Element{}, recent: list.New(), allUnknown: r.AllUnknown.limiter(),
		onion: empty(), open: empty(),
	}
}

// Client is somebody whose share is counted.
type Client struct {
	l *Limits
	c *circuit // nil without one
}

// Of returns whoever comes on a circuit, or without one.
func (l *Limits) Of(id string, known bool) Client {
	if !known {
		return Client{l, nil}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	e, ok := l.circuits[id]
	if !ok {
		l.forget(now, l.rules.Circuits-1)
		e = l.recent.PushFront(&circuit{
			id: id, requests: l.rules.Requests.limiter(), refused: l.rules.Refused.limiter(), deposits: l.rules.Deposits.limiter(),
			files: l.rules.Files.limiter(), unknown: l.rules.Unknown.limiter(),
		})
		l.circuits[id] = e
	}
	c := e.Value.(*circuit)
	c.used = now
	l.recent.MoveToFront(e)
	return Client{l, c}
}

// Forget forgets circuits that have been idle.
func (l *Limits) Forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forget(time.Now(), l.rules.Circuits)
}

// forget leaves at most most circuits that have nothing under way, and none that is
// idle. What is under way is bounded elsewhere, by the connections that there may be.
func (l *Limits) forget(now time.Time, most int) {
	for e := l.recent.Back(); e != nil; {
		c, before := e.Value.(*circuit), e.Prev()
		if l.recent.Len() <= most && now.Sub(c.used) < l.rules.Idle {
			return
		}
		if c.atOnce == 0 {
			l.recent.Remove(e)
			delete(l.circuits, c.id)
		}
		e = before
	}
}

// Len is how many circuits are remembered.
func (l *Limits) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.recent.Len()
}

// full is how long somebody waits for others to be done, not for time to pass.
const full = 30 * time.Second

// Request counts a request. If wait isn't 0, it is too many, and so long has to be
// waited; otherwise end must be called once it is done.
func (x Client) Request() (end func(), wait time.Duration) {
	if x.c == nil {
		return func() {}, 0
	}
	x.l.mu.Lock()
	defer x.l.mu.Unlock()
	if x.c.atOnce >= x.l.rules.AtOnce {
		return nil, full
	}
	if wait := take(x.c.requests, time.Now()); wait > 0 {
		return nil, wait
	}
	x.c.atOnce++
	return sync.OnceFunc(func() {
		x.l.mu.Lock()
		defer x.l.mu.Unlock()
		x.c.atOnce--
		x.c.used = time.Now()
	}), 0
}

// Deposit counts a report or a reply.
func (x Client) Deposit() (wait time.Duration) {
	if x.c == nil {
		return 0
	}
	return x.take(x.c.deposits)
}

// File counts a file that is begun.
func (x Client) File() (wait time.Duration) {
	if x.c == nil {
		return 0
	}
	return x.take(x.c.files)
}

// Refused tells whether somebody is still told to wait, and how long.
func (x Client) Refused() bool { return x.c == nil || x.take(x.c.refused) == 0 }

// Place is one for files that come in a request.
type Place struct {
	x    Client
	cut  func()
	read atomic.Int64

	// Under the lock of Limits:
	at   time.Time // when it was last looked at
	seen int64     // what read was then
}

// Place takes a place for files that come, and waits for one if all are taken. When
// more than half are, a circuit has one at most. Cut ends the reads of the request;
// it is called when the place is needed and next to nothing comes. A place has to be
// left.
func (x Client) Place(ctx context.Context, cut func()) (p *Place, wait time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, x.l.rules.Queue)
	defer cancel()
	p = &Place{x: x, cut: cut}
	for {
		ok, freed := p.enter()
		switch {
		case ok:
			return p, 0
		case freed == nil:
			return nil, full
		}
		look := time.NewTimer(x.l.rules.Window / 6)
		select {
		case <-freed:
			look.Stop()
		case <-look.C:
		case <-ctx.Done():
			look.Stop()
			return nil, 2 * full
		}
	}
}

func (x Client) pool() *pool {
	if x.c == nil {
		return &x.l.open
	}
	return &x.l.onion
}

// enter takes the place if there is one, or tells what to wait for; nothing if
// waiting is of no use.
func (p *Place) enter() (ok bool, freed <-chan struct{}) {
	l, c, of := p.x.l, p.x.c, p.x.pool()
	l.mu.Lock()
	defer l.mu.Unlock()
	if c != nil && (c.sending >= l.rules.Sending || c.sending > 0 && len(of.taken) >= l.rules.Places/2) {
		return false, nil
	}
	now := time.Now()
	if len(of.taken) >= l.rules.Places {
		for other := range of.taken {
			other.look(now, l.rules)
		}
		return false, of.freed
	}
	p.at = now
	of.taken[p] = struct{}{}
	if c != nil {
		c.sending++
	}
	return true, nil
}

// look cuts a request of which next to nothing has come since somebody waits.
func (p *Place) look(now time.Time, r Rules) {
	since := now.Sub(p.at)
	if since < r.Window {
		return
	}
	read := p.read.Load()
	if float64(read-p.seen) < float64(r.Slow)*since.Seconds() {
		p.cut()
	}
	p.at, p.seen = now, read
}

// Came counts bytes of the request that holds the place.
func (p *Place) Came(n int) { p.read.Add(int64(n)) }

// Leave makes room for somebody else. It may be called twice.
func (p *Place) Leave() {
	l, of := p.x.l, p.x.pool()
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := of.taken[p]; !ok {
		return
	}
	delete(of.taken, p)
	if p.x.c != nil {
		p.x.c.sending--
	}
	close(of.freed)
	of.freed = make(chan struct{})
}

// Look tells how long somebody has to wait before a code is looked up.
func (x Client) Look() (wait time.Duration) {
	if x.c == nil {
		return 0
	}
	x.l.mu.Lock()
	defer x.l.mu.Unlock()
	now := time.Now()
	if left := x.c.unknown.TokensAt(now); left < 1 {
		return until(x.c.unknown, left)
	}
	if left := x.l.allUnknown.TokensAt(now); left < 1 && x.c.unknown.TokensAt(now) < float64(x.l.rules.Unknown.Burst) {
		return full
	}
	return 0
}

// Unknown counts a code that nobody has. Many tells that there are more of them than
// people mistype; it does once in an hour.
func (x Client) Unknown() (many bool) {
	x.l.mu.Lock()
	defer x.l.mu.Unlock()
	now := time.Now()
	if x.c != nil {
		x.c.unknown.AllowN(now, 1)
	}
	if x.l.allUnknown.AllowN(now, 1) || now.Sub(x.l.warned) < time.Hour {
		return false
	}
	x.l.warned = now
	return true
}

func (x Client) take(r *rate.Limiter) time.Duration {
	x.l.mu.Lock()
	defer x.l.mu.Unlock()
	return take(r, time.Now())
}

// take takes one, or tells how long it is until there is one.
func take(r *rate.Limiter, now time.Time) time.Duration {
	if r.AllowN(now, 1) {
		return 0
	}
	return until(r, r.TokensAt(now))
}

// until is how long it is until one is there, if so much of one is left: at least a
// second.
func until(r *rate.Limiter, left float64) time.Duration {
	return time.Duration(math.Ceil(max(1, (1-left)/float64(r.Limit())))) * time.Second
}
