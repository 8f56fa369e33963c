package serve

import (
	"container/list"
	"net"
	"net/http"
	"sync"
)

// mostWaiting is how many connections may be open on which no whole request header has
// come yet, or none since the last one was answered. Each takes some 20 KiB.
const mostWaiting = 1000

// waiting are those connections. When there are more, the one that waits for longest is
// closed: who opens connections and asks nothing, or a header's line a minute, closes
// his own, and somebody who has just come has the time that a thousand others take to
// come.
type waiting struct {
	mu    sync.Mutex
	most  int
	order *list.List // of net.Conn; the one that waits for longest is in front
	at    map[net.Conn]*list.Element
}

func newWaiting(most int) *waiting {
	return &waiting{most: most, order: list.New(), at: map[net.Conn]*list.Element{}}
}

// state is told by net/http what becomes of a connection.
func (w *waiting) state(c net.Conn, s http.ConnState) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if e := w.at[c]; e != nil {
		w.order.Remove(e)
		delete(w.at, c)
	}
	if s != http.StateNew && s != http.StateIdle {
		return
	}
	w.at[c] = w.order.PushBack(c)
	if w.order.Len() <= w.most {
		return
	}
	longest := w.order.Remove(w.order.Front()).(net.Conn)
	delete(w.at, longest)
	go longest.Close() // TLS says goodbye first, which may take seconds
}
