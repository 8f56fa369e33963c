// Package queuetest has queues of complaints for tests: real HTTP servers that
// speak Open311 GeoReport v2 and what SP4N-LAPOR! was seen to speak, written from
// the public specification and not from the connectors, with everything that may
// go wrong between taking a complaint and saying so.
//
// It is for tests alone; no program may have it.
package queuetest

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// Key is the credential that a queue accepts.
const Key = "rahasia-antrean-1234"

// Taken is a complaint that a queue took.
type Taken struct {
	ID     string
	Text   string            // where our reference is looked for
	Fields map[string]string // all that came, by name
	At     time.Time
	Status string
	Answer string
}

// Server is a queue.
type Server struct {
	URL    string
	Server *httptest.Server

	mu     sync.Mutex
	key    string
	taken  []*Taken
	fault  *Fault
	asking bool // the fault strikes those who ask too, not only those who hand in
	tokens bool
	given  map[string]int // token to place in taken
	hidden bool
}

func serve(t testing.TB, s *Server, h http.Handler) *Server {
	t.Helper()
	s.key, s.given = Key, map[string]int{}
	s.Server = httptest.NewServer(h)
	t.Cleanup(s.Server.Close)
	s.URL = s.Server.URL
	return s
}

// Taken returns what the queue has.
func (s *Server) Taken() []Taken {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Taken, len(s.taken))
	for i, x := range s.taken {
		all[i] = *x
	}
	return all
}

// Break makes the queue fail from now on, nil mends it. Asking says that it
// fails those who ask as well.
func (s *Server) Break(f *Fault, asking bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault, s.asking = f, asking
}

// Expire makes the credential invalid, or valid again.
func (s *Server) Expire(expired bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.key = Key; expired {
		s.key = "yang-lain"
	}
}

// Set changes where a complaint stands.
func (s *Server) Set(id, status, answer string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.taken {
		if x.ID == id {
			x.Status, x.Answer = status, answer
		}
	}
}

// take adds a complaint, as often as the fault says, and returns the first.
func (s *Server) take(x Taken) *Taken {
	n := 1
	if s.fault != nil {
		n = s.fault.Takes
	}
	x.ID = fmt.Sprint(1000001 + len(s.taken)) // an answer names one even if none is kept
	x.At = time.Now()
	first := &x
	for i := range n {
		one := x
		one.ID = fmt.Sprint(1000001 + len(s.taken))
		s.taken = append(s.taken, &one)
		if i == 0 {
			first = &one
		}
	}
	return first
}

func (s *Server) find(id string) *Taken {
	for _, x := range s.taken {
		if x.ID == id {
			return x
		}
	}
	return nil
}

// answer gives an answer, or what the fault makes of it.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, f *Fault, code int, body []byte) {
	if f != nil {
		f.answer(w, r, code, body)
		return
	}
	write(w, code, "application/json; charset=utf-8", body)
}

func write(w http.ResponseWriter, code int, kind string, body []byte) {
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(code)
	_, _ = w.Write(body) // who asks may be gone
}

// Outcome is what a fault must come to, for the complaint that was handed in.
type Outcome string

// The outcomes.
const (
	Sent    Outcome = "sent"
	NotSent Outcome = "not sent"
	Refused Outcome = "refused"
	Unknown Outcome = "unknown"
)

// Fault is a way in which a queue fails.
type Fault struct {
	Name  string
	Takes int // how often the complaint is taken before that
	Want  Outcome
	Ask   bool // whoever only asks gets no answer by it either

	// Waiting is told each time that somebody is let wait for ever.
	Waiting chan struct{}

	answer func(w http.ResponseWriter, r *http.Request, code int, good []byte)
}

