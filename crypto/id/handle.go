package id

// HandleOf returns the name under which a key witness knows a case: SHA-256 over
// "suluh.example/handle/v1\n" and the case's name, which is too long to be
// guessed. So who asks a key witness need not tell it the case, and the same case
// has the same handle each time.
func HandleOf(c Case) Digest { return DigestOf([]byte("suluh.example/handle/v1\n" + string(c))) }
