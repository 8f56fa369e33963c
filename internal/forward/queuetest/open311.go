package queuetest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// NewOpen311 starts a GeoReport v2 server with JSON for the jurisdiction
// "kalsel" and the services "UMUM", "ASPIRASI" and "INFO".
func NewOpen311(t testing.TB) *Server {
	t.Helper()
	s := &Server{}
	r := http.NewServeMux()
	r.HandleFunc("POST /v2/requests.json", s.post311)
	r.HandleFunc("GET /v2/requests.json", s.list311)
	r.HandleFunc("GET /v2/requests/{id}", s.get311)
	r.HandleFunc("GET /v2/tokens/{token}", s.token311)
	serve(t, s, r)
	s.URL += "/v2"
	return s
}

// Tokens makes the server give tokens in place of numbers.
func (s *Server) Tokens(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens = on
}

// Resolve gives the complaints behind all tokens their numbers.
func (s *Server) Resolve() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for token := range s.given {
		s.given[token] = max(s.given[token], -s.given[token])
	}
}

// Hide makes the list of requests leave descriptions out.
func (s *Server) Hide() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hidden = true
}

func (s *Server) no311(w http.ResponseWriter, code int, why string) {
	b, err := json.Marshal([]map[string]any{{"code": code, "description": why}})
	if err != nil {
		panic(err)
	}
	write(w, code, "application/json; charset=utf-8", b)
}

func (s *Server) post311(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // it never came whole
	}
	s.mu.Lock()
	fault := s.fault
	form, err := url.ParseQuery(string(body))
	why, code := "", http.StatusBadRequest
	switch text := form.Get("description"); {
	case err != nil || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded"):
		why = "The request is not a form"
	case form.Get("api_key") != s.key:
		why, code = "Missing or invalid api_key ("+form.Get("api_key")+")", http.StatusForbidden
	case form.Get("jurisdiction_id") != "kalsel":
		why, code = "The jurisdiction_id was not found", http.StatusNotFound
	case !strings.Contains(" UMUM ASPIRASI INFO ", " "+form.Get("service_code")+" "):
		why, code = "The service_code was not found", http.StatusNotFound
	case form.Get("address_string") == "" && form.Get("address_id") == "" && (form.Get("lat") == "" || form.Get("long") == ""):
		why = "A location is required"
	case utf8.RuneCountInString(text) > 4000:
		why = "The description is longer than 4,000 characters"
	case strings.Contains(text, "<b>"):
		why = "The description has HTML"
	}
	if why != "" {
		s.mu.Unlock()
		s.no311(w, code, why)
		return
	}
	x := Taken{Text: form.Get("description"), Fields: map[string]string{}, Status: "open"}
	for k := range form {
		x.Fields[k] = form.Get(k)
	}
	first := s.take(x)
	good := fmt.Sprintf(`[{"service_request_id":"%s","service_notice":"The City will look at it","account_id":null}]`, first.ID)
	if s.tokens {
		token := "tok-" + first.ID
		s.given[token] = -len(s.taken)
		good = fmt.Sprintf(`[{"token":"%s"}]`, token)
	}
	s.mu.Unlock()
	s.answer(w, r, fault, http.StatusOK, []byte(good))
}

type request311 struct {
	ID          string  `json:"service_request_id"`
	Status      string  `json:"status"`
	Notes       *string `json:"status_notes"`
	Name        string  `json:"service_name"`
	Code        string  `json:"service_code"`
	Description *string `json:"description"`
	Requested   string  `json:"requested_datetime"`
	Address     string  `json:"address"`
}

func (s *Server) shown311(x *Taken) request311 {
	r := request311{ID: x.ID, Status: x.Status, Name: "Pengaduan", Code: x.Fields["service_code"], Requested: x.At.UTC().Format(time.RFC3339), Address: x.Fields["address_string"]}
	if x.Answer != "" {
		r.Notes = &x.Answer
	}
	if !s.hidden {
		r.Description = &x.Text
	}
	return r
}

// asked gives an answer to who only asks.
func (s *Server) asked(w http.ResponseWriter, r *http.Request, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	fault := s.fault
	if !s.asking {
		fault = nil
	}
	s.mu.Unlock()
	s.answer(w, r, fault, http.StatusOK, b)
	s.mu.Lock()
}

func (s *Server) list311(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := r.URL.Query()
	from, err1 := time.Parse(time.RFC3339, q.Get("start_date"))
	to, err2 := time.Parse(time.RFC3339, q.Get("end_date"))
	if err1 != nil || err2 != nil || to.Sub(from) > 92*24*time.Hour {
		s.no311(w, http.StatusBadRequest, "Between start_date and end_date are at most 90 days")
		return
	}
	list := []request311{}
	for _, x := range s.taken {
		if at := x.At.Truncate(time.Second); !at.Before(from) && !at.After(to) && len(list) < 1000 {
			list = append(list, s.shown311(x))
		}
	}
	s.asked(w, r, list)
}

func (s *Server) get311(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.find(strings.TrimSuffix(r.PathValue("id"), ".json"))
	if x == nil {
		s.no311(w, http.StatusNotFound, "The service_request_id was not found")
		return
	}
	s.asked(w, r, []request311{s.shown311(x)})
}

func (s *Server) token311(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	token := strings.TrimSuffix(r.PathValue("token"), ".json")
	n, ok := s.given[token]
	switch {
	case !ok:
		s.no311(w, http.StatusNotFound, "The token was not found")
	case n < 0: // not yet
		s.asked(w, r, []map[string]any{{"token": token, "service_request_id": nil}})
	default:
		s.asked(w, r, []map[string]any{{"token": token, "service_request_id": s.taken[n-1].ID}})
	}
}