// Faults returns all of them.
func Faults() []*Fault {
	const html = "<!DOCTYPE html><html><head><title>Pemeliharaan</title></head><body><h1>Sistem sedang dalam pemeliharaan</h1></body></html>"
	says := func(code int, kind, body string, headers ...string) func(http.ResponseWriter, *http.Request, int, []byte) {
		return func(w http.ResponseWriter, _ *http.Request, _ int, _ []byte) {
			for i := 0; i+1 < len(headers); i += 2 {
				w.Header().Set(headers[i], headers[i+1])
			}
			write(w, code, kind, []byte(body))
		}
	}
	// raw writes bytes past net/http, and cuts the connection.
	raw := func(b func(code int, good []byte) []byte, linger int) func(http.ResponseWriter, *http.Request, int, []byte) {
		return func(w http.ResponseWriter, _ *http.Request, code int, good []byte) {
			c, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				panic(err)
			}
			_, _ = c.Write(b(code, good))
			if linger >= 0 {
				_ = c.(*net.TCPConn).SetLinger(linger)
			}
			_ = c.Close()
		}
	}
	waiting := make(chan struct{}, 1)
	wait := func(w http.ResponseWriter, r *http.Request) {
		if w != nil {
			_ = http.NewResponseController(w).Flush()
		}
		waiting <- struct{}{}
		<-r.Context().Done()
	}
	const json = "application/json"
	all := []*Fault{
		{Name: "takes it twice", Takes: 2, Want: Sent, answer: func(w http.ResponseWriter, _ *http.Request, code int, good []byte) { write(w, code, json, good) }},
		{Name: "right answer as text/html", Takes: 1, Want: Sent, answer: func(w http.ResponseWriter, _ *http.Request, code int, good []byte) {
			write(w, code, "text/html", good)
		}},
		{Name: "a byte at a time", Takes: 1, Want: Sent, answer: func(w http.ResponseWriter, _ *http.Request, code int, good []byte) {
			w.WriteHeader(code)
			for i := range good {
				_, _ = w.Write(good[i : i+1])
				_ = http.NewResponseController(w).Flush()
			}
		}},
		{Name: "asks to wait with 429", Want: NotSent, Ask: true, answer: says(429, json, `{}`, "Retry-After", "120")},
		{Name: "429 without a time", Want: NotSent, Ask: true, answer: says(429, "text/plain", "slow down")},
		{Name: "asks to wait with 503", Want: NotSent, Ask: true, answer: says(503, "text/html", html, "Retry-After", "3600")},
		{Name: "no such page", Want: NotSent, Ask: true, answer: says(404, "text/html", html)},
		{Name: "gone", Want: NotSent, Ask: true, answer: says(410, "text/html", html)},
		{Name: "moved, method kept", Want: NotSent, Ask: true, answer: says(308, "text/html", html, "Location", "/elsewhere")},
		{Name: "unauthorised without words", Want: NotSent, Ask: true, answer: says(401, "text/plain", "")},
		{Name: "forbidden by a firewall", Want: NotSent, Ask: true, answer: says(403, "text/html", html)},
		{Name: "too large", Want: Refused, Ask: true, answer: says(413, "text/html", html)},
		{Name: "bad request without words", Want: Refused, Ask: true, answer: says(400, "text/plain", "")},
		{Name: "unprocessable with a page", Want: Refused, Ask: true, answer: says(422, "text/html", html)},
	}
	// What says nothing of whether it was taken: each with and without.
	for _, f := range []*Fault{
		{Name: "500", answer: says(500, json, `{"error":"internal"}`)},
		{Name: "500 with a page", answer: says(500, "text/html", html)},
		{Name: "500 with Retry-After", answer: says(500, "text/html", html, "Retry-After", "10")},
		{Name: "502", answer: says(502, "text/html", html)},
		{Name: "503 without a time", answer: says(503, "text/html", html)},
		{Name: "503 with a time that is none", answer: says(503, "text/html", html, "Retry-After", "soon")},
		{Name: "504", answer: says(504, "text/html", html)},
		{Name: "a page with 200", answer: says(200, "text/html", html)},
		{Name: "a page with 200 as JSON", answer: says(200, json, html)},
		{Name: "empty 200", answer: says(200, json, "")},
		{Name: "204", answer: says(204, json, "")},
		{Name: "null", answer: says(200, json, "null")},
		{Name: "empty object", answer: says(200, json, "{}")},
		{Name: "empty list", answer: says(200, json, "[]")},
		{Name: "list of null", answer: says(200, json, "[null]")},
		{Name: "list of lists", answer: says(200, json, "[[[]]]")},
		{Name: "a number", answer: says(200, json, "17")},
		{Name: "ids of other types", answer: says(200, json, `[{"service_request_id":{"a":1},"complaint_id":[2],"token":true}]`)},
		{Name: "ids of nothing", answer: says(200, json, `{"complaint_id":"","results":{"complaint_id":null,"data":null},"service_request_id":" "}`)},
		{Name: "ids that can't be", answer: says(200, json, `[{"service_request_id":"<script>","token":"a b"}]`)},
		{Name: "errors with 200", answer: says(200, json, `[{"code":400,"description":"tidak lengkap"}]`)},
		{Name: "an error with 200", answer: says(200, json, `{"error":"tidak lengkap","message":"tidak lengkap"}`)},
		{Name: "JSON and more", answer: says(200, json, `[{"service_request_id":"1"}] <br>Warning: mysqli`)},
		{Name: "half of the JSON", answer: func(w http.ResponseWriter, _ *http.Request, code int, good []byte) {
			write(w, code, json, good[:len(good)/2])
		}},
		{Name: "an answer that is too large", answer: says(200, json, "["+string(bytes.Repeat([]byte(" "), 2<<20))+"]")},
		{Name: "an error that is too large", answer: says(400, json, "["+string(bytes.Repeat([]byte(" "), 2<<20))+"]")},
		{Name: "see other", answer: says(303, "text/html", html, "Location", "/")},
		{Name: "found", answer: says(302, "text/html", html, "Location", "/")},
		{Name: "moved", answer: says(301, "text/html", html, "Location", "/")},
		{Name: "a conflict", answer: says(409, json, `{"message":"sudah ada"}`)},
		{Name: "a request that took too long", answer: says(408, "text/html", html)},
		{Name: "a code that is none", answer: says(799, json, `{}`)},
		{Name: "not HTTP", answer: raw(func(int, []byte) []byte { return []byte("SSH-2.0-OpenSSH_9.2\r\n") }, -1)},
		{Name: "cut before the answer", answer: raw(func(int, []byte) []byte { return nil }, -1)},
		{Name: "reset before the answer", answer: raw(func(int, []byte) []byte { return nil }, 0)},
		{Name: "cut in the middle of a refusal", answer: raw(func(int, []byte) []byte {
			return []byte("HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n[{\"code\":400,\"description\":\"ti")
		}, -1)},
		{Name: "cut in the middle of asking to wait", answer: raw(func(int, []byte) []byte {
			return []byte("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 10\r\nContent-Length: 900\r\n\r\n<html>")
		}, -1)},
		{Name: "chunks that end too early", answer: raw(func(int, []byte) []byte {
			return []byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n[{")
		}, -1)},
		{Name: "two lengths", answer: raw(func(int, []byte) []byte {
			return []byte("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\n[{}] ")
		}, -1)},
		{Name: "headers without end", answer: raw(func(int, []byte) []byte {
			return append([]byte("HTTP/1.1 200 OK\r\nX-A: "), bytes.Repeat([]byte("a"), 300<<10)...)
		}, -1)},
		{Name: "no answer for ever", Waiting: waiting, answer: func(_ http.ResponseWriter, r *http.Request, _ int, _ []byte) { wait(nil, r) }},
		{Name: "half an answer for ever", Waiting: waiting, answer: func(w http.ResponseWriter, r *http.Request, code int, good []byte) {
			w.Header().Set("Content-Type", json)
			w.Header().Set("Content-Length", fmt.Sprint(len(good)))
			w.WriteHeader(code)
			_, _ = w.Write(good[:len(good)/2])
			wait(w, r)
		}},
	} {
		taken := *f
		f.Name, f.Want, f.Ask = "not taken: "+f.Name, Unknown, true
		taken.Name, taken.Want, taken.Takes = "taken: "+taken.Name, Unknown, 1
		all = append(all, f, &taken)
	}
	return all
}

// Cut returns a fault that takes the complaint and cuts the connection after n
// bytes of the answer; whole tells whether that is all of it, which is known once
// it has struck.
func Cut(n int) (f *Fault, whole func() bool) {
	var all bool
	var mu sync.Mutex
	f = &Fault{Name: fmt.Sprintf("cut after %d bytes", n), Takes: 1, Want: Unknown, answer: func(w http.ResponseWriter, _ *http.Request, code int, good []byte) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		b := fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", code, http.StatusText(code), len(good), good)
		mu.Lock()
		all = n >= len(b)
		mu.Unlock()
		_, _ = c.Write(b[:min(n, len(b))])
		_ = c.Close()
	}}
	return f, func() bool {
		mu.Lock()
		defer mu.Unlock()
		return all
	}
}

// Fill adds complaints of others, the newest now and each before it a minute older.
func (s *Server) Fill(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for i := range n {
		s.taken = append(s.taken, &Taken{
			ID: fmt.Sprint(1000001 + len(s.taken)), Text: "Lampu jalan padam.", Fields: map[string]string{}, At: now.Add(-time.Duration(i) * time.Minute), Status: "open",
		})
	}
}

// Age makes a complaint older than it is.
func (s *Server) Age(id string, by time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if x := s.find(id); x != nil {
		x.At = x.At.Add(-by)
	}
}
