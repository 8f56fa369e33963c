package queuetest_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"suluh.example/suluh/internal/forward"
	"suluh.example/suluh/internal/forward/httpqueue"
	"suluh.example/suluh/internal/forward/open311"
	"suluh.example/suluh/internal/forward/queue"
	"suluh.example/suluh/internal/forward/queuetest"
	"suluh.example/suluh/internal/forward/sp4n"
	"suluh.example/suluh/internal/report"
)

const reference = queuetest.Reference

var (
	must   = queuetest.Must
	secret = queuetest.Secret
)

// kinds are the connectors, each at a queue that it can talk to. at is where it
// looks for the queue, if not where it is.
var kinds = []struct {
	name  string
	start func(testing.TB) *queuetest.Server
	make  func(t testing.TB, at string) (forward.Connector, *queue.Client)
}{
	{"open311", queuetest.NewOpen311, func(t testing.TB, at string) (forward.Connector, *queue.Client) {
		client := queuetest.Client(t)
		c, err := open311.New(open311.Config{
			Base: at, APIKeyFile: secret(t, queuetest.Key), Jurisdiction: "kalsel", ServiceCode: map[string]string{"general": "UMUM", "aspiration": "ASPIRASI", "information": "INFO"},
			Address: "Banjarbaru", Lookup: true, LookupComplete: true,
		}, client)
		must(t, err)
		return c, client
	}},
	{"sp4n", queuetest.NewSP4N, func(t testing.TB, at string) (forward.Connector, *queue.Client) {
		client := queuetest.Client(t)
		yes := true
		c, err := sp4n.New(sp4n.Config{
			Base: at, SendPath: "complaints/complaint-lmw", AuthFile: secret(t, "Bearer "+queuetest.Key), TokenFile: secret(t, "token-"+queuetest.Key),
			Channel: int64(13), UserID: int64(4711), LocationID: "6300", Classification: map[string]any{"general": int64(1), "aspiration": int64(2), "information": int64(3)},
			Category: map[string]any{"default": int64(90), "pungli": int64(91)}, Disposition: map[string]any{"default": int64(5)},
			Anonymous: &yes, Secret: &yes, Lookup: "complaints/search?q={reference}", LookupComplete: true,
		}, client)
		must(t, err)
		return c, client
	}},
	{"http with a form", queuetest.NewOpen311, func(t testing.TB, at string) (forward.Connector, *queue.Client) {
		client := queuetest.Client(t)
		c, err := httpqueue.New(httpqueue.Config{
			Base: at, Secrets: map[string]string{"key": secret(t, queuetest.Key)},
			Maps: map[string]map[string]string{"service": {"default": "UMUM"}},
			Send: httpqueue.Send{
				Path: "requests.json", ID: "0.service_request_id", Error: "*.description",
				Form: map[string]string{
					"api_key": `{{secret "key"}}`, "jurisdiction_id": "kalsel", "service_code": `{{map "service"}}`, "address_string": "Banjarbaru",
					"description": "{{.Title}}\n\n{{cut 3000 .Text}}\n\nRef. {{.Reference}}",
				},
			},
			Find: httpqueue.Find{
				Path: "requests.json", Query: map[string]string{
					"start_date": time.Now().UTC().AddDate(0, 0, -1).Format(time.RFC3339), "end_date": time.Now().UTC().AddDate(0, 0, 1).Format(time.RFC3339), "reference": "{{.Reference}}",
				},
				ID: "service_request_id", Complete: true,
			},
			Status: httpqueue.Status{Path: "requests/{{.Tracking}}.json", Word: "0.status", Answer: "0.status_notes", Map: map[string]string{"open": "forwarded", "closed": "closed"}},
		}, client)
		must(t, err)
		return c, client
	}},
	{"http with JSON", queuetest.NewSP4N, func(t testing.TB, at string) (forward.Connector, *queue.Client) {
		client := queuetest.Client(t)
		c, err := httpqueue.New(httpqueue.Config{
			Base: at, Secrets: map[string]string{"auth": secret(t, "Bearer "+queuetest.Key), "token": secret(t, "token-"+queuetest.Key)},
			Headers: map[string]string{"Authorization": `{{secret "auth"}}`, "token": `{{secret "token"}}`},
			Maps:    map[string]map[string]string{"class": {"general": "1", "aspiration": "2", "information": "3"}},
			Send: httpqueue.Send{
				Path: "complaints/complaint-lmw", ID: "results.complaint_id", Error: "message",
				JSON: map[string]any{
					"title": "{{.Title}}", "content": "{{.Text}}\n\nRef. {{.Reference}}", "channel": int64(13), "user_id": int64(4711), "location_id": "6300",
					"classification_id": map[string]any{"$number": `{{map "class"}}`}, "category_id": int64(91), "disposition_id": int64(5), "is_anonymous": true, "is_secret": true,
				},
			},
			Find:   httpqueue.Find{Path: "complaints/search", Query: map[string]string{"q": "{{.Reference}}"}, List: "results.data", ID: "id", Complete: true},
			Status: httpqueue.Status{Path: "complaints/{{.Tracking}}/complaint", Word: "results.data.status_name", Map: map[string]string{"Selesai": "closed", "Belum Terverifikasi": "forwarded"}},
		}, client)
		must(t, err)
		return c, client
	}},
}

