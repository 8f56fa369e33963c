//go:build client

package main

// serverCmds and auditServing are left out of the client.
type (
	serverCmds   struct{}
	auditServing struct{}
)

func serverHint(error) string { return "" }
