//go:build !client

package main

import (
	"cmp"
	"errors"

	"suluh.example/suluh/crypto/keyfile"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/backup"
	"suluh.example/suluh/internal/ceremony"
	"suluh.example/suluh/internal/member"
	"suluh.example/suluh/internal/onion"
	"suluh.example/suluh/vault"
	"suluh.example/suluh/vault/controlsock"
	"suluh.example/suluh/vault/membersock"
)

// serverCmds are the commands of those who run an instance and of its members.
type serverCmds struct {
	Intake     intakeCmd     `cmd:"" help:"Serve the pages for reporters."`
	Desk       deskCmd       `cmd:"" help:"Serve the pages for investigators."`
	Vault      vaultCmd      `cmd:"" help:"Keep reports and the access log."`
	Roster     rosterCmd     `cmd:"" help:"Keep the signed list of who is who."`
	Member     memberCmd     `cmd:"" help:"Make a member's keys."`
	Case       caseCmd       `cmd:"" help:"Work on cases as a member."`
	Witness    witnessCmd    `cmd:"" help:"See to it that everybody is shown the same access log."`
	KeyWitness keyWitnessCmd `cmd:"" name:"keywitness" help:"Give shares of cases' keys for records in the access log alone."`
	Forward    forwardCmd    `cmd:"" help:"Hand what was approved to the main queue."`
	Onion      onionCmd      `cmd:"" help:"Say how an onion service is."`
	Doctor     doctorCmd     `cmd:"" help:"Say what is wrong with a store and what to do."`
	Redact     redactCmd     `cmd:"" help:"Mask what is personal in a text."`
	Demo       demoCmd       `cmd:"" help:"Run all of it on loopback with throw-away keys and made-up cases."`

	Dialer dialerCmd `cmd:"" hidden:"" help:"Connect for a part that can't."`

	DoctorTry doctorTryCmd `cmd:"" hidden:"" help:"Try to break out of a part's sandbox."`
	Door      doorCmd      `cmd:"" hidden:"" help:"Connect to the members' onion service for another part."`
	Outward   outwardCmd   `cmd:"" hidden:"" help:"Connect to those outside whom the roster names for another part."`

	Backup  backupCmd  `cmd:"" help:"Keep copies of a vault."`
	Restore restoreCmd `cmd:"" help:"Bring a vault back from a backup."`
	Metrics metricsCmd `cmd:"" help:"Print what may be watched of a running vault."`
}

