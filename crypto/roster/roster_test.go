package roster_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/testkey"
)

// onion has the form of an onion key.
func onion(c string) string { return strings.Repeat(c, 51) + "A" }

// recipient has the form of an age1pq1… key.
func recipient(c string) string { return "age1pq1" + strings.Repeat(c, 1952) }

func sample(t testing.TB) *roster.Roster {
	_, _, log := testkey.New(t, "suluh.example/uji")
	_, _, one := testkey.New(t, "penelaah-satu")
	_, _, two := testkey.New(t, "penelaah-dua")
	day, err := id.ParseDay("2026-11-24")
	if err != nil {
		t.Fatal(err)
	}
	return &roster.Roster{
		Version: 1, Day: day, Origin: "suluh.example/uji", LogKey: log,
		Units: []roster.Unit{
			{ID: "itprov", Name: map[string]string{"id": "Inspektorat Provinsi", "en": "Provincial Inspectorate"}, Other: "itjen", Recovery: recipient("p")},
			{ID: "itjen", Name: map[string]string{"id": "Inspektorat Jenderal"}},
		},
		Members: []roster.Member{
			{ID: "penelaah-satu", Name: "Penelaah Satu", Unit: "itprov", Roles: []roster.Role{roster.Reader, roster.Approver}, Recipient: recipient("q"), Key: one, Onion: onion("Q"), Since: day},
			{ID: "penelaah-dua", Name: "Penelaah Dua", Unit: "itprov", Roles: []roster.Role{roster.Reader}, Recipient: recipient("z"), Key: two, Since: day},
		},
	}
}

func TestSignedRosterComesBack(t *testing.T) {
	s, v, _ := testkey.New(t, "suluh.example/uji/root")
	r := sample(t)
	signed, err := r.Sign(s)
	if err != nil {
		t.Fatal(err)
	}
	got, err := roster.Parse(signed, v)
	if err != nil {
		t.Fatal(err)
	}
	again, err := got.Sign(s)
	if err != nil || !bytes.Equal(again, signed) {
		t.Errorf("signed again it differs: %v", err)
	}
	_, stranger, _ := testkey.New(t, "suluh.example/uji/root")
	if _, err := roster.Parse(signed, stranger); !errors.Is(err, roster.ErrSignature) {
		t.Errorf("signed by another key: got %v", err)
	}
	if _, err := roster.Parse(bytes.Replace(signed, []byte("Penelaah Dua"), []byte("Penelaah Dia"), 1), v); !errors.Is(err, roster.ErrSignature) {
		t.Errorf("changed after signing: got %v", err)
	}
}

func TestReaders(t *testing.T) {
	r := sample(t)
	if got := r.Readers("itprov", []id.Member{"penelaah-satu"}); len(got) != 1 || got[0].ID != "penelaah-dua" {
		t.Errorf("without one: got %+v", got)
	}
	day := r.Day
	r.Members[1].Removed = &day
	if got := r.Readers("itprov", nil); len(got) != 1 || got[0].ID != "penelaah-satu" {
		t.Errorf("one removed: got %+v", got)
	}
	if r.Has("penelaah-dua", roster.Reader) || r.Active("penelaah-dua") {
		t.Error("a removed member still has a role")
	}
}

