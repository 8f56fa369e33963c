package auditor

import (
	"archive/zip"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"

	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
)

// downloadLines is what was found as JSON lines.
func (s *Server) downloadLines(w http.ResponseWriter, r *request) error {
	log, err := s.verified(w, r)
	if log == nil {
		return err
	}
	q, problems := s.query(r, log.TimeZone())
	if len(problems) > 0 {
		return s.search(w, r)
	}
	attach(w, "application/jsonl; charset=utf-8", "catatan-akses.jsonl")
	out := json.NewEncoder(w)
	for e := range log.Entries.Select(q.filter) {
		if err := out.Encode(e); err != nil {
			panic(http.ErrAbortHandler) // the other end must not take a part for the whole
		}
	}
	return nil
}

func attach(w http.ResponseWriter, kind, name string) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	h.Set("Content-Security-Policy", "sandbox")
}

// archive is the whole log as it was verified last, as a zip of the folder that
// suluh audit export makes. The checkpoint comes last: a zip that broke off has
// none.
func (s *Server) archive(w http.ResponseWriter, r *request) error {
	log, err := s.verified(w, r)
	if log == nil {
		return err
	}
	attach(w, "application/zip", "catatan-akses.zip")
	z := zip.NewWriter(w)
	put := func(path string, b []byte) error {
		f, err := z.CreateHeader(&zip.FileHeader{Name: path, Method: zip.Deflate})
		if err == nil {
			_, err = f.Write(b)
		}
		return err
	}
	fetch := func(path string) error {
		b, err := s.config.Files(r.Context(), path)
		if err != nil {
			return err
		}
		return put(path, b)
	}
	err = put("log.vkey", []byte(s.config.Key+"\n"))
	for _, x := range log.Rosters {
		if err == nil {
			err = fetch("rosters/" + x.Digest.String())
		}
	}
	for _, t := range tlog.NewTiles(accesslog.TileHeight, 0, log.Tree.N) {
		if err == nil {
			err = fetch(accesslog.TilePath(t))
		}
		if t.L == 0 && err == nil {
			t.L = -1
			err = fetch(accesslog.TilePath(t))
		}
	}
	if err == nil {
		err = put("checkpoint", log.Checkpoint)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		if !errors.Is(err, io.ErrClosedPipe) && r.Context().Err() == nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			s.config.Log.Error("the log could not be sent whole", "error", err)
		}
		panic(http.ErrAbortHandler) // the other end must not take a part for the whole
	}
	return nil
}
