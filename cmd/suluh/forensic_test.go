package main

import (
	"bytes"
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	_ "github.com/mattn/go-sqlite3"

	"suluh.example/suluh/crypto/casecode"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/internal/submission"
	"suluh.example/suluh/internal/textbrowser"
	"suluh.example/suluh/internal/world"
	"suluh.example/suluh/vault/depositsock"
)

// marker is a text that occurs nowhere by chance, with letters that encodings
// write in different ways.
func marker(what string) string { return "pénanda " + what + " " + strings.ToLower(rand.Text()[:16]) }

// formsOf returns the forms in which a text could lie on a disk.
func formsOf(text string) map[string][]byte {
	forms := map[string][]byte{
		"UTF-8": []byte(text), "URL": []byte(url.QueryEscape(text)), "path": []byte(url.PathEscape(text)),
		"hex": []byte(hex.EncodeToString([]byte(text))),
	}
	for name, order := range map[string]binary.AppendByteOrder{"UTF-16LE": binary.LittleEndian, "UTF-16BE": binary.BigEndian} {
		var b []byte
		for _, u := range utf16.Encode([]rune(text)) {
			b = order.AppendUint16(b, u)
		}
		forms[name] = b
	}
	// Base64 has three forms, by what stands before; the ends depend on the
	// neighbours and are left away.
	for shift := range 3 {
		for name, e := range map[string]*base64.Encoding{"base64": base64.RawStdEncoding, "base64url": base64.RawURLEncoding} {
			s := e.EncodeToString(append(make([]byte, shift), text...))
			forms[fmt.Sprintf("%s+%d", name, shift)] = []byte(s[4 : len(s)-4])
		}
	}
	return forms
}

// search looks for texts in all files below the directories and returns where
// they are.
func search(t *testing.T, texts map[string]string, dirs ...string) (found []string) {
	t.Helper()
	files := 0
	forms := map[string]map[string][]byte{}
	for what, text := range texts {
		forms[what] = formsOf(text)
	}
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if !e.Type().IsRegular() {
				return nil
			}
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			files++
			for what, text := range texts {
				if strings.Contains(path, text) {
					found = append(found, what+" in the name of a file")
				}
				for form, encoded := range forms[what] {
					if bytes.Contains(b, encoded) {
						found = append(found, fmt.Sprintf("%s as %s in %s", what, form, filepath.Base(path)))
					}
				}
			}
			return nil
		})
		must(t, err)
	}
	if files == 0 {
		t.Error("no file was searched")
	}
	return found
}

