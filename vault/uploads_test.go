package vault_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"
	"golang.org/x/sys/unix"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/vault"
	"suluh.example/suluh/vault/depositsock"
	"suluh.example/suluh/vault/frame"
)

// tusAnswer is what came back for a request of tus.
type tusAnswer struct {
	status int
	header http.Header
	body   string
}

// tus sends a request of tus to the socket, with headers "Name: value".
func (w *world) tus(method, path string, body io.Reader, headers ...string) tusAnswer {
	w.t.Helper()
	c := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(w.dir, "d"))
	}}}
	defer c.CloseIdleConnections()
	req, err := http.NewRequestWithContext(w.t.Context(), method, "http://vault"+path, body)
	must(w.t, err)
	req.Header.Set("Tus-Resumable", "1.0.0")
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	r, err := c.Do(req)
	must(w.t, err)
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	must(w.t, err)
	return tusAnswer{r.StatusCode, r.Header, string(b)}
}

// begin makes an upload and returns its path.
func (w *world) begin(length int) string {
	w.t.Helper()
	a := w.tus("POST", depositsock.Files, nil, "Upload-Length: "+strconv.Itoa(length))
	if a.status != http.StatusCreated || !strings.HasPrefix(a.header.Get("Location"), depositsock.Files) {
		w.t.Fatalf("no upload began: %d at %q, %s", a.status, a.header.Get("Location"), a.body)
	}
	return a.header.Get("Location")
}

func (w *world) patch(path string, offset int, data []byte) tusAnswer {
	w.t.Helper()
	return w.tus("PATCH", path, bytes.NewReader(data), "Content-Type: application/offset+octet-stream", "Upload-Offset: "+strconv.Itoa(offset))
}

// offset asks how much of an upload is there; -1 if it isn't.
func (w *world) offset(path string) int {
	w.t.Helper()
	a := w.tus("HEAD", path, nil)
	if a.status != http.StatusOK {
		return -1
	}
	n, err := strconv.Atoi(a.header.Get("Upload-Offset"))
	must(w.t, err)
	return n
}

// whole uploads data in two pieces and returns the path.
func (w *world) whole(data []byte) string {
	w.t.Helper()
	path := w.begin(len(data))
	for _, at := range []int{0, len(data) / 3} {
		end := len(data)
		if at == 0 {
			end = len(data) / 3
		}
		if a := w.patch(path, at, data[at:end]); a.status != http.StatusNoContent || a.header.Get("Upload-Offset") != strconv.Itoa(end) {
			w.t.Fatalf("a piece was not taken: %d %s", a.status, a.body)
		}
	}
	return path
}

func idOf(t testing.TB, path string) id.Upload {
	t.Helper()
	u, err := id.ParseUpload(strings.TrimPrefix(path, depositsock.Files))
	must(t, err)
	return u
}

// withUploads makes a report that names files uploaded before.
func (w *world) withUploads(files map[string][]byte) parcel {
	w.t.Helper()
	p := newParcel(0, w.one.id)
	for path, data := range files {
		o := object{id.RoleContent, data}.describe()
		p.uploads = append(p.uploads, depositsock.Uploaded{ID: idOf(w.t, path), Object: o.Digest})
		p.uploaded = append(p.uploaded, o)
	}
	return p
}

// waiting returns the names of all files in uploads/.
func (w *world) waiting() (names []string) {
	w.t.Helper()
	files, err := os.ReadDir(filepath.Join(w.dir, "uploads"))
	must(w.t, err)
	for _, f := range files {
		names = append(names, f.Name())
	}
	return names
}

// read returns the contents of a case as a member gets them.
func (w *world) read(of id.Case) map[id.Digest][]byte {
	w.t.Helper()
	got, err := w.ask(w.one, w.statement(w.one, accesslog.Export, of))
	must(w.t, err)
	return got.objects
}

