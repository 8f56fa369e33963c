package ceremony

import (
	"bytes"
	"crypto/rand"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"io"
	"strings"

	"filippo.io/age"
	"rsc.io/qr"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/keyfile"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/crypto/seal"
)

// ErrOtherSheet says that a recovery sheet is not the one that the roster names.
var ErrOtherSheet = errors.New("this sheet opens nothing that is sealed to the unit's recovery recipient")

// Sheet is a unit's recovery sheet, as it is printed. It holds the key in the
// clear.
type Sheet struct {
	Unit     roster.Unit
	Day      id.Day
	recovery *keyfile.Recovery
}

// NewSheet makes the recovery key of a unit of the draft and puts its public
// half into the draft. Only a caller who means it replaces a sheet: what was
// sealed to the old one stays so.
func (f *Folder) NewSheet(unit id.Unit, replace bool, today id.Day) (*Sheet, error) {
	u, err := f.Unit(unit)
	if err != nil {
		return nil, err
	}
	if u.Recovery != "" && !replace {
		return nil, ErrHasSheet
	}
	r, err := keyfile.NewRecovery()
	if err != nil {
		return nil, err
	}
	u.Recovery = r.Recipient()
	return &Sheet{*u, today, r}, nil
}

// Lines returns the key as it is typed back.
func (s *Sheet) Lines() []string { return s.recovery.RevealLines() }

// Fingerprint tells one sheet from another without its key.
func (s *Sheet) Fingerprint() string { return roster.Fingerprint(s.recovery.Recipient()) }

// Indonesian says what the sheet is for, in paragraphs.
func (s *Sheet) Indonesian() []string {
	return []string{
		"Siapa pun yang memegang lembar ini dapat membaca semua laporan unit ini. Simpan dalam amplop tersegel, di dalam brankas.",
		"Cetak satu kali. Setelah itu hapus berkasnya. Jangan difoto.",
		"Lembar ini dipakai jika tidak ada lagi petugas yang memegang kunci sebuah laporan. Pemegang kunci (custodian) memasukkan kode QR atau empat baris di atas: suluh roster recovery try, suluh case grant.",
		"Angka 1 dan huruf B, I, O tidak dipakai. Huruf besar dan spasi bebas. Empat karakter terakhir tiap baris memeriksa baris itu.",
	}
}

// English says the same.
func (s *Sheet) English() []string {
	return []string{
		"Whoever holds this sheet can read every report of this unit. Keep it in a sealed envelope, in a safe.",
		"Print it once. Then delete the file. Do not photograph it.",
		"It is used when no officer has the key of a report any more. A custodian enters the QR code or the four lines above: suluh roster recovery try, suluh case grant.",
		"The digit 1 and the letters B, I, O are not used. Capitals and spaces do not matter. The last four characters of a line check that line.",
	}
}

//go:embed sheet.html
var sheetHTML string

// HTML writes the sheet as one page that a browser prints.
func (s *Sheet) HTML(w io.Writer) error {
	t, err := template.New("sheet").Funcs(template.FuncMap{"number": func(i int) int { return i + 1 }}).Parse(sheetHTML)
	if err != nil {
		return fmt.Errorf("sheet: %w", err)
	}
	return t.Execute(w, s)
}

// QR returns the key's QR code as an image that stands in the page itself.
func (s *Sheet) QR() (template.URL, error) {
	code, err := qr.Encode(s.recovery.Reveal(), qr.Q)
	if err != nil {
		return "", fmt.Errorf("sheet: %w", err)
	}
	return template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(code.PNG())), nil
}

// Text writes the sheet as plain text of 72 columns, for a printer that takes
// nothing else. It has no QR code.
func (s *Sheet) Text(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "LEMBAR PEMULIHAN / RECOVERY SHEET\n\nUnit                      %s: %s\nTanggal / Date            %s\nSidik kunci / Fingerprint %s\n\n",
		s.Unit.ID, s.Unit.Named("id"), s.Day, s.Fingerprint())
	for i, line := range s.Lines() {
		fmt.Fprintf(&b, "    %d  %s\n\n", i+1, line)
	}
	for _, p := range append(s.Indonesian(), s.English()...) {
		b.WriteString(wrapped(p, 72) + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func wrapped(text string, columns int) string {
	var b strings.Builder
	n := 0
	for _, word := range strings.Fields(text) {
		switch {
		case n > 0 && n+1+len(word) > columns:
			b.WriteByte('\n')
			n = 0
		case n > 0:
			b.WriteByte(' ')
			n++
		}
		b.WriteString(word)
		n += len(word)
	}
	return b.String() + "\n"
}

// TrySheet proves that a sheet opens what is sealed to a unit's recovery
// recipient, by sealing something new to it and opening that.
func TrySheet(u roster.Unit, r *keyfile.Recovery) error {
	to, err := seal.ParseRecipient(u.Recovery)
	if err != nil {
		return err
	}
	var probe [32]byte
	rand.Read(probe[:])
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, to)
	if err != nil {
		return err
	}
	if _, err := w.Write(probe[:]); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	opened, err := age.Decrypt(&sealed, r.Identity())
	if err != nil {
		return ErrOtherSheet
	}
	if got, err := io.ReadAll(opened); err != nil || !bytes.Equal(got, probe[:]) {
		return ErrOtherSheet
	}
	return nil
}
