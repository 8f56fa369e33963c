package keyfile_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age/plugin"

	"suluh.example/suluh/crypto/keyfile"
	"suluh.example/suluh/crypto/seal"
)

// TestPluginIdentity runs a plugin's own program, which holds the key as a
// hardware token would and asks for a PIN.
func TestPluginIdentity(t *testing.T) {
	bin := t.TempDir()
	if out, err := exec.Command("go", "build", "-o", filepath.Join(bin, "age-plugin-uji"), "./testdata/age-plugin-uji").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	t.Setenv("PATH", bin+string(filepath.ListSeparator)+os.Getenv("PATH"))
	t.Setenv("AGE_PLUGIN_UJI_KEY", filepath.Join(bin, "token.key"))
	out, err := exec.Command("age-plugin-uji", "--generate").Output()
	if err != nil {
		t.Fatal(err)
	}
	recipient, identity, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")

	asked := 0
	pin := "1234"
	ui := &plugin.ClientUI{RequestValue: func(string, string, bool) (string, error) {
		asked++
		return pin, nil
	}}
	i, err := keyfile.NewWithPlugin("penelaah-satu", identity, recipient, ui)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := i.Seal("satu", quick)
	if err != nil {
		t.Fatal(err)
	}
	got, err := keyfile.OpenWith(sealed, "satu", ui)
	if err != nil || got.Recipient() != recipient || got.VerifierKey() != i.VerifierKey() || got.Member() != "penelaah-satu" {
		t.Fatalf("another identity came back: %v", err)
	}
	// Sealing to the roster's recipient asks nothing; opening asks the person.
	to, err := seal.ParseRecipient(got.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	key, err := seal.NewCaseKey()
	if err != nil {
		t.Fatal(err)
	}
	wrap, err := key.Wrap(to)
	if err != nil {
		t.Fatal(err)
	}
	if asked != 0 {
		t.Error("sealing asked for a PIN")
	}
	opened, err := seal.Unwrap(wrap, got.Age())
	if err != nil || opened.Export() != key.Export() {
		t.Errorf("wrap: %v", err)
	}
	if asked != 1 {
		t.Errorf("the PIN was asked for %d times", asked)
	}
	pin = "9999"
	if _, err := seal.Unwrap(wrap, got.Age()); err == nil {
		t.Error("a wrong PIN opens")
	}
	// Where nobody sits, the plugin gets no answer and nothing opens.
	silent, err := keyfile.Open(sealed, "satu")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := seal.Unwrap(wrap, silent.Age()); err == nil {
		t.Error("it opens without a PIN")
	}

	for name, c := range map[string][2]string{
		"nothing":           {"", ""},
		"recipient missing": {identity, ""},
		"another plugin's":  {identity, "age1lain1" + strings.Repeat("q", 20)},
		"a classic key":     {"AGE-SECRET-KEY-1QQQQ", recipient},
	} {
		if _, err := keyfile.NewWithPlugin("penelaah-satu", c[0], c[1], ui); !errors.Is(err, keyfile.ErrPlugin) || strings.Contains(err.Error(), "QQQ") {
			t.Errorf("%s: got %v, want ErrPlugin", name, err)
		}
	}
}
