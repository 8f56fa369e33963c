package report

import (
	"fmt"
	"slices"
)

// Class is what kind of complaint a report is, as its readers decide. The
// empty class means that nobody has decided yet.
type Class string

// The classes. Their names for people stand in the catalogues under "class.".
const (
	Oversight   Class = "oversight"   // Pengaduan Berkadar Pengawasan: stays in the vault
	General     Class = "general"     // Pengaduan Tidak Berkadar Pengawasan
	Aspiration  Class = "aspiration"  // Aspirasi
	Information Class = "information" // Permintaan Informasi
)

// Classes returns all classes in the order in which pages show them.
func Classes() []Class { return []Class{Oversight, General, Aspiration, Information} }

// ParseClass accepts the name of a class.
func ParseClass(s string) (Class, error) {
	if !slices.Contains(Classes(), Class(s)) {
		return "", fmt.Errorf("unknown class")
	}
	return Class(s), nil
}

// Forwardable tells whether complaints of this class may go to the main queue.
func (c Class) Forwardable() bool { return c == General || c == Aspiration || c == Information }
