package reporter

import "io/fs"

// Explained returns all errors that have words of their own.
func Explained() (all []error) {
	for _, x := range explained() {
		all = append(all, x.err)
	}
	for _, err := range []error{ErrEmpty, ErrFolder, ErrLarge, ErrMany, ErrChanged, fs.ErrNotExist, fs.ErrPermission} {
		all = append(all, &FileError{Path: "a", Err: err})
	}
	for _, what := range []string{"missing", "unit", "member", "all"} {
		all = append(all, &ChoiceError{What: what})
	}
	return all
}
