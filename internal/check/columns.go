package check

import (
	"encoding/binary"
	"iter"
	"math"
	"slices"
	"time"

	"suluh.example/suluh/crypto/accesslog"
)

// blockRows is how many entries a block has. Each list of them is one column after
// another, so that a search reads only what it asks for, and passes by blocks in
// which there is none of it.
const blockRows = 1 << 12

// block has so many entries, or fewer where the log ends.
type block struct {
	n    int
	days int // of these have a day only
	// Of those with a day only, time is that of one beside them; of others, so is day.
	time, day, of, member, action column
	more                          []more // of those that have more, in their order
}

// more is what few entries have.
type more struct {
	row, to uint16
	detail  uint32
}

// column has a value of each entry of a block: how much it is above the least, in as
// few bytes as the greatest needs.
type column struct {
	least, most uint32
	width       int
	bytes       []byte
}

func newColumn(values []uint32) column {
	c := column{least: slices.Min(values), most: slices.Max(values)}
	for above := c.most - c.least; above > 0; above >>= 8 {
		c.width++
	}
	c.bytes = make([]byte, 0, c.width*len(values))
	for _, v := range values {
		var b [4]byte
		binary.LittleEndian.PutUint32(b[:], v-c.least)
		c.bytes = append(c.bytes, b[:c.width]...)
	}
	return c
}

func (c *column) at(i int) uint32 {
	switch b := c.bytes; c.width {
	case 0:
		return c.least
	case 1:
		return c.least + uint32(b[i])
	case 2:
		return c.least + uint32(binary.LittleEndian.Uint16(b[2*i:]))
	case 3:
		return c.least + uint24(b[3*i:])
	default:
		return c.least + binary.LittleEndian.Uint32(b[4*i:])
	}
}

func uint24(b []byte) uint32 { return uint32(binary.LittleEndian.Uint16(b)) | uint32(b[2])<<16 }

// values reads the first values of a column.
func (c *column) values(into []uint32) {
	b := c.bytes
	switch c.width {
	case 0:
		for i := range into {
			into[i] = c.least
		}
	case 1:
		for i, v := range b[:len(into)] {
			into[i] = c.least + uint32(v)
		}
	case 2:
		for i := range into {
			into[i] = c.least + uint32(binary.LittleEndian.Uint16(b))
			b = b[2:]
		}
	case 3:
		for i := range into {
			if len(b) < 4 { // the last one
				into[i] = c.least + uint24(b)
				break
			}
			into[i] = c.least + binary.LittleEndian.Uint32(b)&0xff_ff_ff
			b = b[3:]
		}
	default:
		for i := range into {
			into[i] = c.least + binary.LittleEndian.Uint32(b[4*i:])
		}
	}
}

func dayOnly(action string) bool { return accesslog.Kind(action).DayOnly() }

// packed makes a block.
func packed(rows []compact, actions []string) *block {
	b := &block{n: len(rows)}
	var at, day uint32 // of the first that has one
	for i := len(rows) - 1; i >= 0; i-- {
		if r := &rows[i]; dayOnly(actions[r.action]) {
			day = r.time
		} else {
			at = r.time
		}
	}
	var times, values [blockRows]uint32
	for i := range rows {
		if r := &rows[i]; dayOnly(actions[r.action]) {
			day = r.time
			b.days++
		} else {
			at = r.time
		}
		times[i], values[i] = at, day
	}
	b.time, b.day = newColumn(times[:len(rows)]), newColumn(values[:len(rows)])
	for _, x := range []struct {
		to *column
		of func(*compact) uint32
	}{
		{&b.of, func(c *compact) uint32 { return c.of }},
		{&b.member, func(c *compact) uint32 { return uint32(c.member) }},
		{&b.action, func(c *compact) uint32 { return uint32(c.action) }},
	} {
		for i := range rows {
			values[i] = x.of(&rows[i])
		}
		*x.to = newColumn(values[:len(rows)])
	}
	for i := range rows {
		if r := &rows[i]; r.to > 0 || r.detail > 0 {
			b.more = append(b.more, more{uint16(i), r.to, r.detail})
		}
	}
	b.more = slices.Clip(b.more)
	return b
}

func (b *block) row(i int, actions []string) compact {
	c := compact{time: b.time.at(i), of: b.of.at(i), member: uint16(b.member.at(i)), action: uint8(b.action.at(i))}
	if at, ok := slices.BinarySearchFunc(b.more, uint16(i), func(m more, i uint16) int { return int(m.row) - int(i) }); ok {
		c.to, c.detail = b.more[at].to, b.more[at].detail
	}
	if dayOnly(actions[c.action]) {
		c.time = b.day.at(i)
	}
	return c
}

// parts is how many blocks the entries are in.
func (e Entries) parts() int64 { return (e.n + blockRows - 1) / blockRows }

// part returns a block, and how many of its entries are among these.
func (e Entries) part(i int64) (*block, int) {
	n := int(min(e.n-i*blockRows, blockRows))
	if i < int64(len(e.blocks)) {
		return e.blocks[i], n
	}
	return packed(e.tail[:n], e.actions), n
}

