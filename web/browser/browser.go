// Package browser is the browser's half of intake: the script by which a report
// is sealed on the reporter's device before it leaves it. Its source is
// TypeScript under src; the bundle under dist is committed, so that a build
// needs no node.
//
// It hands out bytes and nothing else. The script must never load anything from
// elsewhere, keep anything in the browser's storage, nor send a plaintext, a
// code or a key.
package browser

import (
	"crypto/sha512"
	_ "embed"
	"encoding/base64"
)

//go:generate node build.mjs

//go:embed dist/app.js
var app []byte

//go:embed dist/worker.js
var worker []byte

// Where intake serves the two.
const (
	AppPath    = "/peramban/app.js"
	WorkerPath = "/peramban/worker.js"
)

// Script is one file of the bundle.
type Script struct {
	Bytes     []byte
	Integrity string // for the attribute of that name: sha384-…
}

// App is the script of the pages.
func App() Script { return script(app) }

// Worker is the script of the workers, in which everything secret happens. The
// headers that it is served with are those that it runs under: its policy needs
// connect-src and worker-src 'self'.
func Worker() Script { return script(worker) }

func script(b []byte) Script {
	sum := sha512.Sum384(b)
	return Script{b, "sha384-" + base64.StdEncoding.EncodeToString(sum[:])}
}
