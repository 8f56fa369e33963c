package world

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"suluh.example/suluh/crypto/casecode"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/keyfile"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/ceremony"
	"suluh.example/suluh/internal/durable"
	"suluh.example/suluh/internal/keywitness"
	"suluh.example/suluh/vault"
)

const (
	origin = "suluh.example/peraga"
	zone   = "Asia/Makassar"

	// workFactor makes throw-away identities open at once: what they protect
	// lies in the clear beside them.
	workFactor = 10
)

// units are three bodies that read reports: the province's own, the one that
// takes reports about it, and one of a kabupaten.
func units() []roster.Unit {
	return []roster.Unit{
		{
			ID: "itprov", Other: "itjen",
			Name:      map[string]string{"id": "Inspektorat Provinsi", "en": "Provincial Inspectorate"},
			Handles:   map[string]string{"id": "pejabat dan pegawai provinsi, bupati dan wali kota", "en": "officials of the province, regents and mayors"},
			Positions: []string{"Kepala Dinas", "Kepala Badan", "Bupati", "Wali Kota", "Sekretaris Daerah Kabupaten", "Inspektur Kabupaten"},
			Contact:   map[string]string{"id": "loket pengaduan Inspektorat Provinsi", "en": "complaints desk of the Provincial Inspectorate"},
		},
		{
			ID: "itjen", Other: "itprov",
			Name:      map[string]string{"id": "Inspektorat Jenderal", "en": "Inspectorate General"},
			Handles:   map[string]string{"id": "Sekretaris Daerah Provinsi, Inspektur, dan orang di dalam Inspektorat", "en": "the provincial Secretary, the Inspector and people in the Inspectorate"},
			Positions: []string{"Sekretaris Daerah Provinsi", "Inspektur Provinsi"},
			Contact:   map[string]string{"id": "loket pengaduan Inspektorat Jenderal", "en": "complaints desk of the Inspectorate General"},
		},
		{
			ID: "itkab", Other: "itprov",
			Name:      map[string]string{"id": "Inspektorat Kabupaten Sungai Jernih", "en": "Inspectorate of Sungai Jernih Regency"},
			Handles:   map[string]string{"id": "pegawai Kabupaten Sungai Jernih dan perangkat desanya", "en": "officials of Sungai Jernih Regency and its villages"},
			Positions: []string{"Kepala Bidang", "Camat", "Kepala Desa"},
			Contact:   map[string]string{"id": "loket pengaduan Inspektorat Kabupaten", "en": "complaints desk of the Regency Inspectorate"},
		},
	}
}

// forwarder is the member as whom the forward part works.
const forwarder = "penerus"

func members() []Member {
	return []Member{
		{ID: "penelaah-satu", Name: "Penelaah Satu", Unit: "itprov", Roles: []roster.Role{roster.Reader, roster.Approver}},
		{ID: "penelaah-dua", Name: "Penelaah Dua", Unit: "itprov", Roles: []roster.Role{roster.Reader}},
		{ID: "pemegang-kunci", Name: "Pemegang Kunci", Unit: "itprov", Roles: []roster.Role{roster.Custodian}},
		{ID: "penelaah-pusat", Name: "Penelaah Pusat", Unit: "itjen", Roles: []roster.Role{roster.Reader, roster.Approver}},
		{ID: "penelaah-kabupaten", Name: "Penelaah Kabupaten", Unit: "itkab", Roles: []roster.Role{roster.Reader, roster.Approver}},
		{ID: "pemeriksa-log", Name: "Pemeriksa Log", Unit: "itjen", Roles: []roster.Role{roster.Auditor}},
		{ID: forwarder, Name: "Penerus", Unit: "itprov", Roles: []roster.Role{roster.Forwarder}},
	}
}

