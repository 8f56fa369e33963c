package auditor

import (
	"encoding/json"
	"net/http"

	"suluh.example/suluh/internal/check"
	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/internal/witness"
	"suluh.example/suluh/web/browser"
	"suluh.example/suluh/web/page"
)

// again is what the verdict gives to the script that checks it in the browser, as
// attributes of one element: what the server says it has verified, and the words
// to say what came of it. Without the script the element is empty.
type again struct{ Config, Words string }

// asked is the JSON of web/browser/src/audit.
type asked struct {
	Key      string          `json:"key"`
	Size     int64           `json:"size"`
	Root     string          `json:"root"`
	Roster   string          `json:"roster"`
	Quorum   *witness.Quorum `json:"quorum,omitempty"`
	Entries  bool            `json:"entries"`
	Remember bool            `json:"remember"` // in the browser, for auditors alone: others leave no trace there
	Record   string          `json:"record"`   // what a record's number follows; "" for who may see none
}

// againWords are the words of the script: auditor.again.WORD, in which {n} and
// the like stand for what it has found out. What else can be at fault has the
// words of a verification.
var againWords = []string{
	"title", "running", "all", "some", "hashes", "someHashes", "signatures", "witnesses", "unwitnessed", "continues", "first", "same",
	"bad", "record", "file", "do", "restored", "anew", "unread", "shrunk", "fork", "key", "page", "witness",
}

func (s *Server) again(l *lang.Language, r *check.Result, auditor bool) (*again, error) {
	a := asked{Key: s.config.Key, Size: r.Tree.N, Root: r.Tree.Hash.String(), Entries: auditor, Remember: auditor}
	if n := len(r.Rosters); n > 0 {
		a.Roster = r.Rosters[n-1].Digest.String()
	}
	if auditor {
		a.Record = l.Path("/catatan/")
	}
	if r.Roster != nil && r.Roster.Witnesses != "" {
		if p, err := witness.ParsePolicy(r.Roster.Witnesses); err == nil {
			q := p.Quorum()
			a.Quorum = &q
		}
	}
	words := map[string]string{}
	for _, f := range []check.Fault{
		check.FaultCheckpoint, check.FaultTree, check.FaultTile, check.FaultMissing, check.FaultForm, check.FaultOrder, check.FaultSignature, check.FaultRoster,
	} {
		words[string(f)] = l.T("auditor.fault." + string(f))
	}
	for _, w := range againWords {
		words[w] = l.T("auditor.again." + w)
	}
	config, err := json.Marshal(a)
	if err != nil {
		return nil, err
	}
	said, err := json.Marshal(words)
	return &again{string(config), string(said)}, err
}

// script serves the script.
func (s *Server) script(w http.ResponseWriter, _ *request) error {
	s.pages.WriteScript(w, browser.Audit().Bytes)
	return nil
}

// checksAgain adds the script to a page.
func checksAgain(p *page.Page) {
	p.Script = &page.Script{Src: browser.AuditPath, Integrity: browser.Audit().Integrity}
}
