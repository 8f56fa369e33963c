package auditor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/bits"
	"net/http"
	"net/url"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/anomaly"
	"suluh.example/suluh/internal/check"
	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/web/page"
)

// reportPage is a report of a period, to print or to keep: the verdict, the
// figures, what is unusual, and an appendix with which anybody who has the log's
// key can check what it says without asking this server.
type reportPage struct {
	page.Page
	From, To   string
	Asked      bool
	Link       string // to keep it as a file
	About      string // whose report it is
	Summary    string
	Verdict    string
	Verified   string
	Lost       []string
	Tables     []counted
	Rules      []ruleReport
	None       bool // nothing is unusual
	Rosters    []step
	Key        string
	Checkpoint string
	Trees      []treeAt // before and after the period's records; none if it has none
	Proofs     []proof
	Left       string // how many records have no proof here
	KeptAs     string
}

type ruleReport struct {
	ruleFound
	Found []found
}

// proof is that of one record.
type proof struct {
	Number, Record string
	Hash           string   // of the record, RFC 6962
	Path           []string // to the tree of the checkpoint
}

// treeAt is the tree as it was once: its size and root, as a checkpoint has them.
type treeAt struct{ What, Tree string }

// mostProofs is how many records of what is unusual are proven in the appendix.
const mostProofs = 60

func (s *Server) report(w http.ResponseWriter, r *request) error {
	log, err := s.verified(w, r)
	if log == nil {
		return err
	}
	l, in := r.l, r.URL.Query()
	from, to, problems := s.period(r, log)
	p := reportPage{
		Page: s.page(r, l.T("auditor.report.title")), From: in.Get("dari"), To: in.Get("sampai"),
		Asked: r.URL.RawQuery != "" && len(problems) == 0,
	}
	p.Class, p.Cache, p.Problems = "wide", page.NoCache, problems
	if !p.Asked {
		return s.pages.Write(w, l, "report", p)
	}
	x := s.watch.last()
	t := s.tallies.of(log, from, to)
	p.Title = l.T("auditor.report.of", "From", from, "To", to)
	p.About = l.T("auditor.report.about", "Log", s.key.Name())
	p.Link = l.Path("/laporan") + "?" + url.Values{"dari": {from.String()}, "sampai": {to.String()}, "unduh": {"1"}}.Encode()
	p.KeptAs = "laporan-" + from.String() + "-" + to.String() + ".html"
	p.Verdict, p.Lost = s.lost(l, x, true)
	p.Verified = l.T("auditor.verdict.until", "Time", l.Time(x.at, x.zone))
	p.Summary = l.T("auditor.report.summary", "N", t.all.records, "Cases", t.all.cases, "Deposits", t.deposits)
	p.Tables = s.tables(l, log, t)
	some := within(x.unusual, from, to)
	named := make([]uint64, log.Records/64+1) // a bit for each record
	for _, rule := range anomaly.All() {
		one := ruleReport{ruleFound: ruleFound{
			Title: l.T("anomaly." + string(rule) + ".title"), Means: l.T("anomaly." + string(rule) + ".means"), Do: l.T("anomaly." + string(rule) + ".do"),
		}}
		for _, f := range some {
			if f.Rule == rule {
				one.Found = append(one.Found, s.found(l, log, f))
				for seq := range f.Records.All() {
					named[seq/64] |= 1 << (seq % 64)
				}
			}
		}
		if len(one.Found) > 0 {
			p.Rules = append(p.Rules, one)
		}
	}
	p.None = len(p.Rules) == 0
	for _, x := range log.Rosters {
		if d := id.DayOf(x.Time, log.TimeZone()); !d.Before(from) && !to.Before(d) {
			e := log.Entries.At(x.Seq)
			p.Rosters = append(p.Rosters, step{Number: l.Number(x.Seq), Record: s.recordPath(l, x.Seq), When: s.when(l, log, e), Text: s.sentence(l, log, e)})
		}
	}
	p.Key, p.Checkpoint = s.config.Key, string(log.Checkpoint)
	proven, n := firstOf(named, mostProofs)
	if n > mostProofs {
		p.Left = l.T("auditor.report.left", "N", n-mostProofs)
	}
	hashes := tlog.TileHashReader(log.Tree, &tiles{ctx: r.Context(), files: s.config.Files, kept: map[tlog.Tile][]byte{}})
	if p.Trees, err = trees(l, log, hashes, from, to); err != nil {
		return err
	}
	if p.Proofs, err = s.prove(l, log, hashes, proven); err != nil {
		return err
	}
	if in.Get("unduh") != "" {
		// A file of its own: what leads elsewhere on this server would lead nowhere.
		p.Page = page.Page{Title: p.Title, Class: p.Class, Cache: page.NoStore}
		p.Asked, p.Link = true, ""
		p.detach()
		w.Header().Set("Content-Disposition", `attachment; filename="`+p.KeptAs+`"`)
	}
	return s.pages.Write(w, l, "report", p)
}

