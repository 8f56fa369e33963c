package vault_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/vault"
	"suluh.example/suluh/vault/depositsock"
)

const large = 300 << 10 // bytes: kept as a file

func TestDepositIsNewThenSameThenAdded(t *testing.T) {
	w := newWorld(t, vault.Config{})
	p := newParcel(large, w.one.id, w.two.id)
	first, err := w.send(p)
	must(t, err)
	if first.Result != depositsock.New {
		t.Fatalf("got %q, want new", first.Result)
	}
	r, err := accesslog.OpenReceipt([]byte(first.Receipt), w.log)
	must(t, err)
	if r.Day.String() != "2026-11-24" || r.Due.String() != "2026-11-25" {
		t.Fatalf("receipt is of %s, due %s", r.Day, r.Due)
	}
	before := w.files()

	// The same form sealed anew, as a reload makes it.
	again := newParcel(large, w.one.id, w.two.id)
	again.lookup, again.of, again.tag = p.lookup, p.of, p.tag
	same, err := w.send(again)
	must(t, err)
	if same.Result != depositsock.Same || same.Receipt != first.Receipt {
		t.Fatalf("got %q, want same with the first receipt", same.Result)
	}
	if got := w.files(); len(got) != len(before) {
		t.Fatalf("the repeated form left %d files, want %d", len(got), len(before))
	}

	changed := newParcel(0)
	changed.lookup, changed.of = p.lookup, ""
	added, err := w.send(changed)
	must(t, err)
	if added.Result != depositsock.Added {
		t.Fatalf("got %q, want added", added.Result)
	}
	found, err := w.deposit.Lookup(t.Context(), p.lookup)
	must(t, err)
	if found.Case != p.of || len(found.Objects) != 4+3 || len(found.Bytes) != 2 {
		t.Fatalf("look-up found %d objects and the bytes of %d, want 7 and 2 cards", len(found.Objects), len(found.Bytes))
	}
}

func TestIdenticalFormsAtOnceGiveOneCase(t *testing.T) {
	w := newWorld(t, vault.Config{})
	p := newParcel(large, w.one.id)
	var all sync.WaitGroup
	results := make([]depositsock.Result, 8)
	for i := range results {
		all.Go(func() {
			q := newParcel(large, w.one.id)
			q.lookup, q.of, q.tag = p.lookup, p.of, p.tag
			a, err := w.send(q)
			if err != nil {
				t.Error(err)
			}
			results[i] = a.Result
		})
	}
	all.Wait()
	opened := 0
	for _, r := range results {
		if r == depositsock.New {
			opened++
		} else if r != depositsock.Same {
			t.Errorf("got %q, want new or same", r)
		}
	}
	if files := w.files(); opened != 1 || len(files) != 1 {
		t.Fatalf("%d cases were opened and %d files kept, want one of each", opened, len(files))
	}
}

func TestWhatIsRefusedLeavesNothing(t *testing.T) {
	w := newWorld(t, vault.Config{MaxBytes: 1 << 20})
	for name, c := range map[string]struct {
		change func(*parcel)
		want   error
	}{
		"code that no case has":    {func(p *parcel) { p.wraps = nil }, depositsock.ErrUnknown},
		"object that isn't age":    {func(p *parcel) { p.objects[1].data = make([]byte, 2000) }, depositsock.ErrBad},
		"role of a member":         {func(p *parcel) { p.objects[1].role = id.RoleAnswer }, depositsock.ErrBad},
		"other digest than named":  {func(p *parcel) { p.named = []id.Object{{Role: id.RoleLetter}} }, depositsock.ErrBad},
		"fewer objects than named": {func(p *parcel) { p.named = append(p.named, p.objects[0].describe()) }, depositsock.ErrBad},
		"no reader but recovery":   {func(p *parcel) { p.wraps[0].Member = id.RecoveryOf("itprov") }, depositsock.ErrBad},
		"reader who isn't one":     {func(p *parcel) { p.wraps[0].Member = w.auditor.id }, depositsock.ErrBad},
		"reader twice":             {func(p *parcel) { p.wraps = append(p.wraps, p.wraps[0]) }, depositsock.ErrBad},
		"wrap that isn't age":      {func(p *parcel) { p.wraps[0].Data = []byte("AGE-SECRET-KEY") }, depositsock.ErrBad},
		"too large":                {func(p *parcel) { p.objects[0].data = sealed(2 << 20) }, depositsock.ErrTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			p := newParcel(large, w.one.id)
			c.change(&p)
			_, err := w.send(p)
			want(t, err, c.want)
			if files := w.files(); len(files) != 0 {
				t.Fatalf("%d files were left behind", len(files))
			}
			_, err = w.deposit.Lookup(t.Context(), p.lookup)
			want(t, err, depositsock.ErrUnknown)
		})
	}
}

