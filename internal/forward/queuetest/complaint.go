package queuetest

import (
	"os"
	"path/filepath"
	"testing"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/forward"
	"suluh.example/suluh/internal/forward/queue"
	"suluh.example/suluh/internal/report"
)

// Reference is ours of what is handed in.
const Reference = "kq3x7v2mfa6zt5wnb4yjr2sdhe"

// Complaint is one to hand in.
func Complaint(t testing.TB) forward.Complaint {
	t.Helper()
	day, err := id.ParseDay("2026-03-02")
	Must(t, err)
	return forward.Complaint{
		Reference: Reference, Class: report.General, Category: "pungli", Title: "Pungutan di loket", Day: day, Language: "id",
		Text: "Petugas loket minta \"uang rokok\" & tidak memberi tanda terima.\nSudah tiga kali\\seminggu; 50% lebih = {{banyak}}, < 5.",
	}
}

// Client is one that connects by itself.
func Client(t testing.TB) *queue.Client {
	t.Helper()
	c, err := queue.NewClient(queue.Reach{}, nil)
	Must(t, err)
	return c
}

// Secret puts a credential into a file of its own.
func Secret(t testing.TB, s string) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "secret")
	Must(t, os.WriteFile(file, []byte(s+"\n"), 0o600))
	return file
}

// Must ends the test at an error.
func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