// TestUploadsBecomeFilesOfADeposit, large ones as small ones, and the day's end
// writes them anew.
func TestUploadsBecomeFilesOfADeposit(t *testing.T) {
	w := newWorld(t, vault.Config{})
	big, small := sealed(3<<20), sealed(20<<10)
	p := w.withUploads(map[string][]byte{w.whole(big): big, w.whole(small): small})
	p.objects = append(p.objects, object{id.RoleContent, sealed(large)}) // and one that is streamed
	a, err := w.send(p)
	must(t, err)
	if a.Result != depositsock.New || len(w.waiting()) != 0 {
		t.Errorf("result %q, and %d uploads are left", a.Result, len(w.waiting()))
	}
	got := w.read(p.of)
	for _, want := range [][]byte{big, small, p.objects[len(p.objects)-1].data} {
		if !bytes.Equal(got[id.DigestOf(want)], want) {
			t.Errorf("a file of %d bytes isn't as it was sent", len(want))
		}
	}
	blob := filepath.Join(w.dir, "blobs", id.DigestOf(big).String())
	if files := w.files(); len(files) != 2 {
		t.Errorf("%d files in blobs/, want the two large ones", len(files))
	}
	before, err := os.Stat(blob)
	must(t, err)
	_, err = w.vault.Batch(t.Context())
	must(t, err)
	after, err := os.Stat(blob)
	must(t, err)
	if os.SameFile(before, after) {
		t.Error("the day's end left the file as it came")
	}
	// A second time they are the same deposit, though they are gone.
	again, err := w.send(p)
	must(t, err)
	if again.Result != depositsock.Same || again.Receipt != a.Receipt {
		t.Errorf("sent again: %q", again.Result)
	}
	// And for another they are gone.
	other := newParcel(0, w.one.id)
	other.uploads, other.uploaded = p.uploads, p.uploaded
	_, err = w.send(other)
	want(t, err, depositsock.ErrUpload)
}

// TestUploadsGoOn after a connection that broke, a vault that was stopped and
// one that was killed in the middle.
func TestUploadsGoOn(t *testing.T) {
	w := newWorld(t, vault.Config{})
	data := sealed(1 << 20)
	path := w.begin(len(data))
	conn, err := net.Dial("unix", filepath.Join(w.dir, "d"))
	must(t, err)
	_, err = fmt.Fprintf(conn, "PATCH %s HTTP/1.1\r\nHost: vault\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n"+
		"Content-Type: application/offset+octet-stream\r\nContent-Length: %d\r\n\r\n%s", path, len(data), data[:300_000])
	must(t, err)
	must(t, conn.Close())
	// Asking for the offset would end it, and lose what is on its way.
	waitFor(t, func() bool {
		info, err := os.Stat(filepath.Join(w.dir, "uploads", w.waiting()[0]))
		return err == nil && info.Size() == 300_000
	})
	if n := w.offset(path); n != 300_000 {
		t.Fatalf("%d bytes are there", n)
	}
	if a := w.patch(path, 300_000, data[300_000:400_000]); a.status != http.StatusNoContent {
		t.Fatalf("got %d %s", a.status, a.body)
	}
	w.stop()
	w.start(vault.Config{})
	if n := w.offset(path); n != 400_000 {
		t.Fatalf("after a restart %d bytes are there, want 400,000", n)
	}
	if a := w.patch(path, 400_000, data[400_000:]); a.status != http.StatusNoContent {
		t.Fatalf("got %d %s", a.status, a.body)
	}
	p := w.withUploads(map[string][]byte{path: data})
	_, err = w.send(p)
	must(t, err)
	if !bytes.Equal(w.read(p.of)[id.DigestOf(data)], data) {
		t.Error("the file isn't as it was sent")
	}
}

