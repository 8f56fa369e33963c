package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/keyfile"
	"suluh.example/suluh/internal/ceremony"
	"suluh.example/suluh/internal/released"
	"suluh.example/suluh/internal/textbrowser"
	"suluh.example/suluh/internal/witness"
	"suluh.example/suluh/internal/world"
)

// keeper is a key witness that runs as a process of its own.
type keeper struct {
	other
	member id.Member
	dir    string
}

// keyWitness makes the keys of a key witness, and has it run.
func keyWitness(t *testing.T, w *world.World, name string) *keeper {
	t.Helper()
	dir := t.TempDir()
	secret := filepath.Join(dir, "passphrase")
	must(t, os.WriteFile(secret, []byte("rahasia saksi kunci\n"), 0o600))
	i, err := keyfile.New(id.Member(name))
	must(t, err)
	_, err = ceremony.WriteMember(dir, "Kantor "+name, i, "rahasia saksi kunci", 8) // suluh member new takes seconds
	must(t, err)
	k := &keeper{other{t: t, name: name, url: "http://" + port(t)}, id.Member(name), filepath.Join(dir, "state")}
	k.args = []string{
		program(t), "keywitness", "run", "--identity", filepath.Join(dir, name+".identity"), "--passphrase-file", secret,
		"--root-key", w.RootKey(), "--dir", k.dir, "--listen", strings.TrimPrefix(k.url, "http://"),
	}
	suluh(t, "roster", "add", filepath.Join(dir, name+".request"), "--unit", "itjen", "--role", "key-witness", "--address", k.url, "--dir", filepath.Join(w.Dir, "keys"))
	k.run()
	t.Cleanup(k.stop)
	return k
}

