package vault_test

import (
	"fmt"
	"testing"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/vault"
)

// BenchmarkStatements measures signed, durable access records over the real
// socket: each is signed, sent, checked, committed, proven, and the proof
// checked. Both ends share the machine.
func BenchmarkStatements(b *testing.B) {
	w := newWorld(b, vault.Config{})
	p := newParcel(0, w.one.id)
	if _, err := w.send(p); err != nil {
		b.Fatal(err)
	}
	b.SetParallelism(32)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		m := *w.one // a member at a desk of its own
		for pb.Next() {
			if _, err := w.ask(&m, w.statement(&m, accesslog.List, "")); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

// asSealed gives a parcel the sizes that a text report has once it is sealed:
// the headers for hybrid keys are most of it.
func asSealed(p parcel) parcel {
	for i, n := range []int{7 << 10, 4 << 10, 7 << 10} {
		p.objects[i].data = sealed(n)
	}
	for i := range p.wraps {
		p.wraps[i].Data = sealed(3 << 10)
	}
	return p
}

// BenchmarkDeposits measures durable deposits of text without the cost of
// sealing them.
func BenchmarkDeposits(b *testing.B) {
	for _, clients := range []int{1, 8, 32} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			w := newWorld(b, vault.Config{})
			turns := make(chan struct{}, clients)
			done := make(chan error, clients)
			b.ResetTimer()
			for range clients {
				go func() {
					for range turns {
						if _, err := w.send(asSealed(newParcel(0, w.one.id, w.two.id))); err != nil {
							done <- err
							return
						}
					}
					done <- nil
				}()
			}
			for range b.N {
				turns <- struct{}{}
			}
			close(turns)
			for range clients {
				if err := <-done; err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "deposits/s")
		})
	}
}
