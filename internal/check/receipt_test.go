package check_test

import (
	"errors"
	"testing"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/internal/check"
	"suluh.example/suluh/internal/testvault"
)

// TestAReceiptTellsWhetherItsPromiseWasKept follows a deposit from its receipt
// into the log.
func TestAReceiptTellsWhetherItsPromiseWasKept(t *testing.T) {
	w := testvault.New(t)
	s, err := w.Sender.Begin(t.Context(), w.Day, testvault.Form("itprov"))
	must(t, err)
	defer s.Abort()
	sent, err := s.Commit(t.Context())
	must(t, err)
	receipt, err := accesslog.OpenReceipt(sent.Receipt, w.Log)
	must(t, err)
	log := check.New(w.Vault.LogFile, w.Log)
	expect := func(r accesslog.Receipt, days int, want check.Promise) {
		t.Helper()
		_, err := log.Extend(t.Context())
		must(t, err)
		if got, err := log.Promise(r, w.Day.AddDays(days)); got != want || err != nil {
			t.Errorf("after %d days: got %s, %v, want %s", days, got, err, want)
		}
	}
	expect(receipt, 0, check.Open)
	expect(receipt, 1, check.Open)
	expect(receipt, 2, check.Broken)
	_, err = w.Vault.Batch(t.Context())
	must(t, err)
	expect(receipt, 0, check.Kept)
	expect(receipt, 2, check.Kept)

	// The day before has had its batch: what it promised must be there.
	dropped := receipt
	dropped.Deposit[0] ^= 1
	dropped.Day, dropped.Due = dropped.Day.AddDays(-1), dropped.Due.AddDays(-1)
	expect(dropped, 0, check.Broken)

	other := receipt
	other.Log = "suluh.example/lain"
	if _, err := log.Promise(other, w.Day); !errors.Is(err, check.ErrOtherLog) {
		t.Errorf("a receipt of another log: %v", err)
	}
}
