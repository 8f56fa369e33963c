package main

import (
	"os"
	"runtime/debug"
)

// lessGarbage has garbage collected once it is 30 % of what is in use and 19 MiB more.
// 30 % is less than a third of Go's default: records are many, batches of signatures leave
// much, and what is kept is much, too. While little is kept, it would be collected after
// every few hundred records. GOGC overrides it.
func lessGarbage() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(30)
		gatherGarbage(64 << 20)
	}
}

// unused counts as if it were in use, and takes no memory since nothing touches it.
var unused []byte

// gatherGarbage has about so many bytes of garbage gather before a collection, by Go's
// default, however little is in use.
func gatherGarbage(bytes int) {
	if len(unused) < bytes {
		unused = make([]byte, bytes)
	}
}
