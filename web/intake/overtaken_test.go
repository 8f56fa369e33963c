package intake_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"suluh.example/suluh/vault/depositsock"
)

// fickle sends uploads over connections that break, as browsers do: what broke is sent
// again over a new connection, by the browser itself at once and as it was, or by the
// page, which asks before how much is there. What was sent before may still be on its
// way then.
type fickle struct {
	t    testing.TB
	to   string
	dice *mathrand.Rand
	lost *atomic.Int64 // connections
	held *atomic.Int64 // requests that gave way to another, though their connection held
}

// ask sends a request over a connection of its own, which breaks after so many bytes
// of the body: the status is 0 then.
func (f *fickle) ask(method, path string, headers string, body []byte, most int) (status int, h http.Header) {
	c, err := net.Dial("tcp", f.to)
	if err != nil {
		f.t.Error(err)
		return 0, nil
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Minute)) // whoever has to wait for so long has failed
	fmt.Fprintf(c, "%s %s HTTP/1.1\r\nHost: %s\r\nTus-Resumable: 1.0.0\r\n%sContent-Length: %d\r\n\r\n", method, path, f.to, headers, len(body))
	if most < len(body) {
		_, _ = c.Write(body[:most])
		if f.dice.IntN(2) == 0 {
			_ = c.(*net.TCPConn).SetLinger(0) // as when a machine on the way forgets it
		}
		f.lost.Add(1)
		return 0, nil
	}
	_, _ = c.Write(body) // if it fails, there may be an answer all the same
	r, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: method})
	if err != nil {
		f.t.Errorf("%s isn't answered: %v", method, err)
		return 0, nil
	}
	_, _ = io.Copy(io.Discard, r.Body)
	return r.StatusCode, r.Header
}

// patch tells whether all is there.
func (f *fickle) patch(path string, data []byte, offset, most int) bool {
	status, _ := f.ask("PATCH", path, fmt.Sprintf("Content-Type: application/offset+octet-stream\r\nUpload-Offset: %d\r\n", offset), data[offset:], most)
	switch status {
	case http.StatusNoContent:
		return true
	case http.StatusLocked:
		f.held.Add(1)
	case 0, http.StatusConflict, http.StatusServiceUnavailable:
	default:
		f.t.Errorf("PATCH is answered with %d, after which no client of tus goes on", status)
	}
	return false
}

func (f *fickle) upload(data []byte) (path string) {
	status, h := f.ask("POST", depositsock.Files, "Upload-Length: "+strconv.Itoa(len(data))+"\r\n", nil, 0)
	path = h.Get("Location")
	if status != http.StatusCreated {
		f.t.Errorf("no upload begins: %d", status)
		return path
	}
	for offset := 0; offset < len(data) && !f.t.Failed(); {
		broken := f.dice.IntN(min(len(data)-offset, 1<<20))
		if f.patch(path, data, offset, broken) || f.dice.IntN(2) == 0 && f.patch(path, data, offset, len(data)) {
			return path
		}
		if f.dice.IntN(2) == 0 {
			time.Sleep(time.Duration(f.dice.IntN(2000)) * time.Microsecond)
		}
		status, h := f.ask("HEAD", path, "", nil, 0)
		n, err := strconv.Atoi(h.Get("Upload-Offset"))
		if status != http.StatusOK || err != nil || n < offset {
			f.t.Errorf("%d bytes were there, and then %q (%d)", offset, h.Get("Upload-Offset"), status)
			return path
		}
		offset = n
	}
	return path
}

// TestOvertaken: what is sent again over a new connection may reach the vault before
// what broke, which then takes the upload over for a moment. Nobody's upload ends by
// that, no request waits for long, and what arrives is whole.
func TestOvertaken(t *testing.T) {
	w := newWorld(t, config{})
	const size = 4 << 20
	var lost, held atomic.Int64
	var all sync.WaitGroup
	for i := range uint64(4) {
		f := &fickle{t, strings.TrimPrefix(w.url, "http://"), mathrand.New(mathrand.NewPCG(i, i)), &lost, &held}
		all.Go(func() {
			// On a machine that has nothing else to do, hardly any is overtaken.
			for n := 0; n < 3 || held.Load() == 0 && n < 50; n++ {
				data, err := io.ReadAll(io.LimitReader(mathrand.NewChaCha8([32]byte{byte(i)}), size))
				if err != nil {
					t.Error(err)
					return
				}
				copy(data, "age-encryption.org/v1\n")
				path := f.upload(data)
				if t.Failed() {
					return
				}
				file := filepath.Join(w.dir, "uploads", strings.TrimPrefix(path, depositsock.Files)+"."+strconv.Itoa(size))
				if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, data) {
					t.Errorf("an upload isn't as it was sent (%v)", err)
				}
			}
		})
	}
	all.Wait()
	t.Logf("%d connections were lost; %d requests gave way to others", lost.Load(), held.Load())
	if held.Load() == 0 && !t.Failed() {
		t.Error("none was overtaken: the test did not try what it should")
	}
}
