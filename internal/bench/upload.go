package main

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"suluh.example/suluh/internal/submission"
	"suluh.example/suluh/vault/depositsock"
)

const gib = 1 << 30

// uploads measures a file of 1 GiB through intake's page against the age
// command, and the memory that one and sixteen uploads take.
func (b *bench) uploads() error {
	file := filepath.Join(b.dir, "attachment")
	if err := randomFile(file, gib); err != nil {
		return err
	}
	defer os.Remove(file)
	in, err := b.newInstance("upload", 1, 3, 0)
	if err != nil {
		return err
	}
	defer os.RemoveAll(in.dir)
	// both lets the two parts run, and returns the processor time that they took.
	both := func(do func(f *form, mem func() (vault, intake int64, err error)) error) (time.Duration, error) {
		vault, err := in.vault()
		if err != nil {
			return 0, err
		}
		intake, err := in.intake()
		if err != nil {
			return 0, errors.Join(err, vault.stop())
		}
		err = do(&form{in: in, url: intake.url}, func() (v, i int64, err error) {
			if v, err = vault.memory("VmHWM"); err == nil {
				i, err = intake.memory("VmHWM")
			}
			return v, i, err
		})
		err = errors.Join(err, intake.stop(), vault.stop())
		return used(vault.cmd.ProcessState) + used(intake.cmd.ProcessState), err
	}
	var with, ours []float64
	var ageCPU []time.Duration
	cpu, err := both(func(f *form, mem func() (int64, int64, error)) error {
		for range b.rounds {
			took, cpu, err := b.ageFile(file, in.roster.Units[0].Recovery)
			if err != nil {
				return err
			}
			ageCPU = append(ageCPU, cpu)
			with = append(with, gib/took.Seconds()/1e6)
			began := time.Now()
			if err := f.upload(file, gib); err != nil {
				return err
			}
			ours = append(ours, gib/time.Since(began).Seconds()/1e6)
			// So that the run needs little of the disk.
			if err := in.dropBlobs(); err != nil {
				return err
			}
		}
		v, i, err := mem()
		if err != nil {
			return err
		}
		b.add(row{
			"1 GiB attachment through intake, without JavaScript", fmt.Sprintf("%.0f MB/s", median(ours)),
			fmt.Sprintf("`age` to the same disk, with fsync: %.0f MB/s", median(with)), ratio(median(ours) / median(with)), "0.8",
		})
		b.add(row{"memory of intake during that, at most", mib(i), "", "", "64 MiB"})
		b.add(row{"memory of the vault during that, at most", mib(v), "", "", "64 MiB"})
		return nil
	})
	if err != nil {
		return err
	}
	b.add(row{
		"processor time of intake and the vault for that", fmt.Sprintf("%.2f s", cpu.Seconds()/float64(b.rounds)),
		fmt.Sprintf("`age`: %.2f s", median(ageCPU).Seconds()), "", "",
	})
	_, err = both(func(f *form, mem func() (int64, int64, error)) error {
		var g errgroup.Group
		began := time.Now()
		for range 16 {
			g.Go(func() error { return f.upload(file, b.flood) })
		}
		if err := g.Wait(); err != nil {
			return err
		}
		rate := 16 * float64(b.flood) / time.Since(began).Seconds() / 1e6
		v, i, err := mem()
		if err != nil {
			return err
		}
		what := fmt.Sprintf("sixteen uploads of %s at once", size(b.flood))
		b.add(row{what, fmt.Sprintf("%.0f MB/s together", rate), "", "", ""})
		b.add(row{"memory of intake during that, at most", mib(i), "", "", "160 MiB"})
		b.add(row{"memory of the vault during that, at most", mib(v), "", "", "160 MiB"})
		return in.dropBlobs()
	})
	if err != nil {
		return err
	}
	_, err = both(func(f *form, mem func() (int64, int64, error)) error {
		var g errgroup.Group
		began := time.Now()
		for range 16 {
			g.Go(func() error { return b.pieces(f.url, file) })
		}
		if err := g.Wait(); err != nil {
			return err
		}
		rate := 16 * float64(b.flood) / time.Since(began).Seconds() / 1e6
		v, i, err := mem()
		if err != nil {
			return err
		}
		what := fmt.Sprintf("sixteen uploads of %s at once, in pieces (tus), as they come from devices that seal", size(b.flood))
		b.add(row{what, fmt.Sprintf("%.0f MB/s together", rate), "", "", ""})
		b.add(row{"memory of intake during that, at most", mib(i), "", "", "160 MiB"})
		b.add(row{"memory of the vault during that, at most", mib(v), "", "", "160 MiB"})
		return nil
	})
	return err
}

