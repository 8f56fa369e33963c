// Package packaging_test holds what the package installs to what it promises. With
// the tag debian it also tries the package on a Debian that is made and booted for
// it, which only root can do: make package.
package packaging_test

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// TestUnitsAreConfined holds each part's unit to the exposure that systemd finds.
func TestUnitsAreConfined(t *testing.T) {
	units, err := filepath.Glob("systemd/*.service")
	if err != nil || len(units) == 0 {
		t.Fatalf("%d services, %v", len(units), err)
	}
	for _, u := range units {
		u, err := filepath.Abs(u)
		must(t, err)
		if out, err := exec.Command("systemd-analyze", "security", "--offline=yes", "--threshold=15", u).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", filepath.Base(u), err, out)
		}
	}
}

func TestProfilesParse(t *testing.T) {
	if out, err := exec.Command("apparmor_parser", "--skip-kernel-load", "--skip-cache", "apparmor").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
