package accesslog

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"suluh.example/suluh/crypto/id"
)

const receiptLine = "suluh.example/receipt/v1"

// DepositDigest is what the log and a receipt say of a deposit: a digest over
// its salt (from the depositor), its case, the commitment to the case's
// readers ("-" for an addition to a case) and its objects.
func DepositDigest(salt [16]byte, c id.Case, wraps string, objects []id.Object) id.Digest {
	text := make([]string, 0, len(objects))
	for _, o := range objects {
		text = append(text, string(appendObject(nil, o)))
	}
	slices.Sort(text)
	return id.DigestOf([]byte(fmt.Sprintf("suluh.example/deposit/v1\nsalt %s\ncase %s\nwraps %s\n",
		hex.EncodeToString(salt[:]), c, wraps) + strings.Join(text, "")))
}

// Receipt is the vault's promise to a reporter that a deposit will be in the
// log by a day, as in Certificate Transparency (RFC 6962, section 3). It says
// neither the case nor anything of what was reported.
type Receipt struct {
	Log     string // origin
	Day     id.Day // of the deposit
	Due     id.Day // by whose end the deposit is in the log
	Deposit id.Digest
}

// Sign returns the receipt as a note signed by the log's key.
func (r Receipt) Sign(log note.Signer) ([]byte, error) {
	msg, err := note.Sign(&note.Note{Text: r.text()}, log)
	if err != nil {
		return nil, fmt.Errorf("sign receipt: %w", err)
	}
	return msg, nil
}

func (r Receipt) text() string {
	return fmt.Sprintf("%s\nlog %s\nday %s\ndue %s\ndeposit %s\n", receiptLine, r.Log, r.Day, r.Due, r.Deposit)
}

// OpenReceipt checks a receipt's signature by the log's key.
func OpenReceipt(msg []byte, log note.Verifier) (Receipt, error) {
	n, err := note.Open(msg, note.VerifierList(log))
	if err != nil {
		return Receipt{}, fmt.Errorf("receipt: %w", err)
	}
	l := &lines{rest: n.Text}
	l.exactly(receiptLine)
	r := Receipt{Log: l.value("log")}
	day, err := id.ParseDay(l.value("day"))
	r.Day = parsed(l, day, err)
	due, err := id.ParseDay(l.value("due"))
	r.Due = parsed(l, due, err)
	d, err := id.ParseDigest(l.value("deposit"))
	r.Deposit = parsed(l, d, err)
	// Nothing else may ride along: a receipt is shown, and handed on.
	again, err := note.Sign(&note.Note{Text: n.Text, Sigs: n.Sigs})
	if l.end() != nil || r.text() != n.Text || err != nil || !bytes.Equal(again, msg) {
		return Receipt{}, fmt.Errorf("receipt: %w", ErrFormat)
	}
	return r, nil
}
