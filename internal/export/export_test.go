package export_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/seal"
	"suluh.example/suluh/internal/export"
	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/internal/member"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/internal/testvault"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// session begins one of the member's.
func session(t *testing.T, w *testvault.World, m id.Member) *member.Session {
	t.Helper()
	clock, err := report.DefaultClock()
	must(t, err)
	s, err := member.Open(t.Context(), member.Config{Vault: w.Member, Identity: w.Who[m], Root: w.Root, Clock: clock})
	must(t, err)
	t.Cleanup(s.Close)
	return s
}

// options are those of a member who wants everything.
func options(t *testing.T, w *testvault.World, m id.Member) export.Options {
	t.Helper()
	to, err := seal.ParseRecipient(w.Who[m].Recipient())
	must(t, err)
	catalogue, err := lang.Load()
	must(t, err)
	return export.Options{By: m, To: to, Day: w.Day, Language: catalogue.First(), Contents: true}
}

// folder exports the member's only case.
func folder(t *testing.T, w *testvault.World, s *member.Session, o export.Options) (dir string, err error) {
	t.Helper()
	items, err := s.List(t.Context())
	must(t, err)
	if len(items) != 1 {
		t.Fatalf("%d cases", len(items))
	}
	dir = filepath.Join(t.TempDir(), "kasus")
	return dir, export.Folder(dir, func(create export.Create) error {
		x, err := s.Export(t.Context(), items[0].Case)
		if err != nil {
			return err
		}
		defer x.Close()
		return export.Write(create, x, o)
	})
}

var hostile = []string{
	"../../x", "CON", "con.txt", "a\x00b.pdf", strings.Repeat("x", 4000) + ".xlsx", "-rf", ".bashrc", "bukti.pdf", "BUKTI.PDF", "bukti.pdf ...  ",
	"", `C:\Windows\x.exe`, "a\nb", "gambar\u202egnp.exe", "$(reboot)`id`;'\"", "\xff\xfe", "bukti 2 (salinan).pdf",
}

// TestStockToolsOpenAnExport sends files with hostile names and opens what is
// exported with age, jq, head and sha256sum.
func TestStockToolsOpenAnExport(t *testing.T) {
	w := testvault.New(t)
	f := testvault.Form("itprov")
	f.Report.What = "Pembayaran ganda\x1b[2J\u202e"
	f.Report.How = "baris satu\nDari Inspektorat, palsu"
	var files []testvault.File
	for i, name := range hostile {
		files = append(files, testvault.File{Name: name, Type: "text/html", Data: bytes.Repeat([]byte{byte('a' + i)}, 1000*(i+1))})
	}
	code := w.Send(f, files...)
	s := session(t, w, testvault.One)
	c := only(t, s)
	must(t, s.Reply(t.Context(), c, member.NewOnce(), "Apakah ada kuitansi?"))
	must(t, s.Note(t.Context(), c, member.NewOnce(), "Cocokkan dengan buku kas."))
	w.Say(code, "Saya kirim besok.")
	must(t, s.Reply(t.Context(), c, member.NewOnce(), "Hapus setelah dibaca."))
	v := w.Look(code)
	for _, m := range v.Messages {
		if m.Text == "Hapus setelah dibaca." {
			_, err := w.Sender.Destroy(t.Context(), v, m.Answer)
			must(t, err)
		}
	}
	dir, err := folder(t, w, s, options(t, w, testvault.One))
	must(t, err)

	if got := modes(t, dir); got != "" {
		t.Errorf("open to others: %s", got)
	}
	seen := map[string]bool{}
	attached, err := os.ReadDir(filepath.Join(dir, "attachments"))
	must(t, err)
	if len(attached) != len(hostile) {
		t.Errorf("%d attachments, want %d", len(attached), len(hostile))
	}
	for _, e := range attached {
		if folded := strings.ToLower(e.Name()); seen[folded] || !harmless(e.Name()) {
			t.Errorf("attachment %q", e.Name())
		} else {
			seen[folded] = true
		}
	}

	identity, err := w.Who[testvault.One].Seal("kata sandi", 8)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "satu.identity"), identity, 0o600))
	bin := t.TempDir()
	sh(t, ".", nil, "go build -o "+bin+"/age filippo.io/age/cmd/age")
	run := func(script string) string {
		return sh(t, dir, []string{"PATH=" + bin + ":" + os.Getenv("PATH")}, script)
	}
	// As README.txt says.
	run(`jq -r '.files[] | select(.file) | "\(.sha256)  \(.file)"' manifest.json | sha256sum -c --strict --quiet`)
	run(`script -qec "age -d satu.identity" /dev/null <<<"kata sandi" | tr -d '\r' | grep ^AGE- >my.key`)
	run(`age -d -i my.key case.wrap >case.key`)
	if got := run(`age -d -i case.key sealed/$(jq -r 'first(.files[] | select(.kind == "document" and .role == "summary")) | .object' manifest.json).age | jq -r .unit`); got != "itprov\n" {
		t.Errorf("summary: %q", got)
	}
	if got := run(`for f in $(jq -r '.files[] | select(.kind == "document") | .file' manifest.json); do
		o=$(jq -r --arg f $f '.files[] | select(.file == $f) | .object' manifest.json); cmp <(age -d -i case.key sealed/$o.age | jq -S .) <(jq -S . $f); echo same; done`); strings.Count(got, "same") < 5 {
		t.Errorf("documents: %q", got)
	}
	got := run(`jq -r '.files[] | select(.kind == "attachment") | "\(.object) \(.size) \(.file)"' manifest.json | while read o n f; do
		age -d -i case.key sealed/$o.age | head -c $n | cmp - "$f" && echo same; done`)
	if strings.Count(got, "same") != len(hostile) {
		t.Errorf("attachments: %q", got)
	}
	// An answer that the reporter destroyed is there as the members' copy alone.
	if got := run(`jq -r '.complete, (.files[] | select(.destroyed) | "\(.role) \(.file) \(.destroyed)")' manifest.json; jq -r 'select(.signed // "" | test("Hapus setelah dibaca")) | input_filename | sub("[0-9]+"; "N")' documents/*.json`); got != "true\nanswer null "+w.Day.String()+"\ndocuments/N-copy.json\n" {
		t.Errorf("the destroyed answer: %q", got)
	}
	if got := run(`jq -r '.files[] | select(.file == "attachments/001-x") | .name' manifest.json`); got != "../../x\n" {
		t.Errorf("the original name is %q", got)
	}
	// The text to read can't harm a terminal, nor pass what was written off as ours.
	text, err := os.ReadFile(filepath.Join(dir, "case.txt"))
	must(t, err)
	if bytes.ContainsAny(text, "\x1b\x00") || bytes.Contains(text, []byte("\u202e")) || bytes.Contains(text, []byte("\nDari Inspektorat")) ||
		!bytes.Contains(text, []byte("    baris satu\n")) || !bytes.Contains(text, []byte("buku kas")) || !bytes.Contains(text, []byte("besok")) ||
		!bytes.Contains(text, []byte("    Hapus setelah dibaca.\nPelapor menghapus balasan ini dari server pada ")) {
		t.Errorf("case.txt:\n%s", text)
	}
}

