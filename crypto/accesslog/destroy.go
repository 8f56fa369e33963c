package accesslog

import (
	"fmt"

	"suluh.example/suluh/crypto/id"
)

// DestroyText is what a reporter signs to have an answer destroyed. It names
// the log, so that what was signed for one vault does nothing at another.
func DestroyText(log string, c id.Case, answer id.Digest) []byte {
	return fmt.Appendf(nil, "suluh.example/destroy/v1\n%s\n%s\n%s\n", log, c, answer)
}