// TestUploadsThatAreRefused: each gets a status and a code, and harms nothing.
func TestUploadsThatAreRefused(t *testing.T) {
	w := newWorld(t, vault.Config{MaxBytes: 1 << 20})
	data := sealed(1000)
	path := w.begin(len(data))
	if a := w.patch(path, 0, data[:500]); a.status != http.StatusNoContent {
		t.Fatalf("got %d %s", a.status, a.body)
	}
	piece := []string{"Content-Type: application/offset+octet-stream", "Upload-Offset: 500"}
	nobody := depositsock.Files + id.NewUpload().Hex()
	more := func(h ...string) []string { return append(piece[:len(piece):len(piece)], h...) }
	for name, c := range map[string]struct {
		method, path string
		body         string
		headers      []string
		status       int
		code         string
	}{
		"an offset that lies":            {"PATCH", path, "x", []string{piece[0], "Upload-Offset: 400"}, 409, "ERR_MISMATCHED_OFFSET"},
		"an offset beyond":               {"PATCH", path, "x", []string{piece[0], "Upload-Offset: 501"}, 409, "ERR_MISMATCHED_OFFSET"},
		"no offset":                      {"PATCH", path, "x", piece[:1], 400, "ERR_INVALID_OFFSET"},
		"an offset below zero":           {"PATCH", path, "x", []string{piece[0], "Upload-Offset: -1"}, 400, "ERR_INVALID_OFFSET"},
		"more than the length":           {"PATCH", path, strings.Repeat("x", 1000), piece, 413, "ERR_UPLOAD_SIZE_EXCEEDED"},
		"another content type":           {"PATCH", path, "x", piece[1:], 400, "ERR_INVALID_CONTENT_TYPE"},
		"another version of tus":         {"PATCH", path, "x", more("Tus-Resumable: 0.2.2"), 412, "ERR_UNSUPPORTED_VERSION"},
		"a length that changes":          {"PATCH", path, "x", more("Upload-Length: 2000"), 501, "ERR_NOT_IMPLEMENTED"},
		"an id that is none":             {"PATCH", nobody, "x", piece, 404, "ERR_UPLOAD_NOT_FOUND"},
		"a path of somebody's own":       {"PATCH", depositsock.Files + "..%2flog.key", "x", piece, 404, "ERR_UPLOAD_NOT_FOUND"},
		"the name in another form":       {"PATCH", strings.ToUpper(path[len(path)-32:]), "x", piece, 404, "404 page not found"},
		"the end of one that isn't":      {"DELETE", nobody, "", nil, 404, "ERR_UPLOAD_NOT_FOUND"},
		"reading it":                     {"GET", path, "", nil, 405, "method not allowed"},
		"another method by a header":     {"POST", path, "", []string{"X-HTTP-Method-Override: DELETE"}, 405, "method not allowed"},
		"questions about what is there":  {"OPTIONS", path, "", nil, 405, "method not allowed"},
		"metadata":                       {"POST", depositsock.Files, "", []string{"Upload-Length: 100", "Upload-Metadata: filename YQ=="}, 422, `{"code":"bad"}`},
		"no length yet":                  {"POST", depositsock.Files, "", []string{"Upload-Defer-Length: 1"}, 422, `{"code":"bad"}`},
		"a part of another":              {"POST", depositsock.Files, "", []string{"Upload-Length: 100", "Upload-Concat: partial"}, 422, `{"code":"bad"}`},
		"bytes at the beginning":         {"POST", depositsock.Files, string(data), []string{"Upload-Length: 100", piece[0]}, 422, `{"code":"bad"}`},
		"no length":                      {"POST", depositsock.Files, "", nil, 400, "ERR_INVALID_UPLOAD_LENGTH"},
		"a length below zero":            {"POST", depositsock.Files, "", []string{"Upload-Length: -1"}, 400, "ERR_INVALID_UPLOAD_LENGTH"},
		"no length at all":               {"POST", depositsock.Files, "", []string{"Upload-Length: 0"}, 422, `{"code":"bad"}`},
		"more than the vault takes":      {"POST", depositsock.Files, "", []string{"Upload-Length: 1048577"}, 422, `{"code":"too-large"}`},
		"a length that no number can be": {"POST", depositsock.Files, "", []string{"Upload-Length: 99999999999999999999"}, 400, "ERR_INVALID_UPLOAD_LENGTH"},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.HasPrefix(c.path, "/") {
				c.path = depositsock.Files + strings.ToUpper(idOf(t, path).Hex())
				c.code = "ERR_UPLOAD_NOT_FOUND"
			}
			a := w.tus(c.method, c.path, strings.NewReader(c.body), c.headers...)
			if a.status != c.status || !strings.HasPrefix(a.body, c.code) {
				t.Errorf("got %d %q, want %d %q", a.status, a.body, c.status, c.code)
			}
			if strings.Contains(a.body, w.dir) {
				t.Errorf("the answer tells the operator's paths: %s", a.body)
			}
			if n := w.offset(path); n != 500 || len(w.waiting()) != 1 {
				t.Errorf("%d bytes are there, and %d uploads", n, len(w.waiting()))
			}
		})
	}
	// Of unknown length, what is too much is cut off.
	a := w.tus("PATCH", path, io.MultiReader(bytes.NewReader(data[500:]), strings.NewReader("xxx")), piece...)
	if a.status != 413 || w.offset(path) != 1000+len("age-encryption.org/v1\n") && w.offset(path) != len(data) {
		t.Errorf("got %d %q", a.status, a.body)
	}
	p := w.withUploads(map[string][]byte{path: data})
	_, err := w.send(p)
	must(t, err)
}