func TestTheKeyIsInTheClearOnlyWhereAskedFor(t *testing.T) {
	w := testvault.New(t)
	w.Send(testvault.Form("itprov"))
	s := session(t, w, testvault.One)
	o := options(t, w, testvault.One)
	dir, err := folder(t, w, s, o)
	must(t, err)
	if out, err := exec.Command("grep", "-rl", "AGE-SECRET-KEY", dir).Output(); err == nil {
		t.Errorf("a key is in %s", out)
	}
	o.WithKey = true
	dir, err = folder(t, w, s, o)
	must(t, err)
	if b, err := os.ReadFile(filepath.Join(dir, "case.key")); err != nil || !bytes.HasPrefix(b, []byte("AGE-SECRET-KEY-PQ-1")) {
		t.Errorf("case.key: %v", err)
	}
}

func TestAZipHasTheSameFiles(t *testing.T) {
	w := testvault.New(t)
	w.Send(testvault.Form("itprov"), testvault.File{Name: "../bukti.bin", Data: []byte("bukti")})
	s := session(t, w, testvault.One)
	x, err := s.Export(t.Context(), only(t, s))
	must(t, err)
	defer x.Close()
	o := options(t, w, testvault.One)
	o.Contents = false // a zip takes one file after the other
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	must(t, export.Write(func(path string) (io.WriteCloser, error) {
		f, err := z.Create(path)
		return closing{f}, err
	}, x, o))
	must(t, z.Close())
	r, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	must(t, err)
	var names []string
	for _, f := range r.File {
		names = append(names, f.Name)
		in, err := f.Open()
		must(t, err)
		got, err := io.ReadAll(in)
		if err != nil || strings.HasPrefix(f.Name, "attachments/") && string(got) != "bukti" {
			t.Errorf("%s: %q, %v", f.Name, got, err)
		}
	}
	for _, want := range []string{"attachments/001-bukti.bin", "case.txt", "README.txt", "case.wrap"} {
		if !slices.Contains(names, want) {
			t.Errorf("%s is not in %q", want, names)
		}
	}
	if names[len(names)-1] != "manifest.json" {
		t.Error("the manifest is not last")
	}
}

type closing struct{ io.Writer }

func (closing) Close() error { return nil }