// pieces uploads so much of a file as if it were sealed, and ends the upload: a
// deposit would only name it.
func (b *bench) pieces(intake, file string) error {
	from, err := os.Open(file)
	if err != nil {
		return err
	}
	defer from.Close()
	rt := &http.Transport{WriteBufferSize: 64 << 10}
	defer rt.CloseIdleConnections()
	c, err := depositsock.NewClientAt(intake, rt)
	if err != nil {
		return err
	}
	u, err := c.Upload(b.ctx, b.flood, depositsock.Watch{})
	if err != nil {
		return err
	}
	defer u.Abort()
	const first = "age-encryption.org/v1\n"
	if _, err = io.WriteString(u, first); err == nil {
		_, err = io.CopyN(u, from, b.flood-int64(len(first)))
	}
	if err != nil {
		return err
	}
	return u.Close()
}

func size(n int64) string {
	if n%gib == 0 {
		return fmt.Sprintf("%d GiB", n/gib)
	}
	return fmt.Sprintf("%d MiB", n>>20)
}

// dropBlobs deletes what was stored, behind the vault's back: it is not asked
// for any more.
func (in *instance) dropBlobs() error {
	blobs, err := filepath.Glob(filepath.Join(in.dir, "blobs", "*"))
	for _, f := range blobs {
		if filepath.Base(f) != "tmp" {
			err = errors.Join(err, os.Remove(f))
		}
	}
	return err
}

func randomFile(name string, n int64) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	_, err = io.CopyN(f, rand.Reader, n)
	return errors.Join(err, f.Sync(), f.Close())
}

// ageFile encrypts a file with the age command, and syncs what it has written.
func (b *bench) ageFile(file, recipient string) (took, cpu time.Duration, err error) {
	out := file + ".age"
	defer os.Remove(out)
	began := time.Now()
	cmd := exec.CommandContext(b.ctx, b.age, "-r", recipient, "-o", out, file)
	if text, err := cmd.CombinedOutput(); err != nil {
		return 0, 0, fmt.Errorf("age: %w\n%s", err, text)
	}
	f, err := os.OpenFile(out, os.O_RDWR, 0)
	if err != nil {
		return 0, 0, err
	}
	err = f.Sync()
	return time.Since(began), used(cmd.ProcessState), errors.Join(err, f.Close())
}

// upload sends the first n bytes of a file with a report. The kernel sends them
// (sendfile): the sender's work is a phone's, not the server's.
func (f *form) upload(file string, n int64) error {
	seed := submission.NewSeed()
	var head bytes.Buffer
	w := multipart.NewWriter(&head)
	err := f.fields(w, seed)
	if err == nil {
		_, err = w.CreateFormFile("berkas", "bukti.bin")
	}
	if err != nil {
		return err
	}
	tail := "\r\n--" + w.Boundary() + "--\r\n"
	at, err := url.Parse(f.url)
	if err != nil {
		return err
	}
	from, err := os.Open(file)
	if err != nil {
		return err
	}
	defer from.Close()
	conn, err := net.Dial("tcp", at.Host)
	if err != nil {
		return err
	}
	defer conn.Close()
	return f.received(seed, func() (*http.Response, error) {
		_, err := fmt.Fprintf(conn, "POST /lapor/kirim HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s",
			at.Host, w.FormDataContentType(), int64(head.Len()+len(tail))+n, head.Bytes())
		if err == nil {
			_, err = io.CopyN(conn, from, n)
		}
		if err == nil {
			_, err = io.Copy(conn, strings.NewReader(tail))
		}
		if err != nil {
			return nil, err
		}
		return http.ReadResponse(bufio.NewReader(conn), nil)
	})
}
