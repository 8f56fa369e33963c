package reporter

import (
	"context"
	"errors"
	"io/fs"

	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/internal/submission"
	"suluh.example/suluh/vault/depositsock"
	"suluh.example/suluh/vault/wire"
)

// explained are the errors that people are told of in words of their own:
// reporter.error.NAME, and what to do in reporter.hint.NAME.
func explained() []struct {
	err  error
	name string
} {
	return []struct {
		err  error
		name string
	}{
		{ErrUncertain, "uncertain"},
		{context.Canceled, "stopped"},
		{ErrStopped, "stopped"},
		{ErrAddress, "address"},
		{ErrOnion, "onion"},
		{ErrSocks, "socks"},
		{ErrProxy, "proxy"},
		{ErrServer, "server"},
		{ErrNetwork, "network"},
		{ErrWitnesses, "witnesses"},
		{submission.ErrRosterSignature, "rootkey"},
		{submission.ErrRosterLog, "log"},
		{submission.ErrRosterOld, "old"},
		{submission.ErrClock, "clock"},
		{submission.ErrRecipient, "recipient"},
		{submission.ErrNoReaders, "noreaders"},
		{submission.ErrTampered, "tampered"},
		{depositsock.ErrSignature, "tampered"}, // the vault has another key than the code's
		{depositsock.ErrNoKey, "undestroyable"},
		{depositsock.ErrNoAnswer, "noanswer"},
		{depositsock.ErrRoster, "changed"},
		{depositsock.ErrNoFiles, "nofiles"},
		{depositsock.ErrTooLarge, "toolarge"},
		{depositsock.ErrUnknown, "unknown"},
		{depositsock.ErrFull, "closed"},
		{depositsock.ErrUpload, "closed"},
		{wire.ErrUnreachable, "closed"},
		{wire.ErrVault, "internal"},
		{ErrJSON, "json"},
		{ErrField, "field"},
		{ErrCategory, "category"},
		{ErrTooLong, "toolong"},
		{ErrNotUTF8, "utf8"},
		{ErrNothing, "nothing"},
	}
}

// Explain says what went wrong, and what to do, in the words of a person. What
// has no words of its own keeps the error's.
func Explain(l *lang.Language, err error) (text, hint string) {
	var file *FileError
	var choice *ChoiceError
	var busy *wire.BusyError
	switch {
	case errors.As(err, &busy):
		return l.T("reporter.error.busy"), l.T("reporter.hint.busy")
	case errors.As(err, &file):
		return explainFile(l, file)
	case errors.As(err, &choice):
		return l.T("reporter.error.choice."+choice.What, "Name", choice.Name), l.T("reporter.hint.choice", "Names", choice.Known)
	}
	if text := submission.CodeProblem(l, err); text != "" {
		return text, l.T("intake.open.hint")
	}
	for _, x := range explained() {
		if errors.Is(err, x.err) {
			return l.T("reporter.error." + x.name), l.T("reporter.hint." + x.name)
		}
	}
	return err.Error(), ""
}

func explainFile(l *lang.Language, e *FileError) (text, hint string) {
	name := "read"
	for _, x := range []struct {
		err  error
		name string
	}{{ErrEmpty, "empty"}, {ErrFolder, "folder"}, {ErrLarge, "large"}, {ErrMany, "many"}, {ErrChanged, "changed"}, {fs.ErrNotExist, "missing"}} {
		if errors.Is(e.Err, x.err) {
			name = x.name
		}
	}
	return l.T("reporter.error.file."+name, "Name", e.Path, "Size", l.Bytes(e.Most), "N", MostFiles), l.T("reporter.hint.file." + name)
}