// TestWhatIsNotSealedIsNotUploaded, not even in small pieces.
func TestWhatIsNotSealedIsNotUploaded(t *testing.T) {
	w := newWorld(t, vault.Config{})
	path := w.begin(100)
	for _, c := range []struct {
		offset int
		data   string
		status int
	}{
		{0, "Uang perjalanan dinas", 422},
		{0, "age-encryption.org/v2\n", 422},
		{0, "age-", 204},
		{4, "isi", 422},
		{4, "encryption.org/v1\nisi", 204},
	} {
		if a := w.patch(path, c.offset, []byte(c.data)); a.status != c.status {
			t.Errorf("%q at %d: got %d %s", c.data, c.offset, a.status, a.body)
		}
	}
	if w.contains([]byte("Uang perjalanan")) {
		t.Error("what was not sealed lies on the disk")
	}
}

// TestTwoWhoUploadAtOnce: the one that comes later takes over from where the
// first has come to, as after a connection that hangs.
func TestTwoWhoUploadAtOnce(t *testing.T) {
	w := newWorld(t, vault.Config{})
	data := sealed(1 << 20)
	path := w.begin(len(data))
	r, feed := io.Pipe()
	defer feed.Close()
	first := make(chan tusAnswer, 1)
	go func() {
		first <- w.tus("PATCH", path, r, "Content-Type: application/offset+octet-stream", "Upload-Offset: 0")
	}()
	_, err := feed.Write(data[:300_000])
	must(t, err)
	// It hangs; who asks for the offset gets it all the same.
	n := w.offset(path)
	if n < 22 || n > 300_000 {
		t.Fatalf("%d bytes are there", n)
	}
	if a := <-first; a.status != 423 || !strings.HasPrefix(a.body, "ERR_UPLOAD_INTERRUPTED") {
		t.Errorf("the first gets %d %q", a.status, a.body)
	}
	if a := w.patch(path, n, data[n:]); a.status != 204 {
		t.Errorf("the second gets %d %q", a.status, a.body)
	}
	if a := w.patch(path, n, data[n:]); a.status != 409 {
		t.Errorf("a third, who is late, gets %d %q", a.status, a.body)
	}
	p := w.withUploads(map[string][]byte{path: data})
	_, err = w.send(p)
	must(t, err)
}

// TestWhoIsGoneIsKept: a deposit that has arrived whole is kept although its
// connection is gone by then, and what is sent again finds it; nothing failed.
func TestWhoIsGoneIsKept(t *testing.T) {
	var log bytes.Buffer
	w := newWorld(t, vault.Config{Log: slog.New(slog.NewTextHandler(&log, nil))})
	data := sealed(100_000)
	path := w.whole(data)
	p := w.withUploads(map[string][]byte{path: data})
	p.objects = nil
	var stream bytes.Buffer
	out := frame.NewWriter(&stream)
	must(t, out.Head(p.head(w)))
	c := depositsock.DepositCommit{FormTag: p.tag, Wraps: p.wraps, Objects: p.uploaded, Uploads: p.uploads, Blinds: make([]tlog.Hash, 7)}
	must(t, out.Commit(c))
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for _, want := range []depositsock.Result{depositsock.New, depositsock.Same} {
		in := frame.NewReader(bytes.NewReader(stream.Bytes()), 0)
		var head depositsock.DepositHead
		must(t, in.Head(&head))
		a, err := w.vault.Deposit(gone, p.lookup, head, in)
		must(t, err)
		if a.Result != want {
			t.Errorf("got %q, want %q", a.Result, want)
		}
	}
	if files := w.waiting(); len(files) != 0 {
		t.Errorf("uploads are left: %v", files)
	}
	w.stop()
	if log.Len() > 0 {
		t.Errorf("the vault's log:\n%s", log.String())
	}
}

