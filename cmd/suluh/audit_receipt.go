package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/check"
)

// receipt is what became of a reporter's receipt.
type receipt struct {
	promise check.Promise // "" if none was asked about
	due     id.Day
}

var errPromise = errors.New("the promise was broken: the deposit of the receipt should be in the log and is not")

func (r receipt) broken() error {
	if r.promise == check.Broken {
		return errPromise
	}
	return nil
}

// maxReceipt is more bytes than any receipt has.
const maxReceipt = 4 << 10

func (c *auditVerifyCmd) receipt(log *check.Log, key note.Verifier) (receipt, error) {
	from, err := openInput(c.Receipt)
	if err != nil {
		return receipt{}, err
	}
	defer from.Close()
	msg, err := io.ReadAll(io.LimitReader(from, maxReceipt))
	if err != nil {
		return receipt{}, fmt.Errorf("read receipt: %w", err)
	}
	// As pasted from a page: with line ends of Windows, and with or without the last.
	msg = []byte(strings.TrimSpace(strings.ReplaceAll(string(msg), "\r\n", "\n")) + "\n")
	r, err := accesslog.OpenReceipt(msg, key)
	if err != nil {
		return receipt{}, withHint(errors.New("the receipt is not signed by this log's key, or was changed"), "copy all of it, from \"suluh.example/receipt/v1\" to the line that begins with a dash")
	}
	promise, err := log.Promise(r, id.DayOf(time.Now(), log.TimeZone()))
	return receipt{promise, r.Due}, err
}