// create makes the keys, the vault and the example cases, by the ceremony that
// real ones are made by. demo.json comes last: a directory without it was not
// finished.
func create(ctx context.Context, c Config) (err error) {
	if held, err := os.ReadDir(c.Dir); err == nil && len(held) > 0 {
		return errors.New("the directory is not empty and holds no finished demo; name another one, or remove it")
	}
	keys, identityDir, vaultDir := filepath.Join(c.Dir, "keys"), filepath.Join(c.Dir, "identities"), filepath.Join(c.Dir, "vault")
	if err := os.MkdirAll(identityDir, 0o700); err != nil {
		return err
	}
	examples, err := readExamples()
	if err != nil {
		return err
	}
	loc, err := time.LoadLocation(zone)
	if err != nil {
		return err
	}
	clock := &clock{}
	if clock.set(time.Now()); !c.Bare {
		clock.set(at(time.Now(), examples.first()))
	}
	today := id.DayOf(clock.now(), loc)
	k := kept{Members: members()}
	if k.Passphrase, err = passphrase(); err != nil {
		return err
	}
	rootKey, err := ceremony.Init(keys, origin, k.Passphrase, workFactor, today)
	if err != nil {
		return fmt.Errorf("make root key: %w", err)
	}
	if k.LogKey, err = vault.Init(ctx, vault.InitConfig{Dir: vaultDir, Origin: origin, RootKey: rootKey, Zone: zone, Now: clock.now}); err != nil {
		return fmt.Errorf("make vault: %w", err)
	}
	folder, err := ceremony.Open(keys)
	if err != nil {
		return err
	}
	folder.Draft.Units = units()
	for _, u := range units() {
		sheet, err := folder.NewSheet(u.ID, false, today)
		if err != nil {
			return fmt.Errorf("make recovery sheet: %w", err)
		}
		if err := durable.WriteFile(filepath.Join(keys, "sheet-"+string(u.ID)+".txt"), []byte(strings.Join(sheet.Lines(), "\n")+"\n"), 0o600); err != nil {
			return err
		}
	}
	identities := map[id.Member]*keyfile.Identity{}
	for i := range k.Members {
		m := &k.Members[i]
		if m.Passphrase, err = passphrase(); err != nil {
			return err
		}
		if identities[m.ID], err = keyfile.New(m.ID); err != nil {
			return err
		}
		request, err := ceremony.WriteMember(identityDir, m.Name, identities[m.ID], m.Passphrase, workFactor)
		if err != nil {
			return err
		}
		if err := folder.Add(request, m.Unit, m.Roles, today); err != nil {
			return err
		}
	}
	var witnessed *keyfile.Identity // the key witness's
	if c.KeyWitnessAddr != "" {
		if k.KeyWitness, witnessed, err = nameKeyWitness(folder, c, today); err != nil {
			return fmt.Errorf("make key witness: %w", err)
		}
	}
	if err := folder.SetLogKey(k.LogKey); err != nil {
		return err
	}
	file, err := folder.Sign(k.Passphrase, today)
	if err != nil {
		return fmt.Errorf("sign roster: %w", err)
	}
	signed, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	v, err := vault.Open(ctx, vault.Config{Dir: vaultDir, Now: clock.now})
	if err != nil {
		return err
	}
	err = v.InstallRoster(ctx, signed)
	if err == nil && !c.Bare {
		s := stage{vault: v, dir: c.Dir, clock: clock, zone: loc, root: folder.Root(), roster: folder.Draft, identities: identities}
		k.Codes, err = s.playWith(ctx, k.KeyWitness, witnessed, rootKey, examples)
	}
	if err = errors.Join(err, v.Close()); err != nil {
		return fmt.Errorf("make example: %w", err)
	}
	text, err := json.MarshalIndent(k, "", "  ")
	if err != nil {
		return err
	}
	return durable.WriteFile(filepath.Join(c.Dir, "demo.json"), append(text, '\n'), 0o600)
}

// playWith plays the examples with the key witness, if there is one: what it gives
// meanwhile is of the clock's time, so it works in this process.
func (s stage) playWith(ctx context.Context, k *KeyWitness, i *keyfile.Identity, rootKey string, e *examples) (codes []string, err error) {
	if k == nil {
		return e.play(ctx, s)
	}
	gives, err := keywitness.NewServer(keywitness.Config{
		Dir: keyWitnessState(s.dir), Root: rootKey, Member: k.ID, Identity: i.Age(), Log: slog.New(slog.DiscardHandler), Now: s.clock.now,
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, gives.Close()) }()
	s.keyWitness, s.witnessAt = gives, k.host()
	return e.play(ctx, s)
}

// nameKeyWitness makes a key witness of a unit of its own, and has the draft name it
// for the unit itjen, whose cases are split from then on.
func nameKeyWitness(folder *ceremony.Folder, c Config, today id.Day) (*KeyWitness, *keyfile.Identity, error) {
	addr, err := free(c.KeyWitnessAddr)
	if err != nil {
		return nil, nil, err
	}
	k := &KeyWitness{
		Member:  Member{ID: "saksi-kunci", Name: "Kantor Saksi Kunci", Unit: "saksi", Roles: []roster.Role{roster.KeyWitness}},
		Of:      "itjen",
		Address: "http://" + addr,
	}
	if k.Passphrase, err = passphrase(); err != nil {
		return nil, nil, err
	}
	i, err := keyfile.New(k.ID)
	if err != nil {
		return nil, nil, err
	}
	dir := keyWitnessDir(c.Dir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, err
	}
	request, err := ceremony.WriteMember(dir, k.Name, i, k.Passphrase, workFactor)
	if err != nil {
		return nil, nil, err
	}
	if err := durable.WriteFile(filepath.Join(dir, "passphrase"), []byte(k.Passphrase+"\n"), 0o600); err != nil {
		return nil, nil, err
	}
	folder.Draft.Units = append(folder.Draft.Units, roster.Unit{ID: k.Unit, Name: map[string]string{"id": k.Name, "en": "Office of the Key Witness"}})
	if err := folder.Add(request, k.Unit, k.Roles, today); err != nil {
		return nil, nil, err
	}
	m, err := folder.Member(k.ID)
	if err != nil {
		return nil, nil, err
	}
	m.Address = k.Address
	u, err := folder.Unit(k.Of)
	if err != nil {
		return nil, nil, err
	}
	u.KeyWitnesses = &roster.KeyWitnesses{Need: 1, Of: []id.Member{k.ID}}
	return k, i, folder.Save()
}

// free returns the address with a port that nobody has in place of 0: the roster
// names it for good.
func free(addr string) (string, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// passphrase returns three words: easy to type, and nothing that anybody knows
// beforehand.
func passphrase() (string, error) {
	code, err := casecode.New()
	if err != nil {
		return "", err
	}
	words := code.Words()
	return strings.Join(words[:3], " "), nil
}
