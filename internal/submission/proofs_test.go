package submission_test

import (
	"bytes"
	"encoding/base32"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"reflect"
	"testing"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/keyfile"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/submission"
	"suluh.example/suluh/internal/testkey"
	"suluh.example/suluh/internal/testvault"
	"suluh.example/suluh/internal/witness"
	"suluh.example/suluh/vault/depositsock"
)

// proofs are testdata/proofs.json: answers to GET roster/proof, each the first
// with some fields changed, and what is to be said of them, here and in the
// browser.
type proofs struct {
	RootKey string         `json:"root_key"`
	Day     id.Day         `json:"day"` // of the device, but for Days of a case
	Proof   map[string]any `json:"proof"`
	Version int64          `json:"version"`
	Readers []id.Member    `json:"readers"` // of "itprov", but for penelaah-satu
	Cases   []proofCase    `json:"cases"`
}

type proofCase struct {
	Name   string         `json:"name"`
	Change map[string]any `json:"change"`
	Days   int            `json:"days"`
	Want   string         `json:"want"` // "" if it is good
}

func TestProofVectors(t *testing.T) {
	const file = "testdata/proofs.json"
	if os.Getenv("SULUH_UPDATE") != "" {
		writeProofs(t, file)
	}
	text, err := os.ReadFile(file)
	must(t, err)
	var v proofs
	must(t, json.Unmarshal(text, &v))
	root, err := note.NewVerifier(v.RootKey)
	must(t, err)
	if len(v.Cases) < 10 {
		t.Fatalf("%d cases", len(v.Cases))
	}
	for _, c := range v.Cases {
		changed := maps.Clone(v.Proof)
		maps.Copy(changed, c.Change)
		text, err := json.Marshal(changed)
		must(t, err)
		var p depositsock.RosterProof
		must(t, json.Unmarshal(text, &p))
		r, _, err := submission.CheckRoster(p, root, v.Day.AddDays(c.Days))
		want := map[string]error{
			"": nil, "signature": submission.ErrRosterSignature, "log": submission.ErrRosterLog, "old": submission.ErrRosterOld, "clock": submission.ErrClock,
		}[c.Want]
		if !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", c.Name, err, want)
		}
		if c.Want != "" {
			continue
		}
		// Unknown fields are refused, in the browser as well: it has to be shown each.
		fields := map[string]bool{}
		unset(reflect.ValueOf(r), "roster", fields)
		for name, set := range fields {
			if !set {
				t.Errorf("%s: no %s is set", c.Name, name)
			}
		}
		var readers []id.Member
		for _, m := range r.Readers("itprov", []id.Member{testvault.One}) {
			readers = append(readers, m.ID)
		}
		if r.Version != v.Version || len(readers) != 1 || readers[0] != v.Readers[0] {
			t.Errorf("%s: version %d, readers %v", c.Name, r.Version, readers)
		}
	}
}

