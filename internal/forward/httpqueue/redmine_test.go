//go:build redmine

package httpqueue_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/BurntSushi/toml"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/forward"
	"suluh.example/suluh/internal/forward/httpqueue"
	"suluh.example/suluh/internal/forward/queue"
	"suluh.example/suluh/internal/report"
)

// redmine is one that was installed from Debian's packages into a folder, with a
// database of its own. Nothing of it touches this machine's services.
type redmine struct {
	root, address string
	said          *bytes.Buffer
	cmd           *exec.Cmd
	ended         chan struct{}
	Key           string
	Admin         string
	Field         int
	Trackers      [][]any
	Statuses      map[string]int
}

func install(t *testing.T) *redmine {
	t.Helper()
	if os.Getuid() != 0 {
		t.Fatal("only root can install a Redmine into a folder")
	}
	r := &redmine{root: filepath.Join(t.TempDir(), "debian")}
	// Without the folders of documentation, Redmine's package doesn't know its database.
	out, err := exec.Command("mmdebstrap", "--variant=essential", "--include=apt,redmine,redmine-sqlite,puma", "--dpkgopt=force-unsafe-io",
		"--dpkgopt=path-exclude=/usr/share/locale/*", "bookworm", r.root).CombinedOutput()
	if err != nil {
		t.Fatalf("install: %v\n%s", err, out)
	}
	script, err := os.ReadFile("testdata/redmine.rb")
	must(t, err)
	must(t, os.WriteFile(filepath.Join(r.root, "siapkan.rb"), script, 0o644))
	setup := r.inside("bundle", "exec", "rails", "runner", "/siapkan.rb")
	var said bytes.Buffer
	setup.Stderr = &said
	out, err = setup.Output()
	if err != nil {
		t.Fatalf("set up: %v\n%s%s", err, out, &said)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), r); err != nil {
		t.Fatalf("set up: %v\n%s", err, out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	r.address = l.Addr().String()
	must(t, l.Close())
	t.Cleanup(r.stop)
	return r
}

// inside is a command in the folder, as Redmine's user, that ends with all that it
// started when it is killed.
func (r *redmine) inside(command ...string) *exec.Cmd {
	cmd := exec.Command("unshare", append([]string{
		"--mount", "--pid", "--fork", "--kill-child", "--mount-proc=" + filepath.Join(r.root, "proc"),
		// The first process stays root, so that the kernel kills it with its parent, and all others with it.
		"sh", "-c", `chroot --userspec=www-data:www-data "$0" sh -c 'cd /usr/share/redmine && exec "$@"' sh "$@"; exit $?`, r.root,
	}, command...)...)
	cmd.Env = []string{"PATH=/usr/bin:/bin:/usr/sbin:/sbin", "RAILS_ENV=production", "HOME=/tmp", "LANG=C.UTF-8"}
	return cmd
}

func (r *redmine) start(t *testing.T) {
	t.Helper()
	r.said, r.ended = &bytes.Buffer{}, make(chan struct{})
	r.cmd = r.inside("puma", "-b", "tcp://"+r.address, "-t", "2:2", "-e", "production")
	r.cmd.Stdout, r.cmd.Stderr = r.said, r.said
	must(t, r.cmd.Start())
	ended := r.ended
	go func(cmd *exec.Cmd) { _ = cmd.Wait(); close(ended) }(r.cmd)
	for range 300 {
		if c, err := net.Dial("tcp", r.address); err == nil {
			_ = c.Close()
			return
		}
		select {
		case <-r.ended:
			t.Fatalf("Redmine ended:\n%s", r.said)
		case <-time.After(time.Second):
		}
	}
	t.Fatal("Redmine doesn't come up")
}

// stop ends it as a power cut would.
func (r *redmine) stop() {
	if r.cmd != nil {
		_ = r.cmd.Process.Kill()
		<-r.ended
		r.cmd = nil
	}
}

// admin does something as an administrator would, with Redmine's own interface.
func (r *redmine) admin(t *testing.T, method, path string, body, answer any) {
	t.Helper()
	b, err := json.Marshal(body)
	must(t, err)
	q, err := http.NewRequestWithContext(t.Context(), method, "http://"+r.address+path, bytes.NewReader(b))
	must(t, err)
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set("X-Redmine-API-Key", r.Admin)
	a, err := http.DefaultClient.Do(q)
	must(t, err)
	defer a.Body.Close()
	got, err := io.ReadAll(a.Body)
	must(t, err)
	if a.StatusCode/100 != 2 {
		t.Fatalf("%s %s: %d %s", method, path, a.StatusCode, got)
	}
	if answer != nil {
		must(t, json.Unmarshal(got, answer))
	}
}

// issues returns what Redmine has in all.
func (r *redmine) issues(t *testing.T) (all []issue) {
	t.Helper()
	var got struct {
		Issues []issue `json:"issues"`
	}
	r.admin(t, http.MethodGet, "/issues.json?status_id=*&limit=100&sort=id", nil, &got)
	return got.Issues
}

type issue struct {
	ID          int                     `json:"id"`
	Subject     string                  `json:"subject"`
	Description string                  `json:"description"`
	Project     struct{ Name string }   `json:"project"`
	Tracker     struct{ ID int }        `json:"tracker"`
	Author      struct{ Name string }   `json:"author"`
	Fields      []struct{ Value any }   `json:"custom_fields"`
	Files       []struct{ Name string } `json:"attachments"`
}

// connector is made of the example in docs/operations.md, with this Redmine's
// address, numbers and key.
func (r *redmine) connector(t *testing.T, at, key string, change ...func(*httpqueue.Config)) forward.Connector {
	t.Helper()
	docs, err := os.ReadFile("../../../docs/operations.md")
	must(t, err)
	_, text, _ := strings.Cut(string(docs), "```toml\nqueue = \"http\"\n")
	text, _, _ = strings.Cut(text, "```")
	var file struct {
		HTTP httpqueue.Config `toml:"http"`
	}
	text = strings.NewReplacer("cf_1 =", fmt.Sprintf("cf_%d =", r.Field), "{ id = 1,", fmt.Sprintf("{ id = %d,", r.Field)).Replace(text)
	for i, t := range r.Trackers {
		text = strings.ReplaceAll(text, fmt.Sprintf("= %q", fmt.Sprint(i+1)), fmt.Sprintf("= %q", fmt.Sprint(t[0])))
	}
	_, err = toml.Decode(text, &file) // that it has no other keys is tried elsewhere
	must(t, err)
	file.HTTP.Base = "http://" + at
	file.HTTP.Secrets["key"] = secret(t, key)
	for _, f := range change {
		f(&file.HTTP)
	}
	client, err := queue.NewClient(queue.Reach{Timeout: 5 * time.Minute}, nil)
	must(t, err)
	c, err := httpqueue.New(file.HTTP, client)
	must(t, err)
	return c
}

// TestRedmine sends to a real Redmine, loses its answers, stops and starts it, and
// reads back what its people say.
func TestRedmine(t *testing.T) {
	r := install(t)
	r.start(t)
	ctx := t.Context()
	c := r.connector(t, r.address, r.Key)
	day, err := id.ParseDay("2026-03-02")
	must(t, err)
	complaint := func(reference string) forward.Complaint {
		return forward.Complaint{
			Reference: reference, Class: report.Aspiration, Category: "pungli", Day: day, Language: "id", Title: `Loket "dua" & <b>antrean</b> ` + strings.Repeat("panjang ", 40),
			Text: "Baris satu \"kutip\" \\ miring,\nbaris dua & {{.Text}} <script>x</script> 50%+ĀčØ😀.\n\", \"is_private\": true, \"x\": \"",
		}
	}
	const first, second, third = "satu3x7v2mfa6zt5wnb4yjr2sd", "dua33x7v2mfa6zt5wnb4yjr2sd", "tiga3x7v2mfa6zt5wnb4yjr2sd"

	if _, err := c.Find(ctx, first); !errors.Is(err, forward.ErrNotFound) {
		t.Fatalf("before it is sent: %v", err)
	}
	sent, err := c.Send(ctx, complaint(first))
	must(t, err)
	all := r.issues(t)
	if len(all) != 1 || fmt.Sprint(all[0].ID) != sent.Tracking || all[0].Project.Name != "Pengaduan" || all[0].Author.Name != "Penerus Contoh" || fmt.Sprint(all[0].Tracker.ID) != fmt.Sprint(r.Trackers[1][0]) {
		t.Fatalf("sent as %+v, Redmine has %+v", sent, all)
	}
	if want := complaint(first); strings.ReplaceAll(all[0].Description, "\r\n", "\n") != want.Text || !strings.HasPrefix(all[0].Subject, `Loket "dua" & <b>antrean</b> panjang`) || len(all[0].Files) > 0 {
		t.Errorf("it arrived as %q, %q", all[0].Subject, all[0].Description)
	}
	if sent.Link != "https://redmine.example/issues/"+sent.Tracking {
		t.Errorf("link %q", sent.Link)
	}
	if found, err := c.Find(ctx, first); err != nil || found.Tracking != sent.Tracking {
		t.Errorf("by reference: %+v, %v", found, err)
	}
	if _, err := c.Find(ctx, second); !errors.Is(err, forward.ErrNotFound) {
		t.Errorf("another reference: %v", err)
	}
	// A filter that Redmine doesn't know is ignored, and everything is found.
	loose := r.connector(t, r.address, r.Key, func(cfg *httpqueue.Config) {
		cfg.Find.Query = map[string]string{"status_id": "*", "cf_9999": "{{.Reference}}"}
	})
	if found, err := loose.Find(ctx, second); err == nil || errors.Is(err, forward.ErrNotFound) {
		t.Errorf("with a wrong filter: %+v, %v", found, err)
	}

	// What Redmine says no to.
	var refused *forward.Refused
	empty := complaint(second)
	empty.Title = ""
	if _, err := c.Send(ctx, empty); !errors.As(err, &refused) || refused.Reason != "Subject cannot be blank" {
		t.Errorf("without a title: %v", err)
	}
	for what, project := range map[string]string{"a project that isn't there": "tidak-ada", "a project of others": "lain"} {
		wrong := r.connector(t, r.address, r.Key, func(cfg *httpqueue.Config) {
			cfg.Send.JSON["issue"].(map[string]any)["project_id"] = project
		})
		if _, err := wrong.Send(ctx, complaint(second)); !errors.As(err, &refused) || !strings.Contains(refused.Reason, "Project cannot be blank") {
			t.Errorf("%s: %v", what, err)
		}
	}
	var notSent *forward.NotSent
	if _, err := r.connector(t, r.address, "kunci-yang-salah").Send(ctx, complaint(second)); !errors.As(err, &notSent) || !errors.Is(err, queue.ErrCredentials) {
		t.Errorf("a wrong key: %v", err)
	}

	// What people do in Redmine comes back.
	st, err := c.Status(ctx, sent.Tracking, first)
	if err != nil || st.Status != report.Forwarded || st.Word != "New" || st.Answer != "" || st.Final {
		t.Errorf("at first: %+v, %v", st, err)
	}
	path := "/issues/" + sent.Tracking + ".json"
	r.admin(t, http.MethodPut, path, map[string]any{"issue": map[string]any{"status_id": r.Statuses["In Progress"], "notes": "Sedang kami periksa."}}, nil)
	r.admin(t, http.MethodPut, path, map[string]any{"issue": map[string]any{"notes": "Jangan diberitahukan.", "private_notes": true}}, nil)
	if st, err = c.Status(ctx, sent.Tracking, first); err != nil || st.Status != report.Forwarded || st.Word != "In Progress" || st.Answer != "Sedang kami periksa." || st.Final {
		t.Errorf("in progress: %+v, %v", st, err)
	}
	r.admin(t, http.MethodPut, path, map[string]any{"issue": map[string]any{"status_id": r.Statuses["Closed"], "notes": "Loket sudah\nkami tertibkan."}}, nil)
	if st, err = c.Status(ctx, "", first); err != nil || st.Status != report.Closed || !st.Final || st.Tracking != sent.Tracking || st.Answer != "Sedang kami periksa.\n\nLoket sudah\nkami tertibkan." {
		t.Errorf("closed: %+v, %v", st, err)
	}

	// Its answer is lost after it took one: unknown, and found again.
	through := r.connector(t, losing(t, r.address), r.Key)
	if _, err = through.Send(ctx, complaint(second)); err == nil || errors.As(err, &notSent) || errors.As(err, &refused) || !errors.Is(err, queue.ErrCut) {
		t.Errorf("the answer is lost: %v", err)
	}
	found, err := c.Find(ctx, second)
	if err != nil || found.Tracking != fmt.Sprint(r.issues(t)[1].ID) {
		t.Errorf("what was lost: %+v, %v", found, err)
	}

	// Down, and up again.
	r.stop()
	notSent = nil
	if _, err := c.Send(ctx, complaint(third)); !errors.As(err, &notSent) || !errors.Is(err, queue.ErrUnreachable) {
		t.Errorf("down: %v", err)
	}
	if _, err := c.Find(ctx, third); err == nil || errors.Is(err, forward.ErrNotFound) {
		t.Errorf("looked up while it is down: %v", err)
	}
	r.start(t)
	if _, err := c.Find(ctx, third); !errors.Is(err, forward.ErrNotFound) {
		t.Errorf("up again: %v", err)
	}
	if _, err := c.Send(ctx, complaint(third)); err != nil {
		t.Errorf("up again: %v", err)
	}

	if all = r.issues(t); len(all) != 3 {
		t.Errorf("Redmine has %d issues", len(all))
	}
	seen := map[any]bool{}
	for _, i := range all {
		if len(i.Fields) != 1 || seen[i.Fields[0].Value] {
			t.Errorf("issue %d has the reference %v, which another has, or none", i.ID, i.Fields)
			continue
		}
		seen[i.Fields[0].Value] = true
	}
	if !seen[first] || !seen[second] || !seen[third] {
		t.Errorf("Redmine has the references %v", seen)
	}
}

// losing passes requests on and lets no answer back: it waits until there is one,
// and cuts the connection.
func losing(t *testing.T, to string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			behind, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", (&url.URL{Host: to}).Host)
			if err != nil {
				_ = c.Close()
				continue
			}
			go func() { _, _ = io.Copy(behind, c) }()
			_, _ = io.Copy(io.Discard, behind)
			_ = c.Close()
		}
	}()
	return l.Addr().String()
}
