package queuetest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// NewSP4N starts a server with the shape of SP4N-LAPOR!'s as a client of it was
// seen to use it, and a search that ours may or may not have.
func NewSP4N(t testing.TB) *Server {
	t.Helper()
	s := &Server{}
	r := http.NewServeMux()
	r.HandleFunc("POST /api/complaints/complaint-lmw", s.postSP4N)
	r.HandleFunc("GET /api/complaints/search", s.searchSP4N)
	r.HandleFunc("GET /api/complaints/{id}/complaint", s.getSP4N)
	r.HandleFunc("GET /api/complaints/{id}/followups", s.followups)
	serve(t, s, r)
	s.URL += "/api"
	return s
}

func (s *Server) noSP4N(w http.ResponseWriter, code int, why string) {
	b, err := json.Marshal(map[string]any{"status": "error", "message": why})
	if err != nil {
		panic(err)
	}
	write(w, code, "application/json", b)
}

func (s *Server) allowed(w http.ResponseWriter, r *http.Request) bool {
	if r.Header.Get("Authorization") != "Bearer "+s.key || r.Header.Get("token") != "token-"+s.key {
		s.noSP4N(w, http.StatusUnauthorized, "Token kedaluwarsa: "+r.Header.Get("Authorization"))
		return false
	}
	return true
}

func (s *Server) postSP4N(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // it never came whole
	}
	s.mu.Lock()
	if !s.allowed(w, r) {
		s.mu.Unlock()
		return
	}
	fault := s.fault
	var got map[string]any
	why := ""
	if json.Unmarshal(body, &got) != nil || r.Header.Get("Content-Type") != "application/json" {
		why = "Format tidak dikenal"
	}
	for _, k := range []string{"title", "content", "channel", "user_id", "classification_id", "disposition_id", "category_id", "location_id", "is_anonymous", "is_secret"} {
		if _, ok := got[k]; !ok && why == "" {
			why = "Isian " + k + " wajib diisi"
		}
	}
	if c, ok := got["classification_id"].(float64); why == "" && (!ok || c < 1 || c > 3) {
		why = "Klasifikasi tidak dikenal"
	}
	if why != "" {
		s.mu.Unlock()
		s.noSP4N(w, http.StatusUnprocessableEntity, why)
		return
	}
	x := Taken{Fields: map[string]string{}, Status: "Belum Terverifikasi"}
	x.Text, _ = got["content"].(string)
	for k, v := range got {
		x.Fields[k] = fmt.Sprint(v)
	}
	first := s.take(x)
	s.mu.Unlock()
	s.answer(w, r, fault, http.StatusCreated, fmt.Appendf(nil, `{"status":"success","results":{"complaint_id":%s}}`, first.ID))
}

func (s *Server) searchSP4N(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.allowed(w, r) {
		return
	}
	data := []map[string]any{}
	for _, x := range s.taken {
		if q := r.URL.Query().Get("q"); q != "" && strings.Contains(x.Text, q) {
			data = append(data, map[string]any{"id": x.ID, "content": x.Text})
		}
	}
	s.asked(w, r, map[string]any{"results": map[string]any{"data": data}})
}

func (s *Server) getSP4N(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.allowed(w, r) {
		return
	}
	x := s.find(r.PathValue("id"))
	if x == nil {
		s.noSP4N(w, http.StatusNotFound, "Pengaduan tidak ditemukan")
		return
	}
	s.asked(w, r, map[string]any{"results": map[string]any{"data": map[string]any{"status_code": 1, "status_name": x.Status, "disposition_name": "Dinas Contoh"}}})
}

func (s *Server) followups(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.allowed(w, r) {
		return
	}
	x := s.find(r.PathValue("id"))
	if x == nil {
		s.noSP4N(w, http.StatusNotFound, "Pengaduan tidak ditemukan")
		return
	}
	data := []map[string]any{}
	if x.Answer != "" {
		data = append(data,
			map[string]any{"content": x.Answer, "institution_from_name": "Dinas Contoh", "created_at": "05-03-2026 14:22:01"},
			map[string]any{"content": "<p>Sudah kami terima.</p>", "institution_from_name": "Admin Contoh", "created_at": "28-02-2026 08:00:00"})
	}
	s.asked(w, r, map[string]any{"results": map[string]any{"data": data}})
}
