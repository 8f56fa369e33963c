package desk

import (
	"slices"
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
		"triage": triagePage{}, "refer": referPage{}, "referral": referralPage{}, "prepare": preparePage{}, "prepared": preparedPage{},
		"approve": approvePage{}, "decide": decidePage{}, "decided": decidedPage{}, "outbox": outboxPage{},
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
	keys = append(keys, "desk.keywitness.why.other")
	for _, x := range refusals {
		keys = append(keys, "desk.keywitness.why."+x.key)
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
	for _, x := range []string{"signer", "key", "damaged", "format", "signature", "copy", "item", "draft"} {
		keys = append(keys, "desk.why."+x)
	}
	for _, x := range []string{"case", "status", "due", "day", "category", "unit", "who", "language", "readers", "without", "class", "handling"} {
		keys = append(keys, "desk.line."+x)
	}
	for _, x := range strings.Fields("triase rujuk teruskan setujui kembali putuskan akses penanggung") {
		keys = append(keys, "desk.done."+x)
	}
	for _, x := range accesslog.Stages() {
		keys = append(keys, "desk.stage."+string(x), "desk.stage."+string(x)+".about")
		if needsPerson(x) {
			keys = append(keys, "desk.todo."+string(x))
		}
		if !slices.Contains(stages(), x) {
			t.Errorf("the outbox forgets what is %s", x)
		}
		for _, r := range decisions(x) {
			keys = append(keys, "desk.decision."+string(r), "desk.decision."+string(r)+".hint")
		}
	}
	for _, x := range strings.Fields("returned again dropped sent unknown refused stopped waiting status done") {
		keys = append(keys, "desk.result."+x)
	}
	for _, x := range report.Classes() {
		keys = append(keys, "class."+string(x), "desk.triage.class."+string(x))
	}
	for _, x := range []string{"desk.unfit.keep", "desk.unfit.class", "desk.unfit.oversight", "desk.approve.gone", "desk.decide.nothing"} {
		keys = append(keys, x+".title", x+".text")
	}
	for _, x := range maskKinds() {
		keys = append(keys, "redact.kind."+string(x))
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