// vkey is a verifier key of the bytes given.
func vkey(t testing.TB, name, public string) string {
	t.Helper()
	b, err := hex.DecodeString(public)
	if err != nil {
		t.Fatal(err)
	}
	s, err := note.NewEd25519VerifierKey(name, b)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRules(t *testing.T) {
	for name, change := range map[string]func(*roster.Roster){
		"same id twice":       func(r *roster.Roster) { r.Members[1].ID = r.Members[0].ID },
		"same key twice":      func(r *roster.Roster) { r.Members[1].Recipient = r.Members[0].Recipient },
		"recovery key reused": func(r *roster.Roster) { r.Members[1].Recipient = r.Units[0].Recovery },
		"classic recipient": func(r *roster.Roster) {
			r.Members[0].Recipient = "age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq"
		},
		"onion key of another": func(r *roster.Roster) { r.Members[1].Onion = r.Members[0].Onion },
		"a short onion key":    func(r *roster.Roster) { r.Members[0].Onion = "AAAA" },
		"a padded onion key":   func(r *roster.Roster) { r.Members[0].Onion += "====" },
		"an onion key in another spelling": func(r *roster.Roster) {
			r.Members[0].Onion = r.Members[0].Onion[:51] + "B"
		},
		"key of another": func(r *roster.Roster) { r.Members[0].Key = r.Members[1].Key },
		"key of small order": func(r *roster.Roster) {
			r.Members[0].Key = vkey(t, "penelaah-satu", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")
		},
		"key that is no point": func(r *roster.Roster) {
			r.Members[0].Key = vkey(t, "penelaah-satu", "0200000000000000000000000000000000000000000000000000000000000000")
		},
		"key in another encoding": func(r *roster.Roster) { // of the point with y = 3
			r.Members[0].Key = vkey(t, "penelaah-satu", "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")
		},
		"unknown unit":       func(r *roster.Roster) { r.Members[0].Unit = "lain" },
		"unknown role":       func(r *roster.Roster) { r.Members[0].Roles = []roster.Role{"boss"} },
		"no role":            func(r *roster.Roster) { r.Members[0].Roles = nil },
		"reserved id":        func(r *roster.Roster) { r.Members[0].ID = "recovery-itprov" },
		"bidi in a name":     func(r *roster.Roster) { r.Members[0].Name = "a\u202eb" },
		"own other unit":     func(r *roster.Roster) { r.Units[0].Other = "itprov" },
		"missing other unit": func(r *roster.Roster) { r.Units[0].Other = "lain" },
		"log key of another": func(r *roster.Roster) { r.LogKey = r.Members[0].Key },
		"previous of first":  func(r *roster.Roster) { r.Previous = id.DigestOf(nil) },
	} {
		t.Run(name, func(t *testing.T) {
			s, _, _ := testkey.New(t, "root")
			r := sample(t)
			change(r)
			if _, err := r.Sign(s); !errors.Is(err, roster.ErrInvalid) {
				t.Errorf("got %v, want ErrInvalid", err)
			}
		})
	}
}

// witnessed is a roster whose first unit names two key witnesses of another one.
func witnessed(t testing.TB) *roster.Roster {
	r := sample(t)
	for i, name := range []string{"saksi-satu", "saksi-dua"} {
		_, _, key := testkey.New(t, name)
		r.Members = append(r.Members, roster.Member{
			ID: id.Member(name), Name: name, Unit: "itjen", Roles: []roster.Role{roster.KeyWitness}, Recipient: recipient(string("rs"[i])), Key: key,
			Address: "https://" + name + ".example", Since: r.Day,
		})
	}
	r.Units[0].KeyWitnesses = &roster.KeyWitnesses{Need: 2, Of: []id.Member{"saksi-satu", "saksi-dua"}}
	return r
}

func TestKeyWitnesses(t *testing.T) {
	s, v, _ := testkey.New(t, "root")
	r := witnessed(t)
	r.Members[2].Onion = onion("R")
	signed, err := r.Sign(s)
	if err != nil {
		t.Fatal(err)
	}
	got, err := roster.Parse(signed, v)
	if err != nil {
		t.Fatal(err)
	}
	if need, all := got.KeyWitnessesOf("itprov"); need != 2 || len(all) != 2 || all[1].Address != "https://saksi-dua.example" {
		t.Errorf("it needs %d of %+v", need, all)
	}
	if need, all := got.KeyWitnessesOf("itjen"); need != 0 || len(all) != 0 {
		t.Errorf("a unit without them needs %d of %+v", need, all)
	}
	if len(got.OnionKeys()) != 1 {
		t.Error("a key witness gets in where members do")
	}
	w := strings.Join(got.Warnings(), "\n")
	if !strings.Contains(w, "itprov needs all of its key witnesses") || strings.Contains(w, "unit itjen has no reader") {
		t.Errorf("warnings: %s", w)
	}
	old := sample(t)
	old.Members[0], old.Members[1] = got.Members[0], got.Members[1]
	changes := strings.Join(got.Changes(old), "\n")
	if !strings.Contains(changes, "key witnesses of new cases are now 2 of saksi-satu, saksi-dua") {
		t.Errorf("changes: %s", changes)
	}
	for name, change := range map[string]func(*roster.Roster){
		"needs none":                   func(r *roster.Roster) { r.Units[0].KeyWitnesses.Need = 0 },
		"needs more than there are":    func(r *roster.Roster) { r.Units[0].KeyWitnesses.Need = 3 },
		"names one twice":              func(r *roster.Roster) { r.Units[0].KeyWitnesses.Of[1] = "saksi-satu" },
		"names a reader":               func(r *roster.Roster) { r.Units[0].KeyWitnesses.Of[1] = "penelaah-dua" },
		"names nobody":                 func(r *roster.Roster) { r.Units[0].KeyWitnesses.Of[1] = "saksi-tiga" },
		"names one who was removed":    func(r *roster.Roster) { r.Members[3].Removed = &r.Day },
		"names one of the unit itself": func(r *roster.Roster) { r.Members[3].Unit = "itprov" },
		"one without an address":       func(r *roster.Roster) { r.Members[3].Address = "" },
		"an address of a reader":       func(r *roster.Roster) { r.Members[0].Address = "https://x.example" },
		"an address in the clear":      func(r *roster.Roster) { r.Members[3].Address = "http://saksi.example" },
		"an address with a password":   func(r *roster.Roster) { r.Members[3].Address = "https://a:b@saksi.example" },
		"an address of no kind":        func(r *roster.Roster) { r.Members[3].Address = "saksi.example" },
		"one who reads as well":        func(r *roster.Roster) { r.Members[3].Roles = append(r.Members[3].Roles, roster.Reader) },
		"one with a key of a plugin":   func(r *roster.Roster) { r.Members[3].Recipient = "age1uji1" + strings.Repeat("q", 50) },
	} {
		t.Run(name, func(t *testing.T) {
			r := witnessed(t)
			change(r)
			if _, err := r.Sign(s); !errors.Is(err, roster.ErrInvalid) {
				t.Errorf("got %v, want ErrInvalid", err)
			}
		})
	}
	for _, address := range []string{"http://" + strings.Repeat("a", 56) + ".onion", "http://127.0.0.1:8085", "https://saksi.example:8443/kunci"} {
		r := witnessed(t)
		r.Members[3].Address = address
		if _, err := r.Sign(s); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// Who has been removed, or has no onion key, isn't let in.
func TestOnionKeys(t *testing.T) {
	r := sample(t)
	if got := r.OnionKeys(); len(got) != 1 || got["penelaah-satu"] != onion("Q") {
		t.Errorf("got %v", got)
	}
	if w := strings.Join(r.Warnings(), "\n"); !strings.Contains(w, "penelaah-dua has no onion key") {
		t.Errorf("no warning in: %s", w)
	}
	r.Members[0].Removed = &r.Day
	if got := r.OnionKeys(); len(got) != 0 {
		t.Errorf("with one removed: got %v", got)
	}
	if w := strings.Join(r.Warnings(), "\n"); strings.Contains(w, "onion") {
		t.Errorf("nobody works over the onion, and it says: %s", w)
	}
}

func TestSuccessor(t *testing.T) {
	s, _, _ := testkey.New(t, "root")
	old := sample(t)
	signed, err := old.Sign(s)
	if err != nil {
		t.Fatal(err)
	}
	next := func() *roster.Roster {
		body, err := old.Encode()
		if err != nil {
			t.Fatal(err)
		}
		r, err := roster.Decode(body)
		if err != nil {
			t.Fatal(err)
		}
		r.Version, r.Previous = 2, roster.Digest(signed)
		return r
	}
	if err := roster.CheckSuccessor(old, next(), signed); err != nil {
		t.Errorf("a proper successor: %v", err)
	}
	renewed := next()
	renewed.Members[0].Onion = onion("Z")
	if err := roster.CheckSuccessor(old, renewed, signed); err != nil {
		t.Errorf("another onion key: %v", err)
	}
	if got := strings.Join(renewed.Changes(old), "\n"); !strings.Contains(got, "penelaah-satu: has ANOTHER onion key") {
		t.Errorf("changes are %q", got)
	}
	for name, change := range map[string]func(*roster.Roster){
		"skips a version":     func(r *roster.Roster) { r.Version = 3 },
		"another previous":    func(r *roster.Roster) { r.Previous = id.DigestOf(nil) },
		"a member is gone":    func(r *roster.Roster) { r.Members = r.Members[:1] },
		"keys exchanged":      func(r *roster.Roster) { r.Members[0].Recipient = recipient("y") },
		"another log":         func(r *roster.Roster) { r.Origin = "x" },
		"unit is gone":        func(r *roster.Roster) { r.Units = r.Units[:1] },
		"earlier than before": func(r *roster.Roster) { r.Day = r.Day.AddDays(-1) },
	} {
		t.Run(name, func(t *testing.T) {
			r := next()
			change(r)
			if err := roster.CheckSuccessor(old, r, signed); !errors.Is(err, roster.ErrSuccessor) {
				t.Errorf("got %v, want ErrSuccessor", err)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	body, err := sample(f).Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Add([]byte(`{"version":1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := roster.Decode(b)
		if err != nil {
			return
		}
		body, err := r.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := roster.Decode(body); err != nil {
			t.Fatalf("does not come back: %v", err)
		}
	})
}

func TestRequest(t *testing.T) {
	s, _, key := testkey.New(t, "penelaah-satu")
	r := roster.Request{ID: "penelaah-satu", Name: "Penelaah Satu", Recipient: recipient("q"), Key: key}
	signed, err := r.Sign(s)
	if err != nil {
		t.Fatal(err)
	}
	got, err := roster.ParseRequest(signed)
	if err != nil || got != r || got.Fingerprint() != r.Fingerprint() {
		t.Fatalf("got %+v, %v", got, err)
	}
	stranger, _, strangerKey := testkey.New(t, "penelaah-satu")
	forged, err := roster.Request{ID: r.ID, Name: r.Name, Recipient: recipient("z"), Key: strangerKey}.Sign(stranger)
	if err != nil {
		t.Fatal(err)
	}
	if other, err := roster.ParseRequest(forged); err != nil || other.Fingerprint() == r.Fingerprint() {
		t.Errorf("an exchanged request has the same fingerprint: %v", err)
	}
	for name, b := range map[string][]byte{
		"nothing":           nil,
		"name changed":      bytes.Replace(signed, []byte("Satu\""), []byte("Dua\""), 1),
		"recipient changed": bytes.Replace(signed, []byte("qqqq"), []byte("zqqq"), 1),
		"key exchanged":     bytes.Replace(signed, []byte(key), []byte(strangerKey), 1),
		"line added":        bytes.Replace(signed, []byte("\n\n"), []byte("\nlain\n\n"), 1),
		"longer than meant": append(bytes.Clone(signed), make([]byte, roster.MaxRequest)...),
	} {
		if _, err := roster.ParseRequest(b); !errors.Is(err, roster.ErrRequest) {
			t.Errorf("%s: got %v, want ErrRequest", name, err)
		}
	}
	for name, bad := range map[string]roster.Request{
		"bidi in the name": {ID: r.ID, Name: "a\u202eb", Recipient: r.Recipient, Key: key},
		"classic key":      {ID: r.ID, Name: r.Name, Recipient: "age1qqqq", Key: key},
		"reserved id":      {ID: "recovery-itprov", Name: r.Name, Recipient: r.Recipient, Key: key},
	} {
		if _, err := bad.Sign(s); !errors.Is(err, roster.ErrMember) {
			t.Errorf("%s: got %v, want ErrMember", name, err)
		}
	}
}

func TestChangesAndWarnings(t *testing.T) {
	old := sample(t)
	next := sample(t)
	next.Members = []roster.Member{old.Members[0], old.Members[1]}
	next.Units[0].Recovery, next.LogKey = recipient("y"), old.LogKey
	day := next.Day
	next.Members[1].Removed = &day
	next.Members[0].Roles = []roster.Role{roster.Reader}
	all := strings.Join(next.Changes(old), "\n")
	for _, want := range []string{"unit itprov: has ANOTHER recovery sheet", "member penelaah-dua is removed", "member penelaah-satu: roles are now reader"} {
		if !strings.Contains(all, want) {
			t.Errorf("changes lack %q:\n%s", want, all)
		}
	}
	next.Units[0].Alone = true
	if got := strings.Join(next.Changes(old), "\n"); !strings.Contains(got, "unit itprov: ONE person may prepare and approve") {
		t.Errorf("changes are\n%s", got)
	}
	if got := strings.Join(old.Changes(next), "\n"); !strings.Contains(got, "approved by another than who prepared it") {
		t.Errorf("changes are\n%s", got)
	}
	if got := old.Changes(old); len(got) != 0 {
		t.Errorf("nothing changed: got %q", got)
	}
	next.Members[0].Recipient = "age1uji1qqqq"
	warnings := strings.Join(next.Warnings(), "\n")
	for _, want := range []string{"unit itjen has no reader", "reports about unit itprov go to itjen, which has no reader", "no custodian who may use it", "without age-plugin-uji installed"} {
		if !strings.Contains(warnings, want) {
			t.Errorf("warnings lack %q:\n%s", want, warnings)
		}
	}
}

func TestWarnsWhereTwoPersonsAreMissing(t *testing.T) {
	_, _, key := testkey.New(t, "penerus")
	for name, x := range map[string]struct {
		roles [2][]roster.Role // of the unit's two members; none: was removed
		alone bool
		want  string
	}{
		"two":                                {[2][]roster.Role{{roster.Reader, roster.Approver}, {roster.Reader}}, false, ""},
		"one":                                {[2][]roster.Role{{roster.Reader, roster.Approver}, nil}, false, "wants two"},
		"one, and another who reads nothing": {[2][]roster.Role{{roster.Reader, roster.Approver}, {roster.Approver}}, false, "wants two"},
		"one, who may":                       {[2][]roster.Role{{roster.Reader, roster.Approver}, nil}, true, ""},
		"two, where one would do":            {[2][]roster.Role{{roster.Reader, roster.Approver}, {roster.Reader}}, true, "though it has two"},
		"an approver who reads nothing":      {[2][]roster.Role{{roster.Reader}, {roster.Approver}}, false, "no approver who reads"},
		"no approver":                        {[2][]roster.Role{{roster.Reader}, {roster.Reader}}, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := sample(t)
			day := r.Day
			r.Units[0].Alone = x.alone
			for i, roles := range x.roles {
				r.Members[i].Roles = roles
				if r.Members[i].Unit = r.Units[0].ID; roles == nil {
					r.Members[i].Roles, r.Members[i].Removed = []roster.Role{roster.Reader}, &day
				}
			}
			r.Members = r.Members[:2]
			if w := strings.Join(r.Warnings(), "\n"); strings.Contains(w, "forwarded") {
				t.Errorf("warned of where nobody forwards:\n%s", w)
			}
			r.Members = append(r.Members, roster.Member{
				ID: "penerus", Name: "Penerus", Unit: r.Units[1].ID, Roles: []roster.Role{roster.Forwarder}, Recipient: recipient("p"), Key: key, Since: day,
			})
			w := strings.Join(r.Warnings(), "\n")
			if got := strings.Contains(w, "forwarded"); got != (x.want != "") || !strings.Contains(w, x.want) {
				t.Errorf("want %q in:\n%s", x.want, w)
			}
			if strings.Contains(w, "forwards and does more") {
				t.Errorf("a forwarder with no other role is warned of:\n%s", w)
			}
			r.Members[2].Roles = append(r.Members[2].Roles, roster.Reader)
			if w := strings.Join(r.Warnings(), "\n"); !strings.Contains(w, "penerus forwards and does more") {
				t.Errorf("not warned of a forwarder who reads:\n%s", w)
			}
		})
	}
}

func FuzzParseRequest(f *testing.F) {
	s, _, key := testkey.New(f, "penelaah-satu")
	signed, err := roster.Request{ID: "penelaah-satu", Name: "Penelaah Satu", Recipient: recipient("q"), Key: key}.Sign(s)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(signed)
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := roster.ParseRequest(b)
		if err == nil && (r.Name == "" || r.Fingerprint() == "") {
			t.Fatal("an empty request was accepted")
		}
	})
}