// TestADepositThatFailsLeavesItsUploads, to be named again.
func TestADepositThatFailsLeavesItsUploads(t *testing.T) {
	w := newWorld(t, vault.Config{MaxBytes: 4 << 20})
	data, half := sealed(2<<20), sealed(large)
	path := w.whole(data)
	begun := w.begin(len(half))
	if a := w.patch(begun, 0, half[:100]); a.status != 204 {
		t.Fatalf("got %d %s", a.status, a.body)
	}
	good := func() parcel { return w.withUploads(map[string][]byte{path: data}) }
	for name, c := range map[string]struct {
		change func(*parcel)
		want   error
	}{
		"another digest":             {func(p *parcel) { p.uploads[0].Object = id.DigestOf(half) }, depositsock.ErrBad},
		"one that isn't there":       {func(p *parcel) { p.uploads[0].ID = id.NewUpload() }, depositsock.ErrUpload},
		"one that isn't whole":       {func(p *parcel) { p.uploads[0].ID = idOf(t, begun) }, depositsock.ErrUpload},
		"one twice":                  {func(p *parcel) { p.uploads = append(p.uploads, p.uploads[0]) }, depositsock.ErrBad},
		"one that is no object":      {func(p *parcel) { p.uploaded = nil }, depositsock.ErrBad},
		"as what is no attachment":   {func(p *parcel) { p.uploaded[0].Role = id.RoleLetter }, depositsock.ErrBad},
		"another size":               {func(p *parcel) { p.uploaded[0].Size++ }, depositsock.ErrBad},
		"more than a deposit may be": {func(p *parcel) { p.objects = append(p.objects, object{id.RoleContent, sealed(3 << 20)}) }, depositsock.ErrTooLarge},
		"another roster":             {func(p *parcel) { p.roster = id.DigestOf([]byte("lama")) }, depositsock.ErrRoster},
		"a reader who isn't one":     {func(p *parcel) { p.wraps[0].Member = w.auditor.id }, depositsock.ErrBad},
	} {
		t.Run(name, func(t *testing.T) {
			p := good()
			c.change(&p)
			_, err := w.send(p)
			want(t, err, c.want)
			if n := len(w.waiting()); n != 2 || len(w.files()) != 0 {
				t.Errorf("%d uploads and %d blobs are there, want two and none", n, len(w.files()))
			}
		})
	}
	p := good()
	_, err := w.send(p)
	must(t, err)
	if !bytes.Equal(w.read(p.of)[id.DigestOf(data)], data) {
		t.Error("the file isn't as it was sent")
	}
	// A file that is here already, which nobody can have sealed anew.
	copied := w.whole(data)
	_, err = w.send(w.withUploads(map[string][]byte{copied: data}))
	want(t, err, depositsock.ErrBad)
	if !bytes.Equal(w.read(p.of)[id.DigestOf(data)], data) {
		t.Error("the file of the first is gone")
	}
}

// TestAnUploadBelongsToOneDeposit, also if two name it at once.
func TestAnUploadBelongsToOneDeposit(t *testing.T) {
	w := newWorld(t, vault.Config{})
	for range 10 {
		data := sealed(large)
		path := w.whole(data)
		results := make(chan error, 2)
		for range 2 {
			p := w.withUploads(map[string][]byte{path: data})
			go func() {
				_, err := w.send(p)
				results <- err
			}()
		}
		one, two := <-results, <-results
		if one == nil {
			one, two = two, one
		}
		must(t, two)
		want(t, one, depositsock.ErrUpload)
	}
	if n := len(w.files()); n != 10 {
		t.Errorf("%d files, want 10", n)
	}
}

func TestUploadsCanBeEnded(t *testing.T) {
	w := newWorld(t, vault.Config{})
	path := w.whole(sealed(large))
	if a := w.tus("DELETE", path, nil); a.status != 204 || len(w.waiting()) != 0 || w.offset(path) != -1 {
		t.Errorf("got %d %s, and %d uploads are left", a.status, a.body, len(w.waiting()))
	}
}

// TestOldUploadsAreSwept a day after the last piece, while the vault runs, and
// by their day at its start; what somebody still adds to is not.
func TestOldUploadsAreSwept(t *testing.T) {
	w := newWorld(t, vault.Config{})
	data := sealed(large)
	dead, alive := w.begin(len(data)), w.begin(len(data))
	w.clock.forward(24*time.Hour - time.Minute)
	vault.Sweep(w.vault)
	if w.offset(dead) != 0 {
		t.Error("one is gone before a day has passed")
	}
	if a := w.patch(alive, 0, data[:1000]); a.status != 204 {
		t.Fatalf("got %d %s", a.status, a.body)
	}
	w.clock.forward(time.Minute)
	vault.Sweep(w.vault)
	if w.offset(dead) != -1 || w.offset(alive) != 1000 {
		t.Error("after a day one that nobody has added to is there, or one that somebody has is gone")
	}
	w.stop()
	w.clock.forward(24 * time.Hour)
	w.start(vault.Config{})
	if w.offset(alive) != 1000 {
		t.Error("one of yesterday is gone after a start, though its hour isn't known")
	}
	w.stop()
	w.clock.forward(24 * time.Hour)
	must(t, os.WriteFile(filepath.Join(w.dir, "uploads", "x"), nil, 0o600))
	must(t, os.Mkdir(filepath.Join(w.dir, "uploads", id.NewUpload().Hex()+".100"), 0o700))
	w.start(vault.Config{})
	if n := len(w.waiting()); n != 0 {
		t.Errorf("%d are left after a start", n)
	}
}