func TestBrokenDepositLeavesNothing(t *testing.T) {
	w := newWorld(t, vault.Config{})
	p := newParcel(0)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	d, err := w.deposit.Deposit(ctx, p.head(w))
	must(t, err)
	ow, err := d.Object(id.RoleContent)
	must(t, err)
	marker := sealed(1 << 20)
	_, err = ow.Write(marker)
	must(t, err)
	waitFor(t, func() bool { return len(w.files()) == 1 }) // it has begun to arrive
	d.Abort()
	waitFor(t, func() bool { return len(w.files()) == 0 })
	if w.contains(marker[1000:1064]) {
		t.Fatal("bytes of a broken deposit were left")
	}
	_, err = w.deposit.Lookup(t.Context(), p.lookup)
	want(t, err, depositsock.ErrUnknown)
}

func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	for range 2000 {
		if ok() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("it did not come to pass")
}

// Whoever takes over intake has seen sealed files pass, and must not be able
// to delete them by sending them again.
func TestRepeatedFileDoesNotDeleteTheFirst(t *testing.T) {
	w := newWorld(t, vault.Config{})
	p := newParcel(large, w.one.id)
	_, err := w.send(p)
	must(t, err)
	hostile := newParcel(0, w.one.id)
	hostile.objects = append(hostile.objects, p.objects[0])
	if _, err := w.send(hostile); err == nil {
		t.Fatal("a file of another case was taken")
	}
	got, err := w.ask(w.one, w.statement(w.one, accesslog.Export, p.of))
	must(t, err)
	if _, ok := got.objects[p.objects[0].describe().Digest]; !ok {
		t.Fatal("the file of the first case is gone")
	}
}

func TestQuotaKeepsTheDoorOpenForReportsWithoutFiles(t *testing.T) {
	w := newWorld(t, vault.Config{MaxBytes: 1 << 20, PerHour: 2 << 20, PerDay: 2100 << 10})
	files := func() error {
		_, err := w.send(newParcel(900<<10, w.one.id))
		return err
	}
	text := func() error {
		_, err := w.send(newParcel(0, w.one.id))
		return err
	}
	must(t, files())
	must(t, files())
	want(t, files(), depositsock.ErrNoFiles) // in the middle: it would have been too much
	want(t, files(), depositsock.ErrNoFiles)
	texts := 0
	var err error
	for ; err == nil && texts < 1000; texts++ {
		err = text()
	}
	want(t, err, depositsock.ErrFull)
	if texts < 20 {
		t.Errorf("%d reports without files found room in what is kept for them, want 20 at least", texts)
	}

	w.clock.forward(time.Hour)
	if s := w.vault.DepositState(); s.Files {
		t.Fatal("a new hour opened the door to files though the day's quota is used up")
	}
	w.stop()
	w.start(vault.Config{MaxBytes: 1 << 20, PerHour: 2 << 20, PerDay: 2100 << 10})
	want(t, files(), depositsock.ErrNoFiles)
	must(t, text())

	w.clock.forward(24 * time.Hour)
	must(t, files())
	must(t, text())
}

// Uploads that begin together, each while there is room for it, don't use up
// what is kept for reports without files either; and what they have sent
// counts no more once they are broken off.
func TestFloodAtOnceLeavesRoomForText(t *testing.T) {
	w := newWorld(t, vault.Config{MaxBytes: 4 << 20, PerHour: 8 << 20})
	refused := 0
	var open []*depositsock.Deposit
	for range 6 {
		p := newParcel(0, w.one.id)
		d, err := w.deposit.Deposit(t.Context(), p.head(w))
		must(t, err)
		ow, err := d.Object(id.RoleContent)
		must(t, err)
		for n := 0; n < 12 && err == nil; n++ { // 3 MiB
			_, err = ow.Write(sealed(256 << 10))
		}
		if err != nil {
			want(t, err, depositsock.ErrNoFiles)
			refused++
		}
		open = append(open, d)
		_, err = w.send(newParcel(0, w.one.id))
		must(t, err)
	}
	if refused < 3 {
		t.Errorf("%d of six uploads were refused, want 3 at least", refused)
	}
	for _, d := range open {
		d.Abort()
	}
	waitFor(t, func() bool { return w.vault.DepositState().Files })
	_, err := w.send(newParcel(1<<20, w.one.id))
	must(t, err)
}

// What is no attachment is small: a letter can't be a way around the quota for
// files.
func TestLettersAreSmall(t *testing.T) {
	w := newWorld(t, vault.Config{})
	p := newParcel(0, w.one.id)
	p.objects[0].data = sealed(9 << 20)
	_, err := w.send(p)
	want(t, err, depositsock.ErrTooLarge)
	if f := w.files(); len(f) != 0 {
		t.Errorf("%d files are left of it", len(f))
	}
}

