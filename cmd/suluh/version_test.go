package main

import (
	"os/exec"
	"runtime/debug"
	"strings"
	"testing"
)

// TestVersionIsHonest: only what was built from a release, unchanged, has a version.
func TestVersionIsHonest(t *testing.T) {
	build := func(number string, settings ...string) *debug.BuildInfo {
		b := &debug.BuildInfo{GoVersion: "go1.26", Main: debug.Module{Version: number}}
		for i := 0; i < len(settings); i += 2 {
			b.Settings = append(b.Settings, debug.BuildSetting{Key: settings[i], Value: settings[i+1]})
		}
		return b
	}
	vcs := []string{"vcs.revision", "0123456789abcdef0123", "vcs.time", "2026-11-24T10:11:12Z", "GOOS", "linux", "GOARCH", "amd64"}
	for _, c := range []struct {
		of   *debug.BuildInfo
		want string
	}{
		{build("v1.2.3", vcs...), "suluh v1.2.3 (revision 0123456789ab, of 2026-11-24, go1.26, linux/amd64)"},
		{build("v1.2.3-rc.1", vcs...), "suluh v1.2.3-rc.1 (revision 0123456789ab, of 2026-11-24, go1.26, linux/amd64)"},
		{build("v1.2.3+dirty", append(vcs, "vcs.modified", "true")...), "suluh devel (revision 0123456789ab, of 2026-11-24, changed since, go1.26, linux/amd64)"},
		{build("v0.0.0-20261124101112-0123456789ab", vcs...), "suluh devel (revision 0123456789ab, of 2026-11-24, go1.26, linux/amd64)"},
		{build("(devel)", "GOOS", "linux", "GOARCH", "arm64"), "suluh devel (go1.26, linux/arm64)"},
	} {
		if got := version(c.of, true); got != c.want {
			t.Errorf("%s: got %q, want %q", c.of.Main.Version, got, c.want)
		}
	}
	if got := version(nil, false); got != "suluh devel" {
		t.Errorf("got %q", got)
	}
	out, err := exec.Command(program(t), "--version").Output()
	if err != nil || !strings.HasPrefix(string(out), "suluh ") || strings.Count(string(out), "\n") != 1 {
		t.Errorf("got %q, %v", out, err)
	}
}
