package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// start measures how fast and how small the parts are when nothing happens.
func (b *bench) start() error {
	in, err := b.newInstance("start", 1, 3, 0)
	if err != nil {
		return err
	}
	var vaults, pages []time.Duration
	var page, vaultIdle, intakeIdle int64
	for range 2*b.rounds + 1 {
		began := time.Now()
		vault, err := in.vault()
		if err != nil {
			return err
		}
		vaults = append(vaults, time.Since(began))
		began = time.Now()
		intake, err := in.intake()
		if err != nil {
			return errors.Join(err, vault.stop())
		}
		if page, err = firstPage(intake.url); err == nil {
			pages = append(pages, time.Since(began))
			time.Sleep(500 * time.Millisecond) // idle
			vaultIdle, err = vault.memory("VmRSS")
		}
		if err == nil {
			intakeIdle, err = intake.memory("VmRSS")
		}
		if err := errors.Join(err, intake.stop(), vault.stop()); err != nil {
			return err
		}
	}
	binary, err := os.Stat(b.bin)
	if err != nil {
		return err
	}
	b.add(row{"start of intake to its first page", short(median(pages)), "", "", ""})
	b.add(row{"start of the vault until it listens", short(median(vaults)), "", "", ""})
	b.add(row{"memory of intake, idle", mib(intakeIdle), "", "", ""})
	b.add(row{"memory of the vault, idle", mib(vaultIdle), "", "", ""})
	b.add(row{"the program, all parts in one", mib(binary.Size()), "", "", ""})
	b.add(row{"first page: one request, with all that it needs", fmt.Sprintf("%.1f KB", float64(page)/1e3), "", "", "30 KB"})
	return nil
}

// firstPage returns the bytes of the first page, as they travel.
func firstPage(url string) (int64, error) {
	r, err := http.Get(url)
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(io.Discard, r.Body)
	if err := errors.Join(err, r.Body.Close()); err != nil {
		return 0, err
	}
	if r.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("status %s", r.Status)
	}
	return n, nil
}
