package testvault

import (
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/crypto/seal"
)

// Split names key witnesses of a unit, of another one, so that its cases are
// split from now on.
func (w *World) Split(unit, from id.Unit, need int, names ...id.Member) {
	w.T.Helper()
	w.Change(func(r *roster.Roster) {
		for _, name := range names {
			w.join(name, "Saksi Kunci", from, roster.KeyWitness)
			r.Members[len(r.Members)-1].Address = "https://" + string(name) + ".example/"
		}
		for i := range r.Units {
			if r.Units[i].ID == unit {
				r.Units[i].KeyWitnesses = &roster.KeyWitnesses{Need: need, Of: names}
			}
		}
	})
}

// Shares are what key witnesses hold of a case's key, as they would give it.
func (w *World) Shares(k *seal.CaseKey, from ...id.Member) (all []*seal.Share) {
	w.T.Helper()
	_, sealed := k.Shares()
	for _, name := range from {
		for _, x := range sealed {
			if x.Witness == name {
				s, err := seal.OpenShare(x.Sealed, w.Who[name].Age())
				w.must(err)
				all = append(all, s)
			}
		}
	}
	return all
}
