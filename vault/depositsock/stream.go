package depositsock

import (
	"errors"
	"io"
	"sync"
)

// stream is the body of a request that somebody else writes, straight to where
// net/http would copy it: a pipe would copy each frame once more, and for each a
// goroutine would have to wake and be waited for.
type stream struct {
	lent  chan struct{} // closed once there is a place to write to
	ended chan struct{} // closed once nothing more may be written
	once  sync.Once
	err   error // why it ended; nil: it is whole

	writing sync.Mutex
	to      io.Writer
	n       int64
}

func newStream() *stream { return &stream{lent: make(chan struct{}), ended: make(chan struct{})} }

// WriteTo lends net/http's writer to whoever writes, until the end.
func (s *stream) WriteTo(w io.Writer) (int64, error) {
	s.to = w
	close(s.lent)
	<-s.ended
	s.writing.Lock() // and what was being written is
	defer s.writing.Unlock()
	return s.n, s.err
}

// Write waits until there is a place to write to.
func (s *stream) Write(p []byte) (int, error) {
	select {
	case <-s.lent:
	case <-s.ended:
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	select {
	case <-s.ended:
		return 0, errors.Join(s.err, io.ErrClosedPipe)
	default:
	}
	n, err := s.to.Write(p)
	s.n += int64(n)
	if err != nil {
		s.end(err)
	}
	return n, err
}

// end ends it, whole if err is nil. Only the first end counts. It doesn't wait for
// what is being written.
func (s *stream) end(err error) {
	s.once.Do(func() {
		s.err = err
		close(s.ended)
	})
}

// Close is net/http's, once it sends no more.
func (s *stream) Close() error {
	s.end(io.ErrClosedPipe)
	return nil
}

// Read is for the interface alone: net/http prefers WriteTo.
func (s *stream) Read([]byte) (int, error) { return 0, errors.ErrUnsupported }
