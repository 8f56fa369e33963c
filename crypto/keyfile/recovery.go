package keyfile

import (
	"crypto/sha256"
	"fmt"
	"regexp"
	"strings"

	"filippo.io/age"

	"suluh.example/suluh/crypto/hidden"
)

const (
	recoveryPrefix = "AGE-SECRET-KEY-PQ-1"
	recoveryData   = 58 // characters of Bech32 after the prefix

	// SheetLines is how many lines of a recovery sheet are typed back.
	SheetLines = 4

	lineData  = 16
	lineCheck = 4

	alphabet = "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L" // of Bech32, BIP 173
)

// Recovery is a unit's recovery key, which exists on paper only. It prints as
// "[hidden]".
type Recovery struct {
	hidden.Mark
	identity *age.HybridIdentity
}

// NewRecovery makes a recovery key from crypto/rand.
func NewRecovery() (*Recovery, error) {
	i, err := age.GenerateHybridIdentity()
	if err != nil {
		return nil, fmt.Errorf("make recovery key: %w", err)
	}
	return &Recovery{identity: i}, nil
}

// Recipient is what the roster lists for the unit, age1pq1….
func (r *Recovery) Recipient() string { return r.identity.Recipient().String() }

// Identity opens what is sealed to the unit's recovery recipient.
func (r *Recovery) Identity() age.Identity { return r.identity }

// Reveal returns the key as the sheet's QR code has it: an age identity, which
// the stock age command takes.
func (r *Recovery) Reveal() string { return r.identity.String() }

// RevealLines returns the key as it is typed back: groups of four, of which
// the last on each line is a check of that line. The digit 1 and the letters
// B, I and O do not occur.
func (r *Recovery) RevealLines() []string {
	data := strings.TrimPrefix(r.Reveal(), recoveryPrefix)
	lines := make([]string, SheetLines)
	for i := range lines {
		part := data[i*lineData : min((i+1)*lineData, len(data))]
		part += check(i+1, part)
		var groups []string
		for len(part) > 0 {
			n := min(4, len(part))
			if len(part) < 8 && len(part) > 4 {
				n = len(part) - 4 // a short group stands before the check
			}
			groups, part = append(groups, part[:n]), part[n:]
		}
		lines[i] = strings.Join(groups, " ")
	}
	return lines
}

func check(line int, part string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "suluh.example/sheet/v1\n%d\n%s\n", line, part))
	b := make([]byte, lineCheck)
	for i := range b {
		b[i] = alphabet[sum[i]&31]
	}
	return string(b)
}

// SheetError says which line of a recovery sheet was not read as it was
// printed; 0 stands for all of it.
type SheetError struct{ Line int }

func (e *SheetError) Error() string {
	if e.Line == 0 {
		return "this is no recovery sheet: neither its QR code's text nor its four lines"
	}
	return fmt.Sprintf("line %d of the recovery sheet is missing or has a mistake", e.Line)
}

// ParseSheetLine reads one line, from 1, that was typed in any case and
// spacing, and returns its part of the key. The error is a [*SheetError].
func ParseSheetLine(line int, typed string) (string, error) {
	s := strings.Map(func(c rune) rune {
		switch c {
		case ' ', '\t', '\r', '-', '.', '\u00a0':
			return -1
		case 'O':
			return '0'
		case 'I', '1':
			return 'L'
		case 'B':
			return '8'
		}
		return c
	}, strings.ToUpper(typed))
	want := min(lineData, recoveryData-(line-1)*lineData)
	if line < 1 || line > SheetLines || len(s) != want+lineCheck || s[want:] != check(line, s[:want]) {
		return "", &SheetError{line}
	}
	return s[:want], nil
}

var (
	identityText = regexp.MustCompile(`(?i)AGE-SECRET-KEY-PQ-1[a-z0-9]{58}`)
	sheetLine    = regexp.MustCompile(`(?m)^[ \t]*([1-4])[.):]?[ \t]+(.*)$`)
)

// ParseSheet reads a recovery sheet from what its QR code says, or from a text
// with its four numbered lines among others. The error is a [*SheetError].
func ParseSheet(text string) (*Recovery, error) {
	if s := identityText.FindString(text); s != "" {
		return parseRecovery(strings.ToUpper(s))
	}
	parts := make([]string, SheetLines)
	found := false
	for _, m := range sheetLine.FindAllStringSubmatch(text, -1) {
		n := int(m[1][0] - '0')
		if part, err := ParseSheetLine(n, m[2]); err == nil {
			parts[n-1], found = part, true
		}
	}
	if !found {
		return nil, &SheetError{}
	}
	for i, p := range parts {
		if p == "" {
			return nil, &SheetError{i + 1}
		}
	}
	return RecoveryFrom(parts)
}

// RecoveryFrom puts together what [ParseSheetLine] has given for each line.
func RecoveryFrom(parts []string) (*Recovery, error) {
	return parseRecovery(recoveryPrefix + strings.Join(parts, ""))
}

func parseRecovery(s string) (*Recovery, error) {
	i, err := age.ParseHybridIdentity(s)
	if err != nil {
		return nil, &SheetError{}
	}
	return &Recovery{identity: i}, nil
}