// TestNothingOfAReporterIsLeft sends marked reports through intake, kills parts
// in the middle of uploads, lets a member answer, ends the day, and then looks
// through every file that any part may have written.
func TestNothingOfAReporterIsLeft(t *testing.T) {
	program(t) // whose making has temporary files of its own
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	logs := filepath.Join(t.TempDir(), "logs")
	must(t, os.Mkdir(logs, 0o700))
	log, err := os.Create(filepath.Join(logs, "parts.log"))
	must(t, err)
	defer log.Close()
	w := start(t, log, "--log-level", "debug")

	texts := map[string]string{"address": "127.83.97.13", "agent": "Penjelajah/" + rand.Text()}
	mark := func(what string) string {
		texts[what] = marker(what)
		return texts[what]
	}
	reporter := textbrowser.NewFrom(t, texts["address"])
	reporter.Agent = texts["agent"]

	write := reporter.Get(w.Intake + "lapor/tulis")
	answers := map[string]string{"unit": "itprov", "jenis": "suap"}
	for _, field := range []string{"apa", "bagaimana", "mengapa", "siapa", "mana", "kapan", "rugi", "saksi", "sudah"} {
		answers[field] = mark(field)
	}
	check := write.Press("Lanjut", answers)
	if !strings.Contains(check.Text(), texts["apa"]) {
		t.Fatalf("the check page does not show what was typed:\n%s", check.Text())
	}
	small := strings.NewReader(mark("small file"))
	large := strings.NewReader(strings.Repeat(mark("large file"), 20_000))
	page := check.Press("Kirim laporan", nil,
		textbrowser.File{Field: "berkas", Name: mark("file name") + ".txt", Type: "text/plain", Body: small},
		textbrowser.File{Field: "berkas", Name: "b.bin", Body: large})
	code := strings.Join(page.Items("code"), " ")
	if n := len(strings.Fields(code)); n != 10 {
		t.Fatalf("the code page has %d words:\n%s", n, page.Text())
	}
	texts["code"] = code
	// What the store holds by design, and logs must not.
	said := map[string]string{}
	parsed, _, err := casecode.Parse(code)
	must(t, err)
	lookup := parsed.Lookup()
	said["look-up value"], said["hash of the look-up value"] = lookup.Hex(), lookup.Hash().String()
	said["address of this machine"] = "127.0.0.1"
	for i, words := 1, parsed.Words(); i < len(words); i++ {
		said[fmt.Sprintf("two words of the code, %d", i)] = words[i-1] + " " + words[i]
	}
	for _, m := range w.Members {
		said["passphrase of "+string(m.ID)], said["id of "+string(m.ID)] = m.Passphrase, string(m.ID)
	}
	for _, path := range []string{"/lapor", "/cek", "/kasus", "/v1/", "GET ", "POST ", "?", "%", w.Dir} {
		said["path or request "+path] = path
	}

	// Uploads that are cut: the reporter's end, intake, and the vault.
	for _, victim := range []world.Part{"", world.Intake, world.Vault} {
		cut := reporter.Get(w.Intake+"lapor/tulis").Press("Lanjut", map[string]string{"unit": "itprov", "apa": mark("cut by " + string(victim))})
		body, feed := io.Pipe()
		begun := make(chan struct{})
		go func() {
			chunk := []byte(strings.Repeat(mark("file cut by "+string(victim)), 1000))
			for i := range 40 {
				if _, err := feed.Write(chunk); err != nil {
					return
				}
				if i == 20 {
					close(begun)
				}
			}
			<-t.Context().Done()
		}()
		sent := make(chan error, 1)
		go func() {
			answer, err := cut.TryPress("Kirim laporan", nil, textbrowser.File{Field: "berkas", Name: "c.bin", Body: body})
			if err == nil && strings.Contains(answer.Text(), "Laporan diterima") {
				err = fmt.Errorf("a report that was cut was received")
				t.Error(err)
			}
			sent <- err
		}()
		<-begun
		if victim != "" {
			must(t, w.Kill(victim))
		}
		feed.CloseWithError(io.ErrUnexpectedEOF)
		<-sent
		if victim != "" {
			must(t, w.StartPart(victim))
		}
	}

	// A file that comes piece by piece from a device that seals, and stays waiting:
	// its reporter has gone.
	sender, day := outside(t, w)
	sub, err := sender.Begin(t.Context(), day, submission.Form{
		Seed: submission.SeedFrom([32]byte{1}), To: submission.Readers{Unit: "itprov"}, Report: report.Report{What: mark("sealed")}, Language: "id",
	})
	must(t, err)
	waits := strings.Repeat(mark("file that waits"), 20_000)
	must(t, sub.AttachFile(t.Context(), mark("name of a file that waits"), "", int64(len(waits)), strings.NewReader(waits), depositsock.Watch{}))
	if left, err := filepath.Glob(filepath.Join(w.Dir, "vault", "uploads", "*")); err != nil || len(left) != 1 {
		t.Fatalf("%d uploads wait, %v", len(left), err)
	}

	// A member reads and answers, the reporter comes back.
	deskOf(t, w, "penelaah-satu").answer(texts["apa"], mark("answer"), mark("note"))
	status := reporter.Get(w.Intake+"cek").Press("Buka laporan", map[string]string{"kode": code})
	if !strings.Contains(status.Text(), texts["answer"]) {
		t.Fatalf("the answer is not shown:\n%s", status.Text())
	}
	status.Press("Kirim balasan", map[string]string{"teks": mark("reply")},
		textbrowser.File{Field: "berkas", Name: mark("reply file name"), Body: strings.NewReader(mark("reply file"))})
	gone := reporter.Get(w.Intake+"cek").Press("Buka laporan", map[string]string{"kode": code}).Press("Hapus balasan ini dari server", map[string]string{"teks": mark("begun")}).
		Press("Ya, hapus balasan ini", nil)
	if !strings.Contains(gone.Text(), "sudah dihapus dari server") || strings.Contains(gone.Text(), texts["answer"]) {
		t.Fatalf("the answer is not destroyed:\n%s", gone.Text())
	}
	gone.Press("Simpan tanda terima sebagai berkas", nil)
	reporter.Get(w.Intake+"cek").Press("Buka laporan", map[string]string{"kode": strings.Replace(code, " ", " "+mark("wrong word")+" ", 1)})

	said["case"] = caseOf(t, parsed, w)

	// The search finds what is there: a test that can't fail is none.
	control := t.TempDir()
	for form, b := range formsOf(texts["apa"]) {
		must(t, os.WriteFile(filepath.Join(control, form), append([]byte("xy"), b...), 0o600))
	}
	if n := len(search(t, texts, control)); n < len(formsOf(texts["apa"])) {
		t.Fatalf("the search finds %d of %d planted texts", n, len(formsOf(texts["apa"])))
	}
	places := []string{w.Dir, logs, tmp}
	for _, f := range search(t, texts, places...) {
		t.Errorf("while it runs: %s", f)
	}
	out, err := exec.Command(program(t), "vault", "batch", "--dir", filepath.Join(w.Dir, "vault")).CombinedOutput()
	if err != nil {
		t.Fatalf("batch: %v\n%s", err, out)
	}
	must(t, w.Stop())
	for _, f := range search(t, texts, places...) {
		t.Errorf("after the stop: %s", f)
	}
	inLogs(t, logs, texts, said)
	noHours(t, filepath.Join(w.Dir, "vault"))
	left, err := os.ReadDir(tmp)
	must(t, err)
	if len(left) > 0 {
		t.Errorf("%d files are left in the temporary folder", len(left))
	}
}