func serverHint(err error) string {
	if hint := cmp.Or(doorHint(err), forwardHint(err), keyWitnessHint(err)); hint != "" {
		return hint
	}
	var restored *member.Restored
	var keeper *onion.KeeperError
	switch {
	case errors.As(err, &keeper):
		return keeper.Next
	case errors.Is(err, vault.ErrDisk):
		return "read what the kernel says of the disk (journalctl -k), have its file system checked (fsck), and start again; suluh doctor tells whether the store is whole"
	case errors.Is(err, onion.ErrNoTor):
		return "install it: apt-get install tor; or name the program: --tor PATH"
	case errors.Is(err, onion.ErrSetting):
		return "what tor says is above; if that is of another tor that uses the directory, stop that one, or name another --onion-dir"
	case errors.Is(err, onion.ErrControl):
		return "run as a user who may connect there and read tor's cookie, on Debian one in the group debian-tor: --tor-control /run/tor/control"
	case errors.Is(err, onion.ErrBusy):
		return "wait until it has ended, or name another folder: --tor-dir, --onion-dir"
	case errors.Is(err, onion.ErrSpace):
		return "name another directory: --onion-dir"
	case errors.Is(err, onion.ErrLong):
		return "name a directory with a path of at most 90 characters: --onion-dir"
	case errors.Is(err, member.ErrClass):
		return "suluh case triage says what the case is, and sets it: general, aspiration and information may be forwarded"
	case errors.Is(err, member.ErrKeep):
		return "ask the reporter (suluh case reply); who reports may say otherwise in another report only"
	case errors.Is(err, member.ErrSelf), errors.Is(err, membersock.ErrSelf):
		return "let another approver of the unit approve it; where the roster lets the unit's one person do so: --alone"
	case errors.Is(err, member.ErrApprover):
		return "suluh case show names the unit that handles the case"
	case errors.Is(err, member.ErrForwarder):
		return "the Inspektur adds one: suluh roster add REQUEST --role forwarder"
	case errors.Is(err, member.ErrDraft), errors.Is(err, membersock.ErrState):
		return "read how far it is: suluh case outbox, suluh case show"
	case errors.Is(err, member.ErrLeft):
		return "send it back and prepare it anew: suluh case decide CASE returned"
	case errors.Is(err, member.ErrPending):
		return "suluh case decide CASE dropped"
	case errors.Is(err, member.ErrHead):
		return "suluh case list --same-as CASE names them"
	case errors.Is(err, member.ErrNobody):
		return "the unit's readers are excluded, have a conflict of interest, or there are none: suluh roster show"
	case errors.Is(err, keyfile.ErrPassphrase):
		return "type it again; capitals and spaces matter"
	case errors.Is(err, ceremony.ErrIsKeyWitness):
		return "name others for the unit first, or none: suluh roster unit UNIT --key-witness none; cases of before still need the shares of this one"
	case errors.Is(err, ceremony.ErrNoFolder):
		return "name the folder that suluh roster init made: --dir"
	case errors.Is(err, ceremony.ErrUnit), errors.Is(err, ceremony.ErrMember):
		return "suluh roster show names those in the draft; suluh roster unit adds a unit"
	case errors.Is(err, ceremony.ErrReused):
		return "let the member make keys with another id: suluh member new"
	case errors.Is(err, ceremony.ErrOtherKeys):
		return "only the onion key may change; a member with other keys gets a new id: suluh member new, suluh roster add"
	case errors.Is(err, ceremony.ErrLogKey):
		return "name the key that suluh vault init printed: --log-key log.vkey"
	case errors.Is(err, ceremony.ErrOtherLog):
		return "make the vault with the origin that suluh roster init was given, and take the log.vkey from it"
	case errors.Is(err, ceremony.ErrHasSheet):
		return "use --replace only if that sheet is lost or was seen; keep it for the cases that are sealed to it"
	case errors.Is(err, ceremony.ErrOtherSheet):
		return "compare the fingerprint on the sheet with that in suluh roster show"
	case errors.As(err, &restored):
		return "do not go on before the auditors confirm the restore and its day in writing; then keep this machine's .seen file for them, take it away, and begin anew"
	case errors.Is(err, member.ErrFork), errors.Is(err, member.ErrTampered):
		return "do not go on. Keep this machine's .seen file, tell the auditor, and check the log: suluh audit verify"
	case errors.Is(err, member.ErrStranger):
		return "use the identity file that the roster's request came from, and the vault of that roster"
	case errors.Is(err, member.ErrKeyWitness):
		return "the opening is recorded all the same. Try again in a few minutes, which is recorded again; if it still fails, turn to the key witnesses named above. If it is urgent, a custodian opens the case with the unit's recovery sheet, which auditors ask about"
	case errors.Is(err, member.ErrCase):
		return "a custodian opens cases with the unit's recovery sheet: --recovery-sheet FILE, or ask"
	case errors.Is(err, membersock.ErrNoWrap):
		return "suluh case list shows the cases that you have the key of; a reader of the case can give it: suluh case grant"
	case errors.Is(err, membersock.ErrStale):
		return "set this machine's clock"
	case errors.Is(err, member.ErrReason):
		return "write the reason: --text-file FILE"
	case errors.Is(err, vault.ErrRunning):
		return "stop the other one first, or use it: suluh vault batch and suluh vault roster talk to a running vault"
	case errors.Is(err, controlsock.ErrRestored), errors.Is(err, membersock.ErrRestored):
		return "its operator has to name the last checkpoint that anybody holds: suluh restore --dir DIR --lost-after CHECKPOINT --reason …"
	case errors.Is(err, controlsock.ErrCheckpoint):
		return "name the file with a checkpoint of this log: of an auditor's export, or a desk's .seen"
	case errors.Is(err, backup.ErrNone):
		return "suluh backup list shows what a folder has"
	case errors.Is(err, backup.ErrDamaged):
		return "try an earlier backup (suluh backup list), or another copy of the folder; suluh backup check says which are whole"
	case errors.Is(err, controlsock.ErrDoor):
		return "it is tried again every minute, and the vault's log says why it failed; until it says so no more, a removed member can still reach the vault, which gives him nothing"
	case errors.Is(err, controlsock.ErrRoster):
		return "sign the roster with the root key that the vault was made for, one version after the one in force"
	case errors.Is(err, roster.ErrSuccessor):
		return "check this machine's clock, and that roster.json was changed with suluh roster only"
	}
	return ""
}
