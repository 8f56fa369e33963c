package export_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"suluh.example/suluh/internal/export"
	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/internal/member"
	"suluh.example/suluh/internal/testvault"
)

// TestHandmadeLettersAreHarmless: anybody can seal what he likes as a letter.
// Whatever it is, the case lists, opens and exports, nothing in it steers a
// terminal or fills a screen, and no other case is touched by it.
func TestHandmadeLettersAreHarmless(t *testing.T) {
	catalogue, err := lang.Load()
	must(t, err)
	for name, h := range testvault.ByHand() {
		t.Run(name, func(t *testing.T) {
			w := testvault.New(t)
			of, _ := w.Make(h)
			w.Send(testvault.Form("itprov"))
			s := session(t, w, testvault.One)
			items, err := s.List(t.Context())
			must(t, err)
			if len(items) != 2 {
				t.Fatalf("%d cases are listed", len(items))
			}
			for _, i := range items {
				steersNothing(t, string(i.Category)+string(i.Unit)+i.Language)
				if len([]rune(i.Title)) > 81 || i.Files < 0 || i.Files > 256 || i.Case != of && i.Err != nil {
					t.Errorf("listed as %d characters, %d files, %v", len(i.Title), i.Files, i.Err)
				}
			}
			x, err := s.Open(t.Context(), of)
			must(t, err)
			text := export.Conversation(catalogue.First(), x, nil, func(member.Attachment) string { return "" })
			steersNothing(t, text)
			if len(text) > 2<<20 || !strings.Contains(text, string(of)) {
				t.Errorf("a conversation of %d bytes", len(text))
			}
			if len(x.Attachments) > 256 {
				t.Errorf("%d attachments", len(x.Attachments))
			}
			for _, a := range x.Attachments {
				if a.Size < 0 || len([]rune(a.Name)) > 255 {
					t.Errorf("an attachment of %d bytes, a name of %d", a.Size, len(a.Name))
				}
				if !a.Gone {
					_, r, err := s.Attachment(t.Context(), of, a.Number)
					must(t, err)
					must(t, r.Close())
				}
			}
			if err := s.Reply(t.Context(), of, member.NewOnce(), "Terima kasih."); err != nil && !errors.Is(err, member.ErrReporters) {
				t.Errorf("reply: %v", err)
			}
			dir := filepath.Join(t.TempDir(), "kasus")
			err = export.Folder(dir, func(create export.Create) error {
				x, err := s.Export(t.Context(), of)
				if err != nil {
					return err
				}
				defer x.Close()
				return export.Write(create, x, options(t, w, testvault.One))
			})
			if err != nil && !errors.Is(err, export.ErrIncomplete) {
				t.Fatalf("export: %v", err)
			}
			text2, err := os.ReadFile(filepath.Join(dir, "case.txt"))
			must(t, err)
			steersNothing(t, string(text2))
		})
	}
}

// TestAReportersRecipientStartsNoPlugin: the program that a stranger's recipient
// names is never run.
func TestAReportersRecipientStartsNoPlugin(t *testing.T) {
	bin := t.TempDir()
	ran := filepath.Join(bin, "ran")
	must(t, os.WriteFile(filepath.Join(bin, "age-plugin-uji"), []byte("#!/bin/sh\n>"+ran+"\n"), 0o755))
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	w := testvault.New(t)
	of, _ := w.Make(testvault.ByHand()["the reporter is a plugin"])
	s := session(t, w, testvault.One)
	if err := s.Reply(t.Context(), of, member.NewOnce(), "Terima kasih."); !errors.Is(err, member.ErrReporters) {
		t.Errorf("got %v, want %v", err, member.ErrReporters)
	}
	if _, err := os.Stat(ran); err == nil {
		t.Error("the plugin ran")
	}
}

func steersNothing(t *testing.T, s string) {
	t.Helper()
	for _, c := range s {
		if unicode.IsControl(c) && c != '\n' && c != '\t' || c >= '\u202a' && c <= '\u202e' || c == '\u2066' || c == '\u2067' {
			t.Errorf("%U is left", c)
			return
		}
	}
}