// asMember runs a case command and returns what it prints.
func asMember(t *testing.T, w *world.World, m id.Member, args ...string) (string, error) {
	t.Helper()
	i := slices.IndexFunc(w.Members, func(x world.Member) bool { return x.ID == m })
	secret := filepath.Join(t.TempDir(), "passphrase")
	must(t, os.WriteFile(secret, []byte(w.Members[i].Passphrase+"\n"), 0o600))
	cmd := exec.Command(program(t), append([]string{"case"}, args...)...)
	cmd.Env = append(os.Environ(), "SULUH_MEMBER_SOCKET="+w.MemberSocket(), "SULUH_ROOT_KEY="+w.RootKey(), "SULUH_IDENTITY="+w.Members[i].IdentityFile)
	cmd.Args = append(cmd.Args, "--passphrase-file", secret)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// reported sends a report by the form, without JavaScript.
func reported(t *testing.T, w *world.World, what string) {
	t.Helper()
	check := textbrowser.New(t).Get(w.Intake).Follow("Buat laporan").Follow("Lanjut: tulis laporan").Press("Lanjut: periksa laporan", map[string]string{"unit": "itprov", "apa": what})
	if page := check.Press("Kirim laporan sekarang", nil); len(page.Items("code")) == 0 {
		t.Fatalf("the report was not received:\n%s", page.Text())
	}
}

// TestKeyWitnesses: of a unit that names three key witnesses and needs two, cases
// open at the desk and by commands while two of them run, and the desk says plainly
// when they don't. All of them, the vault, intake and the desk are real processes.
func TestKeyWitnesses(t *testing.T) {
	w := start(t, t.Output())
	keys := filepath.Join(w.Dir, "keys")
	a, b, c := keyWitness(t, w, "saksi-satu"), keyWitness(t, w, "saksi-dua"), keyWitness(t, w, "saksi-tiga")
	if out, err := exec.Command(program(t), "roster", "unit", "itprov", "--need", "2", "--dir", keys).CombinedOutput(); err == nil || !strings.Contains(string(out), "no key witnesses") {
		t.Errorf("a number of none: %v\n%s", err, out)
	}
	suluh(t, "roster", "unit", "itprov", "--key-witness", "saksi-satu,saksi-dua,saksi-tiga", "--need", "2", "--dir", keys)
	if out := suluh(t, "roster", "show", "--dir", keys); !strings.Contains(out, "2 of saksi-satu, saksi-dua, saksi-tiga") || !strings.Contains(out, a.url) {
		t.Errorf("the draft shows no key witnesses:\n%s", out)
	}
	if out, err := exec.Command(program(t), "roster", "remove", "saksi-dua", "--dir", keys).CombinedOutput(); err == nil || !strings.Contains(string(out), "--key-witness none") {
		t.Errorf("removing a key witness that a unit names: %v\n%s", err, out)
	}
	signAndInstall(t, w)

	text := "Uang perjalanan dinas dibayar dua kali"
	reported(t, w, text)

	inbox := deskOf(t, w, "penelaah-satu")
	list := inbox.Get(w.Desk)
	const untitled = "Judul tampil setelah kasus dibuka"
	if strings.Contains(list.Text(), text) || !strings.Contains(list.Text(), untitled) {
		t.Errorf("the inbox shows the reporter's words, or doesn't say why not:\n%s", list.Text())
	}
	opened := list.Follow(untitled)
	if opened.Heading() != text || !strings.Contains(opened.Text(), "perlu bagian dari 2 di antara Kantor saksi-satu; Kantor saksi-dua; Kantor saksi-tiga") ||
		!strings.Contains(opened.Text(), "meminta bagian kunci kepada saksi kunci") {
		t.Fatalf("opened:\n%s", opened.Text())
	}

	// One away: two are enough, at the desk and by commands.
	a.stop()
	out, err := asMember(t, w, "penelaah-dua", "list", "--json")
	must(t, err)
	var listed struct {
		Case  id.Case `json:"case"`
		Title string  `json:"title"`
		Split struct{ Need int }
	}
	must(t, json.Unmarshal([]byte(out), &listed))
	if listed.Title != "" || listed.Split.Need != 2 {
		t.Errorf("listed: %s", out)
	}
	if out, err = asMember(t, w, "penelaah-dua", "show", string(listed.Case)); err != nil || !strings.Contains(out, text) {
		t.Fatalf("without one key witness: %v\n%s", err, out)
	}

	// Two away: nothing opens, and it is said whom to turn to.
	b.stop()
	out, err = asMember(t, w, "penelaah-dua", "show", string(listed.Case))
	if err == nil || strings.Contains(out, text) || !strings.Contains(out, "Kantor saksi-dua (saksi-dua): the key witness does not answer") || !strings.Contains(out, "recorded all the same") {
		t.Errorf("without two key witnesses: %v\n%s", err, out)
	}
	shut := deskOf(t, w, "penelaah-dua").Get(w.Desk).Follow(untitled)
	if shut.Status != 503 || !strings.Contains(shut.Text(), "Kantor saksi-satu: tidak menjawab.") || !strings.Contains(shut.Text(), "Bagian yang diperlukan: 2. Yang diterima: 1.") ||
		!strings.Contains(shut.Text(), "tercatat di log akses (catatan ") || strings.Contains(shut.Text(), text) {
		t.Errorf("the desk without two key witnesses:\n%s", shut.Text())
	}
	// A session that has the key goes on.
	if p := inbox.Get(w.Desk).Follow(untitled); p.Heading() != text {
		t.Errorf("who has opened the case already can't read on:\n%s", p.Text())
	}

	// What ran before it was killed is there when it is started again.
	before := suluh(t, "keywitness", "log", "--dir", a.dir)
	a.run()
	if out := suluh(t, "keywitness", "log", "--dir", a.dir); out != before {
		t.Errorf("after a kill it says it has released\n%s\nbefore\n%s", out, before)
	}
	if out, err := asMember(t, w, "penelaah-dua", "show", string(listed.Case)); err != nil || !strings.Contains(out, text) {
		t.Errorf("with the first again: %v\n%s", err, out)
	}
	if out := suluh(t, "keywitness", "show", "--dir", a.dir); !strings.Contains(out, "to penelaah-dua") || !strings.Contains(out, "unit itprov\t2 of") {
		t.Errorf("what it has seen:\n%s", out)
	}
	if out, err := exec.Command(a.args[0], a.args[1:]...).CombinedOutput(); err == nil || !strings.Contains(string(out), "another key witness works on this directory") {
		t.Errorf("a second one on the same folder: %v\n%s", err, out)
	}
	kept, err := os.ReadFile(filepath.Join(c.dir, "released.jsonl"))
	must(t, err)
	if all, err := released.Read(strings.NewReader(string(kept))); err != nil || len(all) < 3 || strings.Contains(string(kept), string(listed.Case)) {
		t.Errorf("the third has noted %d, %v", len(all), err)
	}

	// Auditors compare its notes with the log.
	socket, notes := filepath.Join(w.Dir, "vault", "log.sock"), filepath.Join(t.TempDir(), "released.jsonl")
	verify := func(kept string) (string, error) {
		t.Helper()
		must(t, os.WriteFile(notes, []byte(kept), 0o600))
		out, err := exec.Command(program(t), "audit", "verify", "--log-key", w.LogKey, "--released", notes, socket).CombinedOutput()
		return string(out), err
	}
	if out, err := verify(string(kept)); err != nil || !strings.Contains(out, " shares were given by the key witness, each for its record") {
		t.Errorf("its notes: %v\n%s", err, out)
	}
	first, rest, _ := strings.Cut(string(kept), "\n")
	var one released.Share
	must(t, json.Unmarshal([]byte(first), &one))
	for what, change := range map[string]func(*released.Share){
		"which is one of":              func(s *released.Share) { s.Index-- },
		"by which penelaah-satu asked": func(s *released.Share) { s.Member = "penelaah-dua" },
		"a share of another case":      func(s *released.Share) { s.Handle = id.HandleOf("K-AAAA-AAAA-AAAA-AAAA") },
		"which the log doesn't have":   func(s *released.Share) { s.Index, s.Size = 100_000, 100_001 },
	} {
		other := one
		change(&other)
		line, err := json.Marshal(other)
		must(t, err)
		if out, err := verify(string(line) + "\n" + rest); err == nil || !strings.Contains(out, what) {
			t.Errorf("notes that don't match (%s): %v\n%s", what, err, out)
		}
	}
	if out := suluh(t, "audit", "list", "--log-key", w.LogKey, "--format", "jsonl", "--action", "unseal", "--case", string(listed.Case), socket); !strings.Contains(out, `"detail":"opened `) {
		t.Errorf("the list of records has no unseal of the case:\n%s", out)
	}
}

// TestKeyWitnessesWantWitnessesOfTheLog: where the roster names witnesses of the
// log, a record counts once enough of them have seen it, which the desk sees to.
func TestKeyWitnessesWantWitnessesOfTheLog(t *testing.T) {
	w := start(t, t.Output())
	keyWitness(t, w, "saksi-satu")
	x, y := ownWitness(t, "saksi-a.example/w", w.LogKey), ownWitness(t, "saksi-b.example/w", w.LogKey)
	text := x.line() + y.line() + "group saksi 1 " + x.name + " " + y.name + "\nquorum saksi\n"
	_, err := witness.ParsePolicy(text)
	must(t, err)
	suluh(t, "roster", "unit", "itprov", "--key-witness", "saksi-satu", "--dir", filepath.Join(w.Dir, "keys"))
	nameWitnesses(t, w, text)
	words := "Laporan uji saksi kunci"
	reported(t, w, words)
	of := sessionOf(t, w, "penelaah-satu")
	items, err := of.List(t.Context())
	must(t, err)
	name := string(items[0].Case)
	for range 3 {
		if out, err := asMember(t, w, "penelaah-satu", "show", name); err != nil || !strings.Contains(out, words) {
			t.Fatalf("with the witnesses: %v\n%s", err, out)
		}
	}
	x.stop()
	if out, err := asMember(t, w, "penelaah-satu", "show", name); err != nil || !strings.Contains(out, words) {
		t.Fatalf("with one of two witnesses: %v\n%s", err, out)
	}
	y.stop()
	out, err := asMember(t, w, "penelaah-satu", "show", name)
	if err == nil || strings.Contains(out, words) || !strings.Contains(out, "too few witnesses have cosigned the log") {
		t.Errorf("without the witnesses: %v\n%s", err, out)
	}
	shut := deskOf(t, w, "penelaah-satu").Get(w.Desk).Follow("Judul tampil setelah kasus dibuka")
	if shut.Status != 503 || !strings.Contains(shut.Text(), "terlalu sedikit saksi log yang menjawab") {
		t.Errorf("the desk without the witnesses:\n%s", shut.Text())
	}
}

// TestAKeyWitnessIsKilledBetweenNoteAndAnswer: whenever it is killed, what it has
// given is noted, and what it goes on from is what it noted.
func TestAKeyWitnessIsKilledBetweenNoteAndAnswer(t *testing.T) {
	w := start(t, t.Output())
	k := keyWitness(t, w, "saksi-satu")
	suluh(t, "roster", "unit", "itprov", "--key-witness", "saksi-satu", "--dir", filepath.Join(w.Dir, "keys"))
	signAndInstall(t, w)
	reported(t, w, "uji")
	items, err := sessionOf(t, w, "penelaah-satu").List(t.Context())
	must(t, err)
	noted := func() []released.Share {
		t.Helper()
		f, err := os.Open(filepath.Join(k.dir, "released.jsonl"))
		must(t, err)
		defer f.Close()
		all, err := released.Read(f)
		must(t, err)
		return all
	}
	gave := 0
	for range 12 {
		s := sessionOf(t, w, "penelaah-satu") // has nothing of before
		done := make(chan error, 1)
		before := len(noted())
		go func() {
			_, err := s.Open(t.Context(), items[0].Case)
			done <- err
		}()
		within(t, "it has noted, or answered", func() bool { return len(noted()) > before || len(done) > 0 })
		must(t, k.cmd.Process.Signal(syscall.SIGKILL))
		_ = k.cmd.Wait()
		if err := <-done; err == nil {
			gave++
		}
		if n := len(noted()); n != before+1 {
			t.Fatalf("%d noted, before %d", n, before)
		}
		k.run()
	}
	if all := noted(); len(all) < gave {
		t.Errorf("%d given, %d noted", gave, len(all))
	} else if out := suluh(t, "keywitness", "show", "--dir", k.dir); !strings.Contains(out, fmt.Sprintf("seen\t%d records", all[len(all)-1].Size)) {
		t.Errorf("it has seen\n%s, and noted %+v last", out, all[len(all)-1])
	}
	if _, err := sessionOf(t, w, "penelaah-satu").Open(t.Context(), items[0].Case); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