// TestASlowUploadIsNotSwept while its bytes still come, however long it takes.
func TestASlowUploadIsNotSwept(t *testing.T) {
	w := newWorld(t, vault.Config{})
	data := sealed(large)
	path := w.begin(len(data))
	w.clock.forward(24 * time.Hour)
	f, err := os.OpenFile(filepath.Join(w.dir, "uploads", fmt.Sprintf("%s.%d", idOf(t, path).Hex(), len(data))), os.O_WRONLY|os.O_APPEND, 0)
	must(t, err)
	defer f.Close()
	_, err = f.Write(data[:1000]) // as a piece does that isn't whole yet
	must(t, err)
	vault.Sweep(w.vault)
	if w.offset(path) != 1000 {
		t.Error("it is gone")
	}
}

// TestACrashRightAfterADeposit: an upload that has become a blob is one no more.
func TestACrashRightAfterADeposit(t *testing.T) {
	w := newWorld(t, vault.Config{})
	data, waits := sealed(large), sealed(large)
	path := w.whole(data)
	kept := w.whole(waits)
	p := w.withUploads(map[string][]byte{path: data})
	_, err := w.send(p)
	must(t, err)
	w.stop()
	file := func(path string, data []byte) string {
		return filepath.Join(w.dir, "uploads", fmt.Sprintf("%s.%d", idOf(t, path).Hex(), len(data)))
	}
	blob := func(data []byte) string { return filepath.Join(w.dir, "blobs", id.DigestOf(data).String()) }
	must(t, os.Link(blob(data), file(path, data)))
	// And one whose deposit was not committed.
	must(t, os.Link(file(kept, waits), blob(waits)))
	// A copy of somebody's own by links, outside, is no reason to take one away.
	must(t, os.Link(file(kept, waits), filepath.Join(t.TempDir(), "salinan")))
	w.start(vault.Config{})
	if w.offset(path) != -1 || w.offset(kept) != len(waits) || len(w.files()) != 1 {
		t.Errorf("offsets %d and %d, %d blobs", w.offset(path), w.offset(kept), len(w.files()))
	}
	if !bytes.Equal(w.read(p.of)[id.DigestOf(data)], data) {
		t.Error("the file isn't as it was sent")
	}
	_, err = w.send(w.withUploads(map[string][]byte{kept: waits}))
	must(t, err)
}

// TestUploadsCountAsFiles: they leave the room that is kept for reports without
// any, whether or not a deposit takes them, and after a restart too.
func TestUploadsCountAsFiles(t *testing.T) {
	c := vault.Config{MaxBytes: 4 << 20, PerHour: 64 << 20, PerDay: 8 << 20}
	w := newWorld(t, c)
	data := sealed(3 << 20)
	first := w.whole(data)
	w.whole(sealed(3 << 20))
	third := w.begin(len(data))
	a := w.patch(third, 0, data)
	if a.status != 422 || a.body != "{\"code\":\"no-files\"}\n" {
		t.Errorf("got %d %q", a.status, a.body)
	}
	if n := w.offset(third); n < 1<<20 || n > 2<<20 {
		t.Errorf("%d bytes of the last were kept", n)
	}
	if a := w.tus("POST", depositsock.Files, nil, "Upload-Length: 100"); a.status != 422 || a.body != "{\"code\":\"no-files\"}\n" {
		t.Errorf("another begins: %d %q", a.status, a.body)
	}
	_, err := w.send(newParcel(0, w.one.id))
	must(t, err)
	_, err = w.send(w.withUploads(map[string][]byte{first: data})) // counted when it came
	must(t, err)
	w.stop()
	w.start(c)
	if s := w.vault.DepositState(); s.Files || !s.Open {
		t.Errorf("after a restart: open %v, files %v", s.Open, s.Files)
	}
	w.clock.forward(24 * time.Hour)
	n := w.offset(third)
	if a := w.patch(third, n, data[n:]); a.status != 204 {
		t.Errorf("the day after, it goes on: %d %q", a.status, a.body)
	}
}

