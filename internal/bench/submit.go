package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// submits measures a report with a file of 1 GiB from the command line, through
// intake, against the age command: sealed on the reporter's side, sent in pieces.
func (b *bench) submits() (err error) {
	file := filepath.Join(b.dir, "attachment")
	if err := randomFile(file, gib); err != nil {
		return err
	}
	defer os.Remove(file)
	in, err := b.newInstance("submit", 1, 3, 0)
	if err != nil {
		return err
	}
	defer os.RemoveAll(in.dir)
	vault, err := in.vault()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, vault.stop()) }()
	intake, err := in.intake()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, intake.stop()) }()
	var with, ours []float64
	var most int64
	var cpu, ageCPU []time.Duration
	for range b.rounds {
		took, spent, err := b.ageFile(file, in.roster.Units[0].Recovery)
		if err != nil {
			return err
		}
		with, ageCPU = append(with, gib/took.Seconds()/1e6), append(ageCPU, spent)
		cmd := exec.CommandContext(b.ctx, b.bin, "submit", "--server", intake.url, "--root-key", in.rootKey, "--from", "-",
			"--to", string(in.roster.Units[0].ID), "--attach", file)
		cmd.Stdin = strings.NewReader(`{"apa": "Pembayaran ganda"}`)
		began := time.Now()
		out, peak, err := watched(cmd)
		if err != nil {
			return fmt.Errorf("submit: %w\n%s", err, out)
		}
		ours = append(ours, gib/time.Since(began).Seconds()/1e6)
		most, cpu = max(most, peak), append(cpu, used(cmd.ProcessState))
		if err := in.dropBlobs(); err != nil {
			return err
		}
	}
	b.add(row{
		"`suluh submit` of 1 GiB, through intake", fmt.Sprintf("%.0f MB/s", median(ours)),
		fmt.Sprintf("`age` to the same disk, with fsync: %.0f MB/s", median(with)), ratio(median(ours) / median(with)), "0.8",
	})
	b.add(row{"processor time of `suluh submit` for that", fmt.Sprintf("%.2f s", median(cpu).Seconds()), fmt.Sprintf("`age`: %.2f s", median(ageCPU).Seconds()), "", ""})
	b.add(row{"memory of `suluh submit` during that, at most", mib(most), "", "", ""})
	return nil
}
