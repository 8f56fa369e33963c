package desk

import (
	"strings"
	"testing"

	"github.com/jba/templatecheck"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/report"
)

// TestTemplatesFitTheirPages checks every field that a template names, in
// every language, without rendering each case by hand.
func TestTemplatesFitTheirPages(t *testing.T) {
	s, err := New(Config{Address: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	pages := map[string]any{
		"unlock": unlockPage{}, "inbox": inboxPage{}, "case": casePage{}, "write": writePage{}, "check": checkPage{}, "message": messagePage{},
		"readers": readersPage{}, "change": changePage{}, "assign": assignPage{}, "confirm": confirmPage{}, "500": messagePage{},
	}
	for _, l := range s.catalogue.Languages() {
		for _, name := range s.pages.Names(l) {
			p, ok := pages[name]
			if !ok {
				t.Errorf("page %s isn't checked", name)
				continue
			}
			if err := templatecheck.CheckHTML(s.pages.Template(l, name), p); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// TestEveryWordThatIsPutTogetherIsThere: keys that no template names outright.
func TestEveryWordThatIsPutTogetherIsThere(t *testing.T) {
	s, err := New(Config{Address: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, a := range accesslog.Actions() {
		keys = append(keys, "desk.action."+string(a))
	}
	for _, r := range []id.Role{id.RoleLetter, id.RoleContent, id.RoleSummary, id.RoleCard, id.RoleAnswer, id.RoleNote, id.RoleState, id.RoleDraft, id.RoleItem, id.RoleOutcome} {
		keys = append(keys, "desk.role."+string(r))
	}
	for _, x := range report.Statuses() {
		keys = append(keys, "status."+string(x), "intake.status.about."+string(x))
	}
	for _, k := range []writing{reply, internalNote, status} {
		for _, x := range []string{"title", "label", "button", "link"} {
			keys = append(keys, "desk."+k.key()+"."+x)
		}
		keys = append(keys, "desk.done."+string(k))
	}
	for _, f := range failures {
		keys = append(keys, f.key+".title", f.key+".text")
	}
	for _, x := range []string{"signer", "key", "damaged", "format", "signature"} {
		keys = append(keys, "desk.why."+x)
	}
	for _, x := range []string{"case", "status", "due", "day", "category", "unit", "who", "language", "readers", "without"} {
		keys = append(keys, "desk.line."+x)
	}
	for _, x := range strings.Fields("apa bagaimana mengapa siapa mana kapan jenis rugi saksi sudah") {
		keys = append(keys, "desk.question."+x)
	}
	for _, l := range s.catalogue.Languages() {
		for _, k := range keys {
			if !l.Has(k) {
				t.Errorf("%s has no %q", l.Code(), k)
			}
		}
	}
}