// firstOf returns the places of the first bits, at most so many, and how many
// there are in all.
func firstOf(set []uint64, most int) (first []int64, n int) {
	for i, word := range set {
		for w := word; w != 0 && len(first) < most; w &= w - 1 {
			first = append(first, int64(i*64+bits.TrailingZeros64(w)))
		}
		n += bits.OnesCount64(word)
	}
	return first, n
}

// detach takes out what leads to pages of this server.
func (p *reportPage) detach() {
	for _, t := range p.Tables {
		for i := range t.Rows {
			t.Rows[i].Link = ""
		}
	}
	for _, r := range p.Rules {
		for _, f := range r.Found {
			for i := range f.Records {
				f.Records[i].Href = ""
			}
		}
		for i := range r.Found {
			r.Found[i].Case = ""
		}
	}
	for i := range p.Rosters {
		p.Rosters[i].Record = ""
	}
	for i := range p.Proofs {
		p.Proofs[i].Record = ""
	}
}

// trees returns the trees before the first and after the last record of a period,
// which who kept a checkpoint then can compare.
func trees(l *lang.Language, log *check.Result, hashes tlog.HashReader, from, to id.Day) (all []treeAt, err error) {
	f := check.Filter{From: from, To: to, Zone: log.TimeZone()}
	first := int64(-1)
	for e := range log.Entries.Select(f) {
		first = e.Seq
		break
	}
	if first < 0 {
		return nil, nil
	}
	last, _ := log.Entries.Latest(f, 0, 1)
	for _, at := range []struct {
		key string
		n   int64
	}{{"before", first}, {"after", last[0].Seq + 1}} {
		root, err := tlog.TreeHash(at.n, hashes)
		if err != nil {
			return nil, err
		}
		all = append(all, treeAt{l.T("auditor.report.tree." + at.key), fmt.Sprintf("%d %s", at.n, root)})
	}
	return all, nil
}

// prove makes the proofs that records are in the tree of the checkpoint.
func (s *Server) prove(l *lang.Language, log *check.Result, hashes tlog.HashReader, records []int64) (all []proof, err error) {
	// All hashes at once: proofs share most tiles, and each is checked when it is read.
	want := wanted{}
	for _, seq := range records {
		if _, err := tlog.ProveRecord(log.Tree.N, seq, want); err != nil {
			return nil, err
		}
		want[tlog.StoredHashIndex(0, seq)] = tlog.Hash{}
	}
	if err := want.read(hashes); err != nil {
		return nil, err
	}
	for _, seq := range records {
		path, err := tlog.ProveRecord(log.Tree.N, seq, want)
		if err != nil {
			return nil, err
		}
		p := proof{Number: l.Number(seq), Record: s.recordPath(l, seq), Hash: want[tlog.StoredHashIndex(0, seq)].String()}
		for _, h := range path {
			p.Path = append(p.Path, h.String())
		}
		all = append(all, p)
	}
	return all, nil
}

// wanted are hashes of a tree by their places: as long as they weren't read, it
// gathers the places that somebody asks for.
type wanted map[int64]tlog.Hash

func (w wanted) ReadHashes(at []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(at))
	for i, x := range at {
		out[i] = w[x]
		w[x] = out[i]
	}
	return out, nil
}

// read reads them all.
func (w wanted) read(from tlog.HashReader) error {
	at := slices.Sorted(maps.Keys(w))
	hashes, err := from.ReadHashes(at)
	for i, h := range hashes {
		w[at[i]] = h
	}
	return err
}

// tiles reads hash tiles of the log for package tlog, which checks them.
type tiles struct {
	ctx   context.Context
	files check.Files
	kept  map[tlog.Tile][]byte // of one report: its proofs share most of them
}

func (t *tiles) Height() int { return accesslog.TileHeight }

func (t *tiles) ReadTiles(want []tlog.Tile) ([][]byte, error) {
	out := make([][]byte, len(want))
	for i, x := range want {
		if out[i] = t.kept[x]; out[i] != nil {
			continue
		}
		b, err := t.files(t.ctx, accesslog.TilePath(x))
		if err != nil {
			return nil, err
		}
		if len(b) != x.W*tlog.HashSize {
			return nil, errors.New("a hash tile has another length")
		}
		out[i], t.kept[x] = b, b
	}
	return out, nil
}

func (t *tiles) SaveTiles([]tlog.Tile, [][]byte) {}
