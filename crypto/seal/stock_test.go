package seal_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"suluh.example/suluh/crypto/seal"
)

// TestStockToolsOpenWhatIsSealed runs the age command, jq and head: nobody
// needs Suluh to get at their data.
func TestStockToolsOpenWhatIsSealed(t *testing.T) {
	dir := t.TempDir()
	age := filepath.Join(dir, "age")
	run(t, exec.Command("go", "build", "-o", age, "filippo.io/age/cmd/age"))
	reader, k := newKey(t), newKey(t)
	write := func(name string, b []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	wrap, err := k.Wrap(reader.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	doc, err := seal.SealDocument([]byte(`{"apa":"uji"}`), seal.DocumentFloor, k.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	plain := bytes.Repeat([]byte("bukti\x00"), 20_000)
	content, sum := sealContent(t, k, plain)
	write("reader.key", []byte(reader.Export()+"\n"))
	write("case.wrap", wrap)
	write("doc.age", doc)
	write("content.age", content)
	sh := func(script string) []byte {
		cmd := exec.Command("bash", "-eo", "pipefail", "-c", script)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
		return run(t, cmd)
	}
	sh("age -d -i reader.key case.wrap > case.key")
	if got := sh("age -d -i case.key doc.age | jq -r .apa"); string(got) != "uji\n" {
		t.Errorf("document: got %q", got)
	}
	if got := sh(fmt.Sprintf("age -d -i case.key content.age > content && head -c %d content", sum.Size)); !bytes.Equal(got, plain) {
		t.Errorf("content: got %d bytes, want %d", len(got), len(plain))
	}
}

func run(t *testing.T, cmd *exec.Cmd) []byte {
	t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, errs.Bytes())
	}
	return out.Bytes()
}