// TestUploadsTellNoHour: neither their files nor the folder.
func TestUploadsTellNoHour(t *testing.T) {
	w := newWorld(t, vault.Config{})
	w.clock.forward(time.Since(w.clock.Now())) // that of the file system
	midnight := func() {
		t.Helper()
		makassar, err := time.LoadLocation(zone)
		must(t, err)
		for _, name := range append(w.waiting(), ".") {
			var s unix.Stat_t
			must(t, unix.Stat(filepath.Join(w.dir, "uploads", name), &s))
			for _, at := range []time.Time{time.Unix(s.Mtim.Unix()), time.Unix(s.Atim.Unix())} {
				if at := at.In(makassar); at.Hour()+at.Minute()+at.Second()+at.Nanosecond() != 0 {
					t.Errorf("time of %s tells %s", name, at.Format(time.TimeOnly))
				}
			}
		}
	}
	path := w.begin(5000)
	midnight()
	w.patch(path, 0, sealed(500))
	midnight()
	w.offset(path)
	midnight()
	data := sealed(large)
	whole := w.whole(data)
	midnight()
	_, err := w.send(w.withUploads(map[string][]byte{whole: data}))
	must(t, err)
	midnight()
	// A crash in the middle leaves the time of the last write, until the start.
	w.stop()
	now := time.Now()
	must(t, os.Chtimes(filepath.Join(w.dir, "uploads", w.waiting()[0]), now, now))
	w.start(vault.Config{})
	midnight()
	w.tus("DELETE", path, nil)
	midnight()
}

// TestUploadsOnAFullDisk go on once there is room.
func TestUploadsOnAFullDisk(t *testing.T) {
	disk, err := newDisk(t)
	if err != nil {
		t.Logf("no tmpfs could be mounted (%v): TestUploadsCountAsFiles shows what is refused", err)
		return
	}
	w := newWorldIn(t, disk.vault(), vault.Config{MaxBytes: 64 << 20})
	data := sealed(16 << 20)
	path := w.begin(len(data))
	r, feed := io.Pipe()
	answer := make(chan tusAnswer, 1)
	go func() {
		answer <- w.tus("PATCH", path, r, "Content-Type: application/offset+octet-stream", "Upload-Offset: 0")
	}()
	_, err = feed.Write(data[:1<<20])
	must(t, err)
	more := disk.fill(t, 1<<20)
	go func() {
		_, _ = feed.Write(data[1<<20:]) // it stops when it is refused
		feed.Close()
	}()
	a := <-answer
	r.Close()
	if a.status != 422 || a.body != "{\"code\":\"full\"}\n" {
		t.Errorf("got %d %q", a.status, a.body)
	}
	n := w.offset(path)
	if n < 1<<20 || n >= len(data) {
		t.Errorf("%d bytes are there", n)
	}
	more()
	if a := w.patch(path, n, data[n:]); a.status != 204 {
		t.Errorf("once there is room: %d %q", a.status, a.body)
	}
	p := w.withUploads(map[string][]byte{path: data})
	_, err = w.send(p)
	must(t, err)
	if !bytes.Equal(w.read(p.of)[id.DigestOf(data)], data) {
		t.Error("the file isn't as it was sent")
	}
}

// TestDoctorKnowsUploads: those that wait are nothing wrong, and what is none is.
func TestDoctorKnowsUploads(t *testing.T) {
	w := newWorld(t, vault.Config{})
	w.begin(100)
	if f, err := vault.Examine(t.Context(), w.dir, w.clock.Now()); err != nil || len(f) != 0 {
		t.Errorf("found %v, %v", f, err)
	}
	must(t, os.WriteFile(filepath.Join(w.dir, "uploads", "catatan.txt"), nil, 0o600))
	must(t, os.Chmod(filepath.Join(w.dir, "uploads"), 0o707))
	f, err := vault.Examine(t.Context(), w.dir, w.clock.Now())
	must(t, err)
	if len(f) != 2 || !strings.Contains(f[0].What+f[1].What, "uploads") {
		t.Errorf("found %v", f)
	}
	must(t, os.Remove(filepath.Join(w.dir, "uploads", "catatan.txt")))
	must(t, os.Chmod(filepath.Join(w.dir, "uploads"), 0o700))
}
