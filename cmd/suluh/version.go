package main

import (
	"fmt"
	"runtime/debug"
	"strings"

	gomod "golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// version says which version the program is. One that wasn't built from a release,
// unchanged, is none: it says devel, and what it was built from as far as that is
// known.
func version(b *debug.BuildInfo, ok bool) string {
	if !ok {
		return "suluh devel"
	}
	number := b.Main.Version
	if !semver.IsValid(number) || semver.Build(number) != "" || gomod.IsPseudoVersion(number) {
		number = "devel"
	}
	of := map[string]string{}
	for _, s := range b.Settings {
		of[s.Key] = s.Value
	}
	var from []string
	if r := of["vcs.revision"]; r != "" {
		from = append(from, "revision "+r[:min(len(r), 12)])
	}
	if day, _, ok := strings.Cut(of["vcs.time"], "T"); ok {
		from = append(from, "of "+day)
	}
	if of["vcs.modified"] == "true" {
		from = append(from, "changed since")
	}
	from = append(from, b.GoVersion, of["GOOS"]+"/"+of["GOARCH"])
	return fmt.Sprintf("suluh %s (%s)", number, strings.Join(from, ", "))
}
