package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"suluh.example/suluh/internal/check"
)

type auditCmd struct {
	Verify auditVerifyCmd `cmd:"" help:"Verify an access log from outside."`
}

type auditVerifyCmd struct {
	LogKey string `required:"" help:"The log's verifier key (name+hash+key), or a file that has it."`
	Log    string `arg:"" help:"A folder of tiles, a URL, or the vault's log.sock."`
}

func (auditVerifyCmd) Help() string {
	return "Checks every record and prints one sentence. The exit status is 0 only if the log is intact.\n\nExamples:\n  suluh audit verify --log-key log.vkey /media/log\n  suluh audit verify --log-key log.vkey https://log.example/\n  suluh audit verify --log-key log.vkey /var/lib/suluh/log.sock"
}

func (c *auditVerifyCmd) Run(ctx context.Context) error {
	text := c.LogKey
	if b, err := os.ReadFile(c.LogKey); err == nil {
		text = strings.TrimSpace(string(b))
	}
	key, err := note.NewVerifier(text)
	if err != nil {
		return fmt.Errorf("log key is neither a verifier key nor a file that has one")
	}
	files := check.Directory(c.Log)
	if strings.HasPrefix(c.Log, "http://") || strings.HasPrefix(c.Log, "https://") {
		files = check.URL(strings.TrimSuffix(c.Log, "/"))
	} else if info, err := os.Stat(c.Log); err != nil {
		return err
	} else if info.Mode()&os.ModeSocket != 0 {
		files = check.Socket(c.Log)
	}
	r, err := check.Verify(ctx, files, key)
	if err != nil {
		return err
	}
	fmt.Printf("the log is intact: %d records, none missing or changed (%d deposits, %d requests of members)\n", r.Records, r.Deposits, r.Accesses)
	if r.Waiting > 0 {
		fmt.Printf("%d cases were opened before the batch of their day; their readers are checked when it is in the log\n", r.Waiting)
	}
	return nil
}