func TestFloodLeavesRoomForText(t *testing.T) {
	w := newWorld(t, vault.Config{MaxBytes: 4 << 20, PerHour: 1 << 20})
	_, err := w.send(newParcel(960<<10, w.one.id))
	must(t, err)
	_, err = w.send(newParcel(large, w.one.id))
	want(t, err, depositsock.ErrNoFiles)
	_, err = w.send(newParcel(0, w.one.id))
	must(t, err)
}

func TestSweepKeepsWhatIsNamedOnly(t *testing.T) {
	w := newWorld(t, vault.Config{})
	p := newParcel(large, w.one.id)
	_, err := w.send(p)
	must(t, err)
	w.stop()
	orphan := id.DigestOf([]byte("orphan")).String()
	must(t, os.WriteFile(filepath.Join(w.dir, "blobs", orphan), sealed(10), 0o600))
	must(t, os.WriteFile(filepath.Join(w.dir, "blobs", "tmp", "123"), sealed(10), 0o600))
	w.start(vault.Config{})
	if files := w.files(); len(files) != 1 || files[0] != p.objects[0].describe().Digest.String() {
		t.Fatalf("after the sweep there are %d files, want the one that a row names", len(files))
	}
}

// TestOneCaseDoesNotGrowWithoutBound: what is looked up stays small enough.
func TestOneCaseDoesNotGrowWithoutBound(t *testing.T) {
	w := newWorld(t, vault.Config{})
	p := newParcel(0, w.one.id)
	_, err := w.send(p)
	must(t, err)
	var g errgroup.Group
	g.SetLimit(50)
	for range 998 {
		more := newParcel(0)
		more.lookup, more.of = p.lookup, ""
		g.Go(func() error {
			_, err := w.send(more)
			return err
		})
	}
	must(t, g.Wait())
	for _, want := range []error{nil, depositsock.ErrFull} {
		more := newParcel(0)
		more.lookup, more.of = p.lookup, ""
		if _, err := w.send(more); !errors.Is(err, want) {
			t.Fatalf("got %v, want %v", err, want)
		}
	}
	if a, err := w.send(p); err != nil || a.Result != depositsock.Same {
		t.Errorf("what is there already: got %s, %v", a.Result, err)
	}
	_, err = w.send(newParcel(0, w.one.id))
	must(t, err)
}

// TestLookingUpLeavesNoTime: neither the time of the last access of a file nor
// that of a change tells when somebody looked up a status.
func TestLookingUpLeavesNoTime(t *testing.T) {
	w := newWorld(t, vault.Config{})
	w.clock.forward(time.Since(w.clock.Now())) // that of the file system
	p := newParcel(0, w.one.id)
	_, err := w.send(p)
	must(t, err)
	_, err = w.deposit.Lookup(t.Context(), p.lookup)
	must(t, err)
	makassar, err := time.LoadLocation(zone)
	must(t, err)
	today := id.DayOf(w.clock.Now(), makassar)
	accessed := func() time.Time {
		var s unix.Stat_t
		must(t, unix.Stat(filepath.Join(w.dir, "vault.db"), &s))
		return time.Unix(s.Atim.Unix())
	}
	if at := accessed(); !at.Equal(today.AddDays(1).Time(makassar)) {
		t.Errorf("the time of the last access is %s, want the day's end", at)
	}
	// What SQLite's readers touch is set right again without any deposit.
	shm := filepath.Join(w.dir, "vault.db-shm")
	must(t, os.Chtimes(shm, w.clock.Now(), w.clock.Now()))
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.vault.Batches(ctx) }()
	for {
		info, err := os.Stat(shm)
		must(t, err)
		if info.ModTime().Equal(today.Time(makassar)) {
			break
		}
		if time.Since(w.clock.Now()) > time.Minute { // the test's clock stands
			t.Fatal("the time of vault.db-shm stays")
		}
		runtime.Gosched()
	}
	stop()
	must(t, <-done)
}

func TestTimesOfFilesTellADayOnly(t *testing.T) {
	w := newWorld(t, vault.Config{})
	p := newParcel(large, w.one.id)
	_, err := w.send(p)
	must(t, err)
	_, err = w.send(newParcel(large)) // refused, for want of a reader
	want(t, err, depositsock.ErrUnknown)
	makassar, err := time.LoadLocation(zone)
	must(t, err)
	midnight := time.Date(2026, 11, 24, 0, 0, 0, 0, makassar)
	for _, name := range []string{"vault.db", "vault.db-wal", "blobs", "blobs/tmp", "blobs/" + p.objects[0].describe().Digest.String()} {
		info, err := os.Stat(filepath.Join(w.dir, name))
		must(t, err)
		if !info.ModTime().Equal(midnight) {
			t.Errorf("%s tells the time %s", name, info.ModTime())
		}
	}
}
