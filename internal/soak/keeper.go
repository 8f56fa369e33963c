package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"filippo.io/age"

	"suluh.example/suluh/internal/backup"
	"suluh.example/suluh/vault"
	"suluh.example/suluh/vault/controlsock"
)

const backups = "backups made meanwhile, each read back whole"

// keeper makes backups while everything else goes on. One that is made is whole;
// one that fails leaves the one before.
func (s *soak) keeper(ctx context.Context) error {
	for ctx.Err() == nil {
		err := s.backup(ctx)
		switch {
		case err == nil:
			s.counts.add(backups, 1)
		case errors.Is(err, backup.ErrDamaged):
			s.failed.add(fmt.Errorf("a backup: %w", err))
		}
		wait(ctx, 5*time.Second)
	}
	return nil
}

func (s *soak) folder() string { return filepath.Join(s.dir, "backup") }

func (s *soak) backup(ctx context.Context) error {
	_, err := backup.Run(ctx, backup.Config{
		Vault: s.vaultDir(), To: s.folder(), Recipients: []string{s.keeps.Recipient().String()},
		Snapshot: controlsock.NewClient(filepath.Join(s.vaultDir(), "control.sock")).Snapshot,
	})
	return err
}

// rehearse brings the last backup back, and lets the doctor look at it.
func (s *soak) rehearse(ctx context.Context) error {
	if err := s.backup(ctx); err != nil {
		return fmt.Errorf("the backup at the end: %w", err)
	}
	dir := filepath.Join(s.dir, "restored")
	if _, err := backup.Restore(ctx, backup.RestoreConfig{From: s.folder(), Dir: dir, Identities: []age.Identity{s.keeps}}); err != nil {
		return fmt.Errorf("the restore at the end: %w", err)
	}
	findings, err := vault.Doctor(ctx, dir)
	if err != nil {
		return err
	}
	if len(findings) != 1 { // that it was restored
		s.failed.add(fmt.Errorf("what was restored is not whole: %v", findings))
	}
	return nil
}
