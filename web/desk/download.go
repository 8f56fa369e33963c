package desk

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"suluh.example/suluh/crypto/seal"
	"suluh.example/suluh/internal/export"
)

// attachment warns before a file of an unknown person is downloaded.
func (s *Server) attachment(w http.ResponseWriter, v *visit) error {
	n, err := strconv.Atoi(v.PathValue("n"))
	if err != nil || n < 1 {
		return errMissing
	}
	l := v.lang
	p := confirmPage{Page: s.page(v, l.T("desk.download.title", "Number", n)), Base: l.Path("/kasus/" + string(v.of)), Button: l.T("desk.download.button")}
	p.Languages = s.languages(v)
	p.Action = fmt.Sprintf("%s/lampiran/%d/unduh", p.Base, n)
	p.Paragraphs = []string{
		l.T("desk.download.danger"), l.T("desk.download.name", "File", downloadName(n)), l.T("desk.download.recorded"),
	}
	return s.pages.Write(w, l, "confirm", p)
}

func downloadName(n int) string { return fmt.Sprintf("lampiran-%d.bin", n) }

// download hands an attachment out as bytes of no type under a name of ours.
func (s *Server) download(w http.ResponseWriter, v *visit) error {
	n, err := strconv.Atoi(v.PathValue("n"))
	if err != nil {
		return errMissing
	}
	a, r, err := v.session.member.Attachment(v.Context(), v.of, n)
	if err != nil {
		return err
	}
	defer r.Close()
	out := &held{w: w, begin: func() {
		asFile(w, "application/octet-stream", downloadName(n))
		w.Header().Set("Content-Length", strconv.FormatInt(a.Size, 10))
	}}
	if _, err := io.CopyBuffer(out, onlyReader{r}, make([]byte, 64<<10)); err != nil {
		return out.broken(err)
	}
	return out.end()
}

// onlyReader hides WriteTo, so that io.CopyBuffer uses its buffer.
type onlyReader struct{ io.Reader }

func asFile(w http.ResponseWriter, mediaType, name string) {
	h := w.Header()
	h.Set("Content-Type", mediaType)
	h.Set("Content-Disposition", "attachment; filename="+name)
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
}

// held sends what is written one write late, so that the end of a download
// goes out only once all of it was found to be right: a broken one must not
// look finished. Nothing is sent before the first two writes or the end.
type held struct {
	w     http.ResponseWriter
	begin func() // sets the headers
	begun bool
	last  []byte
}

func (h *held) Write(p []byte) (int, error) {
	if err := h.flush(); err != nil {
		return 0, err
	}
	h.last = append(h.last[:0], p...)
	return len(p), nil
}

func (h *held) flush() error {
	if len(h.last) == 0 {
		return nil
	}
	if !h.begun {
		h.begun = true
		h.begin()
	}
	_, err := h.w.Write(h.last)
	h.last = h.last[:0]
	return err
}

// end sends the rest of a download that is right.
func (h *held) end() error {
	if !h.begun && len(h.last) == 0 {
		h.begin()
		h.w.WriteHeader(http.StatusOK)
		return nil
	}
	if err := h.flush(); err != nil {
		panic(http.ErrAbortHandler)
	}
	return nil
}

// broken breaks the connection off if something was sent, or returns the error
// to be shown.
func (h *held) broken(err error) error {
	if h.begun {
		panic(http.ErrAbortHandler)
	}
	return err
}

// export warns before a case leaves the vault.
func (s *Server) export(w http.ResponseWriter, v *visit) error {
	l := v.lang
	p := confirmPage{Page: s.page(v, l.T("desk.export.title")), Base: l.Path("/kasus/" + string(v.of)), Button: l.T("desk.export.button")}
	p.Languages = s.languages(v)
	p.Action = p.Base + "/ekspor/unduh"
	for _, key := range []string{"what", "clear", "danger", "recorded"} {
		p.Paragraphs = append(p.Paragraphs, l.T("desk.export."+key))
	}
	return s.pages.Write(w, l, "confirm", p)
}

// downloadExport streams the export of a case as a zip archive, in the layout
// of suluh case export.
func (s *Server) downloadExport(w http.ResponseWriter, v *visit) error {
	to, err := seal.ParseRecipient(v.session.recipient)
	if err != nil {
		return err
	}
	x, err := v.session.member.Export(v.Context(), v.of)
	if err != nil {
		return err
	}
	defer x.Close()
	out := &held{w: w, begin: func() { asFile(w, "application/zip", "kasus-"+string(v.of)+".zip") }}
	z := zip.NewWriter(out)
	folder := "kasus-" + string(v.of) + "/"
	create := func(path string) (io.WriteCloser, error) {
		f, err := z.CreateHeader(&zip.FileHeader{Name: folder + path, Method: zip.Deflate, Modified: v.session.member.Today().Time(time.UTC)})
		return entry{f}, err
	}
	err = export.Write(create, x, export.Options{
		By: v.session.member.Member(), To: to, Day: v.session.member.Today(), Language: v.lang,
	})
	if err == nil || errors.Is(err, export.ErrIncomplete) { // the manifest says what is missing
		if err = z.Close(); err == nil {
			return out.end()
		}
	}
	return out.broken(err)
}

// entry is a file of an archive; it ends where the next begins.
type entry struct{ io.Writer }

func (entry) Close() error { return nil }
