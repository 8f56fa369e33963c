//go:build unix

package submission_test

import (
	"fmt"
	"testing"

	"filippo.io/age"
	"golang.org/x/sys/unix"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/testvault"
)

// BenchmarkDeposit sends a report to three readers and a recovery sheet, as docs/performance.md
// says; cpu-ns is processor time of the sending side and of the vault together.
func BenchmarkDeposit(b *testing.B) {
	for _, c := range []struct {
		name    string
		need, n int
	}{{"whole", 0, 0}, {"2of3", 2, 3}, {"3of5", 3, 5}} {
		b.Run(c.name, func(b *testing.B) {
			w := testvault.New(b)
			w.Join("penelaah-lima", "Penelaah Lima", "itprov", roster.Reader)
			sheet, err := age.GenerateHybridIdentity()
			if err != nil {
				b.Fatal(err)
			}
			w.Change(func(r *roster.Roster) { r.Units[0].Recovery = sheet.Recipient().String() })
			var names []id.Member
			for i := range c.n {
				names = append(names, id.Member(fmt.Sprintf("saksi-%d", i)))
			}
			if c.need > 0 {
				w.Split("itprov", "itjen", c.need, names...)
			}
			before := processorTime(b)
			for b.Loop() {
				w.Send(testvault.Form("itprov"))
			}
			b.ReportMetric(float64(processorTime(b)-before)/float64(b.N), "cpu-ns/op")
		})
	}
}

func processorTime(b *testing.B) int64 {
	var r unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return r.Utime.Nano() + r.Stime.Nano()
}
