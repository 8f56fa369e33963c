package check

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"suluh.example/suluh/crypto/id"
)

// madeIndex has n entries as a log may have them: of little, and of much that differs.
func madeIndex(n int, random *rand.Rand) (x index, all []compact) {
	for _, name := range []string{"", "KASUS-A", "KASUS-B", "done"} {
		x.strings.number(name)
	}
	for i := range 70_000 {
		x.strings.number(fmt.Sprint("KASUS-", i))
	}
	for _, name := range []string{"", "penelaah-1", "penelaah-2", "penelaah-3"} {
		x.members.number(name)
	}
	for _, name := range []string{"configure", "open", "list", "deposit", "destroy", "grant"} {
		x.actions.number(name)
	}
	at := int64(1_700_000_000)
	for i := range n {
		c := compact{action: uint8(i % 3)}
		part := i / 3000 // parts differ in what they have
		at += random.Int64N(1 << min(3*part, 16))
		c.time = uint32(at)
		switch {
		case part%4 == 1:
			c.action, c.of = 3, uint32(i%70_000) // nothing but deposits
			c.time = uint32(at/86400 - random.Int64N(3))
		case part%4 == 2 && i%7 == 0:
			c.action, c.of, c.time = uint8(3+i%2), 2, uint32(at/86400)
		default:
			c.member, c.of, c.to = uint16(random.IntN(4)), uint32(random.IntN(len(x.strings.names))), uint16(random.IntN(2))
			c.detail = uint32(random.IntN(1 + 3*(part%2)))
		}
		all = append(all, c)
		x.append(c)
	}
	return x, all
}

func TestEntriesAreThoseThatWereAdded(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{0, 1, 5, blockRows - 1, blockRows, blockRows + 1, 4*blockRows + 77, 9 * blockRows} {
		x, all := madeIndex(n, random)
		e := x.entries()
		before := e.First(int64(n / 2))
		if e.Len() != int64(n) {
			t.Fatalf("of %d entries there are %d", n, e.Len())
		}
		for seq, want := range all {
			if got := e.row(int64(seq)); got != want {
				t.Fatalf("entry %d of %d is %+v, and was %+v", seq, n, got, want)
			}
		}
		for range 2 * blockRows { // what is added later changes nothing
			x.append(compact{time: math.MaxUint32, member: 3, action: 1})
		}
		if some, of := e.Latest(Filter{}, 0, 1); of != int64(n) || n > 0 && some[0] != e.At(int64(n)-1) {
			t.Fatalf("of %d entries %d are chosen by a filter that chooses all", n, of)
		}
		if _, of := before.Latest(Filter{}, 0, 0); of != int64(n/2) {
			t.Fatalf("the first %d entries are %d", n/2, of)
		}
	}
}

// A filter chooses what a plain look at each entry does.
func TestFiltersChooseByEveryEntry(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	x, _ := madeIndex(8*blockRows+100, random)
	e := x.entries()
	zone := time.FixedZone("", 8*3600)
	first := id.DayOf(time.Unix(1_700_000_000, 0), zone)
	last := id.DayOf(e.At(e.Len()-1).Time, zone)
	span := last.Sub(first)
	day := func() id.Day { return first.AddDays(random.IntN(span+4) - 2) }
	for round := range 400 {
		f := Filter{Zone: zone}
		if random.IntN(2) == 0 {
			f.Member = id.Member(fmt.Sprint("penelaah-", 1+random.IntN(4))) // of the fourth there is nothing
		}
		if random.IntN(2) == 0 {
			f.Action = []string{"open", "list", "deposit", "destroy", "grant"}[random.IntN(5)]
		}
		if random.IntN(3) == 0 {
			f.Case = id.Case(fmt.Sprint("KASUS-", []string{"A", "B", "7"}[random.IntN(3)]))
		}
		if random.IntN(2) == 0 {
			f.From = day()
		}
		if random.IntN(2) == 0 {
			f.To = day()
		}
		part := e.First(random.Int64N(e.Len() + 1))
		var want []Entry
		for seq := range part.Len() {
			x := part.At(seq)
			on := x.Day
			if !x.Time.IsZero() {
				on = id.DayOf(x.Time, zone)
			}
			if (f.Member == "" || x.Member == f.Member) && (f.Action == "" || x.Action == f.Action) && (f.Case == "" || x.Case == f.Case) &&
				(f.From.IsZero() || !on.Before(f.From)) && (f.To.IsZero() || !f.To.Before(on)) {
				want = append(want, x)
			}
		}
		if got := slices.Collect(part.Select(f)); !slices.Equal(got, want) {
			t.Fatalf("round %d: %+v chooses %d entries of %d, not %d", round, f, len(got), part.Len(), len(want))
		}
		skip, n := random.Int64N(40), random.Int64N(40)
		got, of := part.Latest(f, skip, n)
		latest := slices.Clone(want)
		slices.Reverse(latest)
		latest = latest[min(skip, int64(len(latest))):]
		if latest = latest[:min(n, int64(len(latest)))]; of != int64(len(want)) || !slices.Equal(got, latest) {
			t.Fatalf("round %d: the latest that %+v chooses after %d are %d of %d, not %d of %d", round, f, skip, len(got), of, len(latest), len(want))
		}
		i := 0
		for n := range part.Numbers(f) {
			for _, at := range n.Rows {
				x := want[i]
				i++
				if part.Actions()[n.Action[at]] != x.Action || part.Members()[n.Member[at]] != string(x.Member) || part.strings[n.Case[at]] != string(x.Case) ||
					!x.Time.IsZero() && int64(n.Time[at]) != x.Time.Unix() {
					t.Fatalf("round %d: an entry is other numbers than %+v", round, x)
				}
			}
		}
		if i != len(want) {
			t.Fatalf("round %d: %d entries by numbers, not %d", round, i, len(want))
		}
	}
}
