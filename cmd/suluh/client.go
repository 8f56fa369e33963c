//go:build client

package main

// serverCmds and auditServing are left out of the client, but for the one command
// of theirs that auditors need.
type (
	serverCmds struct {
		Roster struct {
			Verify rosterVerifyCmd `cmd:"" help:"Prove from the access log which roster was in force when, and to whom each case was sealed."`
		} `cmd:"" help:"Check the signed list of who is who."`
	}
	auditServing struct{}
)

func serverHint(error) string { return "" }
