// Package browser is the browser's half of intake: the script by which a report
// is sealed on the reporter's device before it leaves it. Its source is
// TypeScript under src; the bundle under dist is committed, so that a build
// needs no node.
//
// Beside it, and apart, is the script by which the auditors' page checks the log
// again: see [Audit].
//
// It hands out bytes and nothing else. The script of the reporters' pages must never load anything from
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

//go:embed dist/audit.js
var audit []byte

// Where intake serves the first two, and suluh audit serve the third.
const (
	AppPath    = "/peramban/app.js"
	WorkerPath = "/peramban/worker.js"
	AuditPath  = "/peramban/audit.js"
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

// Audit is the script of the auditors' page, by which it checks the log again. It
// is no part of what reporters load.
func Audit() Script { return script(audit) }
