package main

import (
	"context"
	"fmt"

	"suluh.example/suluh/internal/check"
)

type auditExportCmd struct {
	auditLog
	Dir string `arg:"" type:"path" help:"Folder to make, or to bring up to date."`
}

func (auditExportCmd) Help() string {
	return `Writes the log as a folder that any client of C2SP tlog-tiles reads: checkpoint, tile/…, tile/entries/…, and rosters/… and log.vkey with it. Run again it fetches only what is new, and fails if the log does not continue what the folder has. It is verified on the way; one that is not intact leaves the folder's checkpoint as it was.

Examples:
  suluh audit export --log-key log.vkey /var/lib/suluh/vault/log.sock /media/log
  suluh audit export --log-key log.vkey --token-file token https://log.example/ /media/log`
}

func (c *auditExportCmd) Run(ctx context.Context) error {
	files, _, text, err := c.open()
	if err != nil {
		return err
	}
	r, err := check.Export(ctx, c.Dir, files, text, progress())
	if err != nil {
		return err
	}
	fmt.Println(intact(r))
	return wasRestored(r.Unseen(r.Before))
}