// inLogs fails if the parts' logs have anything that tells of a reporter, a
// member or a request, or if they don't say at debug level what they should.
func inLogs(t *testing.T, logs string, texts, said map[string]string) {
	t.Helper()
	for _, f := range search(t, texts, logs) {
		t.Errorf("in the logs: %s", f)
	}
	b, err := os.ReadFile(filepath.Join(logs, "parts.log"))
	must(t, err)
	text := string(b)
	for what, s := range said {
		if strings.Contains(text, s) {
			t.Errorf("in the logs: %s:\n%s", what, text)
		}
	}
	for _, line := range []string{"the vault is open", "a day has ended", "a roster is in use", "the log was verified", "no more requests are taken; those under way may finish"} {
		if !strings.Contains(text, "level=DEBUG msg="+strconv.Quote(line)) {
			t.Errorf("the logs don't say that %s:\n%s", line, text)
		}
	}
	if hours := regexp.MustCompile(`\d\d:\d\d`).FindString(text); hours != "" {
		t.Errorf("the logs tell an hour: %s", hours)
	}
}

// caseOf is the name of the case that a code is for.
func caseOf(t *testing.T, code casecode.Code, w *world.World) string {
	t.Helper()
	sender, _ := outside(t, w)
	v, err := sender.Look(t.Context(), code)
	must(t, err)
	return string(v.Case)
}

// noHours fails if the store tells a time finer than a day of anything that a
// reporter did.
func noHours(t *testing.T, dir string) {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Makassar")
	must(t, err)
	for _, folder := range []string{"blobs", "uploads"} {
		must(t, filepath.WalkDir(filepath.Join(dir, folder), func(path string, _ fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := os.Stat(path)
			if err != nil {
				return err
			}
			if at := info.ModTime().In(zone); at.Hour()+at.Minute()+at.Second()+at.Nanosecond() != 0 {
				t.Errorf("time of %s tells %s", filepath.Base(path), at.Format(time.TimeOnly))
			}
			return nil
		}))
	}
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(dir, "vault.db")+"?mode=ro")
	must(t, err)
	defer db.Close()
	hour := regexp.MustCompile(`\d\d:\d\d`)
	// What members did has its second in records; that is what they are for.
	ofReporters := map[string]string{
		"objects": "member = ''", "wraps": "grant_seq = 0", "records": "action = '' AND case_id <> ''",
		"rosters": "FALSE", "goose_db_version": "FALSE",
	}
	var tables []string
	names, err := db.Query("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
	must(t, err)
	for names.Next() {
		var name string
		must(t, names.Scan(&name))
		tables = append(tables, name)
	}
	must(t, names.Err())
	filled := 0
	for _, table := range tables {
		q := "SELECT * FROM " + table
		if condition := ofReporters[table]; condition != "" {
			q += " WHERE " + condition
		}
		rows, err := db.Query(q)
		must(t, err)
		columns, err := rows.Columns()
		must(t, err)
		n := 0
		for rows.Next() {
			n++
			values := make([]any, len(columns))
			into := make([]any, len(columns))
			for i := range values {
				into[i] = &values[i]
			}
			must(t, rows.Scan(into...))
			for i, v := range values {
				switch v := v.(type) {
				case int64:
					for _, unit := range []int64{1, 1e3, 1e6, 1e9} {
						if at := time.Unix(v/unit, 0); at.After(time.Now().AddDate(0, 0, -2)) && at.Before(time.Now().AddDate(0, 0, 2)) {
							t.Errorf("%s: %s may be a time", q, columns[i])
						}
					}
				case string:
					if hour.MatchString(v) {
						t.Errorf("%s: %s tells an hour", q, columns[i])
					}
				case []byte:
					if columns[i] == "leaf" && hour.Match(v) {
						t.Errorf("%s: a record of a deposit tells an hour", q)
					}
				}
			}
		}
		must(t, rows.Err())
		must(t, rows.Close())
		if n > 0 {
			filled++
		}
	}
	if filled < 6 {
		t.Errorf("only %d tables have anything of a reporter's to look at", filled)
	}
}