// chooser finds the entries that a filter chooses. It is not safe for concurrent
// use.
type chooser struct {
	e       Entries
	none    bool // it chooses nothing
	equal   []equal
	limited bool // by time
	// The first and the last, by seconds and by days where only these are known.
	time, day [2]int64
	dayOnly   [256]bool // by action

	chosen [blockRows]uint16
	values [2][blockRows]uint32
}

// equal is a condition that all chosen entries meet.
type equal struct {
	in    func(*block) *column
	value uint32
}

func (e Entries) chooser(f Filter) *chooser {
	c := &chooser{e: e, limited: !f.From.IsZero() || !f.To.IsZero()}
	for _, x := range []struct {
		name string
		all  []string
		in   func(*block) *column
	}{
		{string(f.Case), e.strings, func(b *block) *column { return &b.of }},
		{string(f.Member), e.members, func(b *block) *column { return &b.member }},
		{f.Action, e.actions, func(b *block) *column { return &b.action }},
	} {
		if x.name == "" {
			continue
		}
		n := slices.Index(x.all, x.name)
		c.none = c.none || n < 0
		c.equal = append(c.equal, equal{x.in, uint32(n)})
	}
	for i, a := range e.actions {
		c.dayOnly[i] = dayOnly(a)
	}
	if f.Zone == nil {
		f.Zone = time.UTC
	}
	c.time, c.day = [2]int64{0, math.MaxUint32}, [2]int64{0, math.MaxUint32}
	if !f.From.IsZero() {
		c.time[0], c.day[0] = f.From.Time(f.Zone).Unix(), int64(f.From.Sub(epoch))
	}
	if !f.To.IsZero() {
		c.time[1], c.day[1] = f.To.AddDays(1).Time(f.Zone).Unix()-1, int64(f.To.Sub(epoch))
	}
	return c
}

// everyRow are the places in a block.
var everyRow = func() (all [blockRows]uint16) {
	for i := range all {
		all[i] = uint16(i)
	}
	return all
}()

// rows returns a block and which of its entries are chosen, until it is called
// again.
func (c *chooser) rows(i int64) (*block, []uint16) {
	if c.none {
		return nil, nil
	}
	b, n := c.e.part(i)
	rows := everyRow[:n]
	for _, x := range c.equal {
		col := x.in(b)
		switch {
		case x.value < col.least || x.value > col.most:
			return b, nil
		case col.least < col.most:
			values := c.values[0][:n]
			col.values(values)
			n := 0
			for _, at := range rows {
				if c.chosen[n] = at; values[at] == x.value {
					n++
				}
			}
			rows = c.chosen[:n]
		}
	}
	if !c.limited {
		return b, rows
	}
	inTime, someTime := within(&b.time, c.time)
	inDays, someDays := within(&b.day, c.day)
	switch {
	case (inTime || b.days == b.n) && (inDays || b.days == 0):
		return b, rows
	case (!someTime || b.days == b.n) && (!someDays || b.days == 0):
		return b, nil
	}
	times, actions := c.values[0][:n], c.values[1][:n]
	b.time.values(times)
	b.action.values(actions)
	n = 0
	for _, at := range rows {
		value, limit := int64(times[at]), c.time
		if c.dayOnly[actions[at]] {
			value, limit = int64(b.day.at(int(at))), c.day
		}
		if c.chosen[n] = at; value >= limit[0] && value <= limit[1] {
			n++
		}
	}
	return b, c.chosen[:n]
}

// within tells whether all values of a column are from a first to a last one, and
// whether some may be.
func within(c *column, limit [2]int64) (all, some bool) {
	least, most := int64(c.least), int64(c.most)
	return least >= limit[0] && most <= limit[1], most >= limit[0] && least <= limit[1]
}

// Numbers are some entries by numbers, for those who count: places in the lists of
// [Entries.Actions] and [Entries.Members], and a number of the case's own below
// [Entries.Cases].
type Numbers struct {
	Rows                       []uint16 // that are chosen, places in these:
	Time, Action, Member, Case []uint32 // of a deposit or a destroyed answer the time tells nothing
}

// Numbers returns the chosen entries by their numbers, oldest first, some thousand
// at a time; the next ones take their place.
func (e Entries) Numbers(f Filter) iter.Seq[Numbers] {
	return func(yield func(Numbers) bool) {
		c := e.chooser(f)
		var values [4][blockRows]uint32
		for i := range e.parts() {
			b, rows := c.rows(i)
			if len(rows) == 0 {
				continue
			}
			n := int(rows[len(rows)-1]) + 1
			for i, col := range []*column{&b.time, &b.action, &b.member, &b.of} {
				col.values(values[i][:n])
			}
			if !yield(Numbers{rows, values[0][:n], values[1][:n], values[2][:n], values[3][:n]}) {
				return
			}
		}
	}
}
