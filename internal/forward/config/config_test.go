package config_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"suluh.example/suluh/internal/forward/config"
	"suluh.example/suluh/internal/lang"
)

const good = `# a comment
queue = "http"

[http]
base = "https://antrean.example/api"
timeout = "30s"

[http.send]
path = "/aduan"
id = "id"
json = { judul = "{{.Title}}", isi = "{{.Text}}" }

[times]
status = "1h"
settle = "40s"
`

func TestGood(t *testing.T) {
	c, err := config.Parse("f.toml", good)
	if err != nil {
		t.Fatal(err)
	}
	if times := c.EngineTimes(); times.Status != time.Hour || times.AfterError != time.Hour || times.Vault != 30*time.Second {
		t.Errorf("the times are %+v", times)
	}
	if c.QueueName() != "http antrean.example" || c.Address() != "antrean.example:443" || c.Folder() != "" || c.Language != "id" {
		t.Errorf("it is %q at %q, folder %q, language %q", c.QueueName(), c.Address(), c.Folder(), c.Language)
	}
	words, err := lang.Load()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Connector(words, nil); err != nil {
		t.Error(err)
	}
	if c, err = config.Parse("f.toml", "queue = \"spool\"\n[spool]\ndir = \"/tmp/x\"\n"); err != nil || c.EngineTimes().Status != time.Minute || c.Address() != "" {
		t.Errorf("a spool: %+v, %v", c, err)
	}
}

// Whatever is wrong is said with its line and key.
func TestWrong(t *testing.T) {
	words, err := lang.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct{ from, to, want string }{
		{`timeout = "30s"`, `timeut = "30s"`, `f.toml:6: unknown key "http.timeut"`},
		{`timeout = "30s"`, `timeout = "lama"`, `f.toml:6: http.timeout: `},
		{`timeout = "30s"`, `timeout = "50s"`, `f.toml:15: times.settle: is less than the queue's timeout`},
		{`isi = "{{.Text}}"`, `isi = "{{.Teks}}"`, `f.toml:11: http.send.json.isi: `},
		{`judul =`, `judul.x =`, ""},
		{`status = "1h"`, `status = "0s"`, `f.toml:14: times.status: `},
		{`status = "1h"`, `[times.status]`, `f.toml:14: times.status: `},
		{`path = "/aduan"`, `# tanpa jalur`, `f.toml:8: http.send.path: is missing`},
		{`base = "https://antrean.example/api"`, `base = "http://antrean.example/api"`, `f.toml:5: http.base: must begin with https://`},
		{`queue = "http"`, `queue = http`, `f.toml:2: `},
		{`queue = "http"`, `queue = "http"` + "\nqueue = \"http\"", `f.toml:3: `},
	} {
		c, err := config.Parse("f.toml", strings.Replace(good, x.from, x.to, 1))
		if err == nil {
			_, err = c.Connector(words, nil)
		}
		if x.want == "" {
			if err != nil {
				t.Errorf("%s: %v", x.to, err)
			}
			continue
		}
		var wrong *config.Error
		if !errors.As(err, &wrong) || !strings.HasPrefix(err.Error(), x.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v; want %s", x.to, err, x.want)
		}
	}
}
