package intake

import (
	"fmt"
	"net/http"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"suluh.example/suluh/crypto/accesslog"
)

// receipt gives a receipt back as a file. It gives nothing that the log didn't
// sign, whole and alone: a link to this address must not make a file of
// somebody else's words.
func (s *Server) receipt(w http.ResponseWriter, r *request) error {
	b, err := s.texts(w, r)
	if err != nil {
		return err
	}
	sender, _, err := s.readers.ask(r.Context())
	if sender == nil || err != nil {
		return s.closedOr(w, r, typed{}, []hidden{{receiptField, b.first(receiptField)}}, err)
	}
	log, err := note.NewVerifier(sender.Roster().LogKey)
	if err != nil {
		return fmt.Errorf("key of the log: %w", err)
	}
	text := strings.ReplaceAll(b.first(receiptField), "\r\n", "\n") // browsers send line ends so
	if _, err := accesslog.OpenReceipt([]byte(text), log); err != nil {
		return s.notice(w, r, http.StatusUnprocessableEntity, "intake.receipt.bad")
	}
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	// Whoever sees the folder must not see what the file is.
	h.Set("Content-Disposition", `attachment; filename="`+r.l.T("intake.receipt.file")+`"`)
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte(text)) // the reader is gone otherwise
	return nil
}