func outcome(err error) queuetest.Outcome {
	var notSent *forward.NotSent
	var refused *forward.Refused
	switch {
	case err == nil:
		return queuetest.Sent
	case errors.As(err, &notSent):
		return queuetest.NotSent
	case errors.As(err, &refused):
		return queuetest.Refused
	}
	return queuetest.Unknown
}

// check holds what must hold whatever happened: what was taken is never called
// refused or not sent, what wasn't never sent, and no error tells a secret or
// what was sent.
func check(t *testing.T, s *queuetest.Server, sent forward.Sent, err error, before int) {
	t.Helper()
	taken := len(s.Taken()) - before
	switch o := outcome(err); {
	case taken > 0 && (o == queuetest.NotSent || o == queuetest.Refused):
		t.Errorf("taken %d times, and it says %s: %v", taken, o, err)
	case taken == 0 && o == queuetest.Sent:
		t.Errorf("not taken, and it says sent as %q", sent.Tracking)
	case o == queuetest.Sent && sent.Tracking == "":
		t.Error("sent without a number")
	}
	if err != nil {
		for _, s := range []string{queuetest.Key, "Pungutan", "loket", reference, "127.0.0.1/", "requests.json", "\n"} {
			if strings.Contains(err.Error(), s) {
				t.Errorf("the error tells %q: %v", s, err)
			}
		}
	}
}

// TestFaults holds every connector against everything that may go wrong.
func TestFaults(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			for _, f := range queuetest.Faults() {
				t.Run(f.Name, func(t *testing.T) {
					s := kind.start(t)
					c, _ := kind.make(t, s.URL)
					cut := func() context.Context {
						ctx, cancel := context.WithCancel(t.Context())
						t.Cleanup(cancel)
						if f.Waiting != nil {
							go func() {
								select {
								case <-f.Waiting:
									cancel()
								case <-ctx.Done():
								}
							}()
						}
						return ctx
					}
					s.Break(f, false)
					sent, err := c.Send(cut(), queuetest.Complaint(t))
					if o := outcome(err); o != f.Want {
						t.Errorf("came to %s (%v), not to %s", o, err, f.Want)
					}
					check(t, s, sent, err, 0)
					if n := len(s.Taken()); n != f.Takes {
						t.Fatalf("the queue has it %d times", n)
					}

					// The queue works again and can be asked what became of it.
					s.Break(nil, false)
					found, err := c.Find(t.Context(), reference)
					if f.Takes == 0 && !errors.Is(err, forward.ErrNotFound) {
						t.Errorf("not taken, and looking it up says %+v, %v", found, err)
					}
					if f.Takes > 0 && (err != nil || found.Tracking != s.Taken()[0].ID) {
						t.Errorf("taken, and looking it up says %+v, %v", found, err)
					}

					// While it fails those who ask, nothing is certain.
					if f.Ask {
						s.Break(f, true)
						if found, err := c.Find(cut(), reference); err == nil || errors.Is(err, forward.ErrNotFound) {
							// An empty list is an answer.
							if !strings.Contains(f.Name, "empty list") || found.Tracking != "" {
								t.Errorf("a failing queue says of a look-up %+v, %v", found, err)
							}
						}
						if st, err := c.Status(cut(), "1000001", reference); err == nil {
							t.Errorf("a failing queue says of the status %+v", st)
						}
					}
				})
			}
		})
	}
}