// TestAFailedExportLeavesNothing breaks an export at every file that it makes.
func TestAFailedExportLeavesNothing(t *testing.T) {
	w := testvault.New(t)
	w.Send(testvault.Form("itprov"), testvault.File{Name: "bukti.bin", Data: make([]byte, 100_000)})
	s := session(t, w, testvault.One)
	c := only(t, s)
	full := errors.New("disk full")
	for n := 0; ; n++ {
		parent := t.TempDir()
		made := 0
		err := export.Folder(filepath.Join(parent, "kasus"), func(create export.Create) error {
			x, err := s.Export(t.Context(), c)
			must(t, err)
			defer x.Close()
			return export.Write(func(path string) (io.WriteCloser, error) {
				f, err := create(path)
				if made++; made > n && err == nil {
					return failing{f, full}, nil
				}
				return f, err
			}, x, options(t, w, testvault.One))
		})
		if err == nil {
			if n < 6 {
				t.Errorf("only %d files", n)
			}
			break
		}
		left, readErr := os.ReadDir(parent)
		must(t, readErr)
		if !errors.Is(err, full) || len(left) != 0 {
			t.Fatalf("file %d: %v, left %v", n, err, left)
		}
	}
	// What is there is never touched.
	dir := filepath.Join(t.TempDir(), "kasus")
	must(t, os.Mkdir(dir, 0o700))
	if err := export.Folder(dir, func(export.Create) error { t.Error("it began"); return nil }); !errors.Is(err, os.ErrExist) {
		t.Errorf("over a folder: %v", err)
	}
}

type failing struct {
	io.Closer
	err error
}

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// TestADamagedAttachmentIsSaid changes a blob in the vault's store.
func TestADamagedAttachmentIsSaid(t *testing.T) {
	w := testvault.New(t)
	w.Send(testvault.Form("itprov"), testvault.File{Name: "bukti.bin", Data: make([]byte, 300_000)})
	blobs, err := filepath.Glob(filepath.Join(w.Dir, "blobs", "*"))
	must(t, err)
	damaged := 0
	for _, b := range blobs {
		if info, err := os.Stat(b); err != nil || info.IsDir() {
			continue
		}
		text, err := os.ReadFile(b)
		must(t, err)
		text[len(text)-1] ^= 1
		must(t, os.Chmod(b, 0o600))
		must(t, os.WriteFile(b, text, 0o600))
		damaged++
	}
	if damaged != 1 {
		t.Fatalf("%d blobs", damaged)
	}
	s := session(t, w, testvault.One)
	dir, err := folder(t, w, s, options(t, w, testvault.One))
	if !errors.Is(err, export.ErrIncomplete) {
		t.Fatalf("got %v, want ErrIncomplete", err)
	}
	if got := sh(t, dir, nil, `jq -r '.complete, (.files[] | select(.error) | .name)' manifest.json`); got != "false\nbukti.bin\n" {
		t.Errorf("manifest: %q", got)
	}
	readme, err := os.ReadFile(filepath.Join(dir, "README.txt"))
	must(t, err)
	if !bytes.Contains(readme, []byte("NOT COMPLETE")) {
		t.Error("README.txt does not say so")
	}
}

func TestSafeNames(t *testing.T) {
	for in, want := range map[string]string{
		"../../x":                "007-x",
		"CON":                    "007-CON",
		"bukti.pdf":              "007-bukti.pdf",
		"":                       "007",
		"...":                    "007",
		"a\x00b":                 "007-a_b",
		"foto cafe\u0301.jpg. .": "007-foto café.jpg",
	} {
		if got := export.SafeName(7, in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	long := export.SafeName(1, strings.Repeat("ü", 4000)+".xlsx")
	if !strings.HasSuffix(long, ".xlsx") || len(long) > 100 || !utf8.ValidString(long) {
		t.Errorf("a long name became %q", long)
	}
	rapid.Check(t, func(t *rapid.T) {
		if got := export.SafeName(12, rapid.OneOf(rapid.String(), rapid.SampledFrom(hostile)).Draw(t, "name")); !harmless(got) {
			t.Fatalf("got %q", got)
		}
	})
}

// harmless tells whether a file name is one on Linux and on Windows.
func harmless(s string) bool {
	if s == "" || len(s) > 100 || !utf8.ValidString(s) || s[0] < '0' || s[0] > '9' || strings.HasSuffix(s, ".") || strings.HasSuffix(s, " ") {
		return false
	}
	return !strings.ContainsAny(s, "/\\:*?\"<>|\x00\x1b\n\r\u202e")
}

func only(t *testing.T, s *member.Session) id.Case {
	t.Helper()
	items, err := s.List(t.Context())
	must(t, err)
	if len(items) != 1 {
		t.Fatalf("%d cases", len(items))
	}
	return items[0].Case
}

// modes names what others than the owner can reach.
func modes(t *testing.T, dir string) string {
	t.Helper()
	out, err := exec.Command("find", dir, "-perm", "/077").Output()
	must(t, err)
	return string(out)
}

func sh(t *testing.T, dir string, env []string, script string) string {
	t.Helper()
	cmd := exec.Command("bash", "-eo", "pipefail", "-c", script)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s%s", script, err, out.Bytes(), errs.Bytes())
	}
	return out.String()
}
