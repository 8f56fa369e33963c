package hidden_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"suluh.example/suluh/crypto/casecode"
	"suluh.example/suluh/crypto/hidden"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/keyfile"
	"suluh.example/suluh/crypto/seal"
)

const secret = "rahasia-besar"

// outer has a secret everywhere where one may stand, also where fmt doesn't ask
// a value's methods.
type outer struct {
	Shown  hidden.Value[string]
	kept   hidden.Value[string]
	deep   struct{ in hidden.Value[[]byte] }
	code   casecode.Code
	lookup id.Lookup
	member *keyfile.Identity
	root   *keyfile.Root
	key    *seal.CaseKey
	Of     map[string]hidden.Value[string]
	Some   []hidden.Value[string]
	To     *hidden.Value[string]
	named  named
	Any    any
	bytes  hidden.Value[[13]byte]
	Embeds named
}

type named struct{ hidden.Value[string] }

// TestSecretsPrintAsHidden prints secrets in every way that the standard library
// has for it.
func TestSecretsPrintAsHidden(t *testing.T) {
	v := hidden.Of(secret)
	code, err := casecode.New()
	must(t, err)
	member, err := keyfile.New("penelaah-satu")
	must(t, err)
	root, err := keyfile.NewRoot("suluh.example/akar")
	must(t, err)
	recovery, err := keyfile.NewRecovery()
	must(t, err)
	key, err := seal.NewCaseKey()
	must(t, err)
	o := outer{
		Shown: v, kept: v, Of: map[string]hidden.Value[string]{"a": v}, Some: []hidden.Value[string]{v}, To: &v, named: named{v}, Any: v,
		bytes: hidden.Of([13]byte([]byte(secret))), Embeds: named{v},
		code: code, lookup: code.Lookup(), member: member, root: root, key: key,
	}
	o.deep.in = hidden.Of([]byte(secret))
	values := map[string]any{
		"value": v, "pointer": &v, "struct": o, "pointer to struct": &o, "named": named{v}, "zero": hidden.Value[string]{},
		"code": code, "look-up": code.Lookup(), "MAC key": code.MACKey(), "upload": id.NewUpload(), "case key": key, "identity": member, "root key": root, "recovery": recovery,
	}
	secrets := []string{
		secret, "cmFoYXNpYS1iZXNhc", fmt.Sprintf("%x", secret), fmt.Sprintf("%X", secret), fmt.Sprint([]byte(secret)), fmt.Sprintf("%#v", []byte(secret)), "rahasia",
		code.Words()[0], code.Words()[9], code.Lookup().Hex()[:16], key.Export()[20:40], recovery.Reveal()[20:40], "PRIVATE+KEY", "AGE-SECRET",
		fmt.Sprintf("%x", code.MACKey().Reveal())[:16], fmt.Sprint(code.MACKey().Reveal())[1:20], fmt.Sprint(code.Lookup().Reveal())[1:20], fmt.Sprint(code.Value.Reveal())[1:20],
	}
	for what, x := range values {
		outputs := map[string]string{}
		for _, verb := range strings.Split("v +v #v s q x X d o b c U t e g p T w", " ") {
			if verb == "T" || verb == "p" {
				continue // the type and the address tell nothing
			}
			outputs["%"+verb] = fmt.Sprintf("%"+verb, x)
			outputs["%"+verb+" in a list"] = fmt.Sprintf("%"+verb, []any{x})
		}
		outputs["Errorf"] = fmt.Errorf("%w: %v", errors.New("gagal"), x).Error()
		for name, handler := range map[string]func(*bytes.Buffer) slog.Handler{
			"slog text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
			"slog JSON": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
		} {
			var b bytes.Buffer
			slog.New(handler(&b)).With("with", x).WithGroup("in").Info("uji", "x", x, slog.Group("group", "y", x))
			outputs[name] = b.String()
		}
		if text, err := json.Marshal(x); err == nil && what != "upload" { // whose text goes over the wire
			outputs["JSON"] = string(text)
		}
		if text, err := xml.Marshal(x); err == nil && what != "upload" {
			outputs["XML"] = string(text)
		}
		var b bytes.Buffer
		if err := gob.NewEncoder(&b).Encode(x); err == nil && what != "upload" {
			outputs["gob"] = b.String()
		}
		for how, out := range outputs {
			for _, s := range secrets {
				if strings.Contains(out, s) {
					t.Errorf("%s as %s: %s", what, how, out)
				}
			}
			asked := strings.HasPrefix(how, "%") && !strings.HasPrefix(how, "%w") && !strings.Contains(what, "struct") || how == "slog text" && !strings.Contains(what, "pointer to")
			if asked && !strings.Contains(out, hidden.Text) {
				t.Errorf("%s as %s does not say that it is hidden: %s", what, how, out)
			}
		}
	}
	// Everything prints in a test that can fail.
	if out := fmt.Sprintf("%v", struct{ kept string }{v.Reveal()}); !strings.Contains(out, secret) {
		t.Errorf("revealed: %s", out)
	}
}

func TestRevealGivesTheSecretBack(t *testing.T) {
	if got := hidden.Of(secret).Reveal(); got != secret {
		t.Errorf("got %q", got)
	}
	var zero hidden.Value[[4]byte]
	if got := zero.Reveal(); got != [4]byte{} {
		t.Errorf("zero: got %v", got)
	}
	if !hidden.Equal(hidden.Of(secret), hidden.Of("rahasia-"+"besar")) || hidden.Equal(hidden.Of(secret), hidden.Value[string]{}) {
		t.Error("Equal is wrong")
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