// TestCutAtEachByte cuts the connection after each byte of the answer.
func TestCutAtEachByte(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			s := kind.start(t)
			c, _ := kind.make(t, s.URL)
			for n := 0; ; n++ {
				f, whole := queuetest.Cut(n)
				s.Break(f, false)
				sent, err := c.Send(t.Context(), queuetest.Complaint(t))
				check(t, s, sent, err, n)
				if whole() {
					if err != nil {
						t.Errorf("a whole answer: %v", err)
					}
					break
				}
				if outcome(err) != queuetest.Unknown {
					t.Fatalf("after %d bytes it comes to %s: %v", n, outcome(err), err)
				}
			}
		})
	}
}

// TestCutWhileSending cuts the connection after so many bytes of the request:
// nothing was taken, which nobody can know.
func TestCutWhileSending(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			must(t, err)
			for _, n := range []int64{0, 1, 20, 100, 300, 500} {
				var done sync.WaitGroup
				done.Go(func() {
					c, err := l.Accept()
					if err != nil {
						return
					}
					_, _ = io.CopyN(io.Discard, c, n)
					_ = c.(*net.TCPConn).SetLinger(0)
					_ = c.Close()
				})
				c, _ := kind.make(t, "http://"+l.Addr().String())
				_, err := c.Send(t.Context(), queuetest.Complaint(t))
				done.Wait()
				if o := outcome(err); o != queuetest.Unknown && (n > 0 || o != queuetest.NotSent) { // at once, there may be no connection yet
					t.Errorf("cut after %d bytes of the request, it comes to %s: %v", n, outcome(err), err)
				}
			}
			// Without anybody there, it certainly isn't sent.
			must(t, l.Close())
			c, _ := kind.make(t, "http://"+l.Addr().String())
			if _, err := c.Send(t.Context(), queuetest.Complaint(t)); outcome(err) != queuetest.NotSent || !errors.Is(err, queue.ErrUnreachable) {
				t.Errorf("nobody listens: %v", err)
			}
		})
	}
}

// TestWorks is a day on which nothing goes wrong, and one on which the
// credentials expire.
func TestWorks(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			s := kind.start(t)
			c, _ := kind.make(t, s.URL)
			if _, err := c.Find(t.Context(), reference); !errors.Is(err, forward.ErrNotFound) {
				t.Errorf("before it is sent: %v", err)
			}
			s.Expire(true)
			_, err := c.Send(t.Context(), queuetest.Complaint(t))
			check(t, s, forward.Sent{}, err, 0)
			if outcome(err) != queuetest.NotSent || !errors.Is(err, queue.ErrCredentials) || !strings.Contains(err.Error(), "configuration") {
				t.Errorf("expired credentials: %v", err)
			}
			s.Expire(false)
			sent, err := c.Send(t.Context(), queuetest.Complaint(t))
			must(t, err)
			taken := s.Taken()
			if len(taken) != 1 || taken[0].ID != sent.Tracking {
				t.Fatalf("sent as %q, the queue has %+v", sent.Tracking, taken)
			}
			for _, want := range strings.Split(queuetest.Complaint(t).Text, "\n") {
				if !strings.Contains(taken[0].Text, want) {
					t.Errorf("of the text, %q didn't arrive: %q", want, taken[0].Text)
				}
			}
			if !strings.Contains(taken[0].Text, reference) {
				t.Error("the reference didn't arrive")
			}
			st, err := c.Status(t.Context(), sent.Tracking, reference)
			if err != nil || st.Status != report.Forwarded || st.Final || st.Tracking != sent.Tracking || st.Answer != "" {
				t.Errorf("at first: %+v, %v", st, err)
			}
			if byReference, err := c.Status(t.Context(), "", reference); err != nil || byReference.Tracking != sent.Tracking {
				t.Errorf("by reference: %+v, %v", byReference, err)
			}
			done := map[bool]string{true: "Selesai", false: "closed"}[taken[0].Status == "Belum Terverifikasi"]
			s.Set(sent.Tracking, strings.ToUpper(done)+" ", "Loket sudah kami tertibkan.")
			st, err = c.Status(t.Context(), sent.Tracking, reference)
			if err != nil || st.Status != report.Closed || !st.Final || st.Word != strings.ToUpper(done) {
				t.Errorf("at the end: %+v, %v", st, err)
			}
			s.Set(sent.Tracking, "Sesuatu yang baru", "")
			if st, err = c.Status(t.Context(), sent.Tracking, reference); err != nil || st.Status != "" || st.Final || st.Word != "Sesuatu yang baru" {
				t.Errorf("an unknown word: %+v, %v", st, err)
			}
			if _, err := c.Status(t.Context(), "9999999", reference); err == nil {
				t.Error("a complaint that isn't there has a status")
			}
		})
	}
}