func writeProofs(t *testing.T, file string) {
	w := testvault.New(t)
	proof := func() map[string]any {
		p, err := w.Deposit.RosterProof(t.Context())
		must(t, err)
		text, err := json.Marshal(p)
		must(t, err)
		var m map[string]any
		must(t, json.Unmarshal(text, &m))
		return m
	}
	w.Change(func(r *roster.Roster) { // so that each field stands in it: see unset
		_, witnessKey, err := witness.ParseKey(newWitnessKey(t))
		must(t, err)
		r.Witnesses = "witness saksi " + witnessKey + " https://saksi.example/\nquorum saksi\n"
		for i := range r.Units {
			u := &r.Units[i]
			sheet, err := age.GenerateHybridIdentity()
			must(t, err)
			u.Recovery = sheet.Recipient().String()
			u.Handles, u.Contact = map[string]string{"id": "pegawai"}, map[string]string{"id": "loket"}
			u.Positions, u.Alone, u.Other = []string{"Bupati"}, true, r.Units[1-i].ID
		}
		for i := range r.Members {
			r.Members[i].Onion = base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(bytes.Repeat([]byte{byte(i)}, 32))
		}
		r.Units[0].KeyWitnesses = &roster.KeyWitnesses{Need: 2, Of: []id.Member{"saksi-dua", "saksi-satu"}}
		for _, name := range []id.Member{"saksi-satu", "saksi-dua"} {
			k, err := keyfile.New(name)
			must(t, err)
			r.Members = append(r.Members, roster.Member{
				ID: name, Name: "Saksi Kunci", Unit: "itjen", Roles: []roster.Role{roster.KeyWitness}, Recipient: k.Recipient(), Key: k.VerifierKey(),
				Address: "https://" + string(name) + ".example/", Since: w.Day,
			})
		}
	})
	old := proof()
	w.Join("penelaah-empat", "Penelaah Empat", "itprov", roster.Reader)
	w.Remove("penelaah-dua")
	now := proof()
	other, _, _ := testkey.New(t, testvault.Origin+"/root")
	stranger, _, _ := testkey.New(t, testvault.Origin)
	digest := roster.Digest([]byte(now["roster"].(string)))
	word := func(log string, by note.Signer) map[string]any {
		msg, err := accesslog.InForce{Log: log, Day: w.Day, Roster: digest}.Sign(by)
		must(t, err)
		return map[string]any{"in_force": string(msg)}
	}
	forged, err := w.Roster.Sign(other)
	must(t, err)
	v := proofs{
		RootKey: w.RootKey, Day: w.Day, Proof: now, Version: 4, Readers: []id.Member{"penelaah-empat"},
		Cases: []proofCase{
			{"as it is", nil, 0, ""},
			{"the day before", nil, -1, ""},
			{"two days later", nil, 2, ""},
			{"an old word of the log", nil, 3, "old"},
			{"a clock that is behind", nil, -3, "clock"},
			{"another root key", map[string]any{"roster": string(forged)}, 0, "signature"},
			{"no roster", map[string]any{"roster": ""}, 0, "signature"},
			{"the roster before", map[string]any{"roster": old["roster"]}, 0, "log"},
			{"the roster before, and its proof", with(old, "in_force", now["in_force"]), 0, "old"},
			{"no proof", map[string]any{"proof": nil}, 0, "log"},
			{"another place", map[string]any{"index": 0}, 0, "log"},
			{"beyond the log", map[string]any{"index": 1 << 40}, 0, "log"},
			{"a smaller log", map[string]any{"checkpoint": old["checkpoint"]}, 0, "log"},
			{"the record of another", map[string]any{"record": old["record"], "index": old["index"], "proof": old["proof"]}, 0, "log"},
			{"no word of the log", map[string]any{"in_force": now["checkpoint"]}, 0, "log"},
			{"the word of a stranger", word(testvault.Origin, stranger), 0, "log"},
			{"the word on another log", word("suluh.example/lain", w.LogSigner()), 0, "log"},
		},
	}
	text, err := json.MarshalIndent(v, "", "  ")
	must(t, err)
	must(t, os.WriteFile(file, append(text, '\n'), 0o644))
}

func newWitnessKey(t *testing.T) string {
	text, err := witness.NewKey("saksi.example")
	must(t, err)
	return text
}

// unset names the fields that none of a value's parts sets.
func unset(v reflect.Value, at string, seen map[string]bool) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			unset(v.Elem(), at, seen)
		}
	case reflect.Slice:
		for i := range v.Len() {
			unset(v.Index(i), at, seen)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if name := at + "." + f.Name; f.IsExported() {
				seen[name] = seen[name] || !v.Field(i).IsZero()
				unset(v.Field(i), name, seen)
			}
		}
	}
}

func with(m map[string]any, key string, value any) map[string]any {
	m = maps.Clone(m)
	m[key] = value
	return m
}
