package logwatch_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"suluh.example/suluh/internal/anomaly"
	"suluh.example/suluh/internal/anomaly/year"
	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/internal/logwatch"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var theYear = sync.OnceValues(func() (*year.Log, error) { return year.Make(3, 400) })

// served is the log of a year, that can be away.
type served struct {
	*year.Log
	away error
	read []string
}

func (s *served) files(ctx context.Context, path string) ([]byte, error) {
	if s.away != nil {
		return nil, s.away
	}
	s.read = append(s.read, path)
	return s.Files(ctx, path)
}

func follow(t *testing.T, change func(*logwatch.Config)) (*logwatch.Watch, *served, *time.Time) {
	t.Helper()
	l, err := theYear()
	must(t, err)
	s := &served{Log: l}
	now := time.Date(2026, 12, 31, 12, 0, 0, 0, time.UTC)
	c := logwatch.Config{
		Files: s.files, Key: l.Key, State: filepath.Join(t.TempDir(), "state"), Stall: 7 * 24 * time.Hour, Patience: 24 * time.Hour,
		Now: func() time.Time { return now },
	}
	if change != nil {
		change(&c)
	}
	w, err := logwatch.Open(c)
	must(t, err)
	return w, s, &now
}

func look(t *testing.T, w *logwatch.Watch) []logwatch.News {
	t.Helper()
	news, err := w.Look(t.Context())
	must(t, err)
	return news
}

func kinds(news []logwatch.News) (all string) {
	for _, n := range news {
		all += string(n.Kind)
		if n.Again {
			all += "(again)"
		}
		all += " "
	}
	return strings.TrimSpace(all)
}

func TestANetworkThatIsAwayIsNoFaultUntilItLasts(t *testing.T) {
	w, s, now := follow(t, nil)
	if got := kinds(look(t, w)); got != "" {
		t.Fatalf("a good log: %s", got)
	}
	must(t, w.Said())
	s.away = errors.New("uji: jaringan terputus")
	for _, x := range []struct {
		after time.Duration
		want  string
	}{{0, ""}, {23 * time.Hour, ""}, {2 * time.Hour, "away"}, {time.Hour, "away(again)"}} {
		*now = now.Add(x.after)
		if got := kinds(look(t, w)); got != x.want {
			t.Errorf("after %s more: %q, want %q", x.after, got, x.want)
		}
		must(t, w.Said())
	}
	s.away = nil
	if got := kinds(look(t, w)); got != "well" {
		t.Errorf("it is back: %q", got)
	}
	must(t, w.Said())
	if got := kinds(look(t, w)); got != "" {
		t.Errorf("it is still there: %q", got)
	}
}

func TestNewsThatWereNotSaidAreToldAgain(t *testing.T) {
	w, _, now := follow(t, nil)
	*now = now.Add(30 * 24 * time.Hour)
	for range 2 {
		if got := kinds(look(t, w)); got != "stalled" {
			t.Errorf("got %q", got)
		}
	}
	must(t, w.Said())
	if got := kinds(look(t, w)); got != "stalled(again)" {
		t.Errorf("got %q", got)
	}
}

func TestOnlyWhatIsNewIsRead(t *testing.T) {
	rules, err := anomaly.Parse(anomaly.Default)
	must(t, err)
	for _, look2 := range []*anomaly.Rules{nil, rules} {
		var c logwatch.Config
		w, s, _ := follow(t, func(x *logwatch.Config) { x.Rules = look2; c = *x })
		first := kinds(look(t, w))
		s.read = nil
		if got := kinds(look(t, w)); got != first { // nothing was said yet
			t.Errorf("the second look has news %q, the first %q", got, first)
		}
		again, err := logwatch.Open(c) // as the next run
		must(t, err)
		if got := kinds(look(t, again)); got != first {
			t.Errorf("the next run has news %q, the first %q", got, first)
		}
		for _, path := range s.read {
			if path != "checkpoint" && !strings.HasPrefix(path, "rosters/") {
				t.Errorf("%s was read again", path)
			}
		}
		must(t, os.WriteFile(c.State+".verified", []byte("{}"), 0o600))
		again, err = logwatch.Open(c)
		must(t, err)
		if got := kinds(look(t, again)); got != first {
			t.Errorf("with a damaged file there are news %q, at first %q", got, first)
		}
	}
}

func TestUnusualThingsAreSaidOnceEach(t *testing.T) {
	rules, err := anomaly.Parse(anomaly.Default)
	must(t, err)
	w, _, _ := follow(t, func(c *logwatch.Config) { c.Rules = rules })
	news := look(t, w)
	if kinds(news) != "unusual" || len(news[0].Found) < 20 {
		t.Fatalf("got %q", kinds(news))
	}
	c, err := lang.Load()
	must(t, err)
	for _, l := range c.Languages() {
		subject, text := news[0].Words(l, "log.example", time.UTC)
		if !strings.HasPrefix(text, subject+"\n") || strings.Contains(text, "[watch") || strings.Contains(text, "<no value>") {
			t.Errorf("%s:\n%s", l.Code(), text)
		}
	}
	must(t, w.Said())
	if got := kinds(look(t, w)); got != "" {
		t.Errorf("said again: %q", got)
	}
}

func TestAStateThatSomebodyChangedIsRefused(t *testing.T) {
	var file string
	w, _, _ := follow(t, func(c *logwatch.Config) { file = c.State })
	look(t, w)
	good, err := os.ReadFile(file)
	must(t, err)
	l, err := theYear()
	must(t, err)
	open := func(text string) error {
		must(t, os.WriteFile(file, []byte(text), 0o600))
		_, err := logwatch.Open(logwatch.Config{Files: l.Files, Key: l.Key, State: file})
		return err
	}
	must(t, open(string(good)))
	for _, bad := range []string{
		"", "{}", string(good[:len(good)/2]),
		strings.Replace(string(good), "suluh.example/watch/v1", "suluh.example/watch/v2", 1),
		strings.Replace(string(good), l.Key, l.Key[:len(l.Key)-1]+"x", 1),
		strings.Replace(string(good), `tahun\n`, `tahun\n1`, 1),
	} {
		if open(bad) == nil {
			t.Errorf("it is taken:\n%s", bad)
		}
	}
}
