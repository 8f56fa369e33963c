package desk_test

import (
	"net/http"
	"testing"

	"suluh.example/suluh/internal/testvault"
)

// TestASplitCaseThatDidNotOpenIsStillUnread: nobody has seen it, so the inbox says
// so, to the same member in another session too; once it has opened, it is read.
func TestASplitCaseThatDidNotOpenIsStillUnread(t *testing.T) {
	w := testvault.New(t)
	kw := w.KeyWitnesses("itprov", 1, 1)[0]
	f := testvault.Form("itprov")
	w.Send(f)
	o := newOffice(t, w, w.Member)
	const untitled, unread = "Judul tampil setelah kasus dibuka", "1 baru"
	fresh := map[string]string{"tampil": "baru"}

	kw.Stop()
	inbox := o.unlock(testvault.One)
	says(t, inbox, unread)
	for range 2 {
		shut := inbox.Follow(untitled)
		if shut.Status != http.StatusServiceUnavailable {
			t.Fatalf("without its key witness: %d\n%s", shut.Status, shut.Text())
		}
		says(t, shut, "Saksi Kunci 1: tidak menjawab.")
		says(t, textbrowserOf(t, inbox, "/").Press("Terapkan", fresh), unread, "1 cocok")
	}
	says(t, o.unlock(testvault.One), unread)

	kw.Start()
	again := o.unlock(testvault.One)
	opened := again.Follow(untitled)
	if opened.Heading() != f.Report.Title() {
		t.Fatalf("with its key witness:\n%s", opened.Text())
	}
	read := textbrowserOf(t, again, "/")
	silent(t, read, unread)
	says(t, read.Press("Terapkan", fresh), "0 cocok")

	// What was read once stays so if the key is asked for in vain later.
	kw.Stop()
	later := o.unlock(testvault.One)
	if shut := later.Follow(untitled); shut.Status != http.StatusServiceUnavailable {
		t.Errorf("in another session: %d", shut.Status)
	}
	silent(t, textbrowserOf(t, later, "/"), unread)
}
