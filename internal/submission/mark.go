package submission

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"

	"suluh.example/suluh/crypto/id"
)

// markChunk is how many bytes of a content a mark takes at once, the last ones
// apart.
const markChunk = 256 << 10

// mark tells the bytes of a content from others, to who has the key of the tag
// alone: a form sent again with another file is another. The tag needs no more
// than that, and the object's digest says the rest; so each chunk is
// authenticated with GMAC (AES-256-GCM of no plaintext, NIST SP 800-38D), which
// takes a tenth of a digest's time, here and in browsers. Nonces repeat from
// content to content, which only what is told nobody allows: chunks' tags go into
// a digest, and that into the tag.
type mark struct {
	aead  cipher.AEAD
	n     uint64    // chunks so far
	tags  hash.Hash // over their tags
	chunk []byte    // what has gathered of the next
	last  []byte
	nonce [12]byte
}

// newMark derives the key of marks from that of the form's tag.
func newMark(tagKey []byte) (*mark, error) {
	key, err := hkdf.Key(sha256.New, tagKey, nil, "suluh.example/mark/v1", 32)
	if err != nil {
		return nil, fmt.Errorf("derive key of marks: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("key of marks: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("key of marks: %w", err)
	}
	return &mark{aead: aead, tags: sha256.New()}, nil
}

// add takes the next bytes.
func (m *mark) add(b []byte) {
	for len(b) > 0 {
		if len(m.chunk) == 0 && len(b) >= markChunk {
			m.end(b[:markChunk])
			b = b[markChunk:]
			continue
		}
		k := min(len(b), markChunk-len(m.chunk))
		m.chunk, b = append(m.chunk, b[:k]...), b[k:]
		if len(m.chunk) == markChunk {
			m.end(m.chunk)
			m.chunk = m.chunk[:0]
		}
	}
}

// end takes a chunk.
func (m *mark) end(chunk []byte) {
	binary.BigEndian.PutUint64(m.nonce[4:], m.n)
	m.n++
	m.last = m.aead.Seal(m.last[:0], m.nonce[:], nil, chunk)
	m.tags.Write(m.last)
}

// sum is the mark of all that was added.
func (m *mark) sum() id.Digest {
	if len(m.chunk) > 0 {
		m.end(m.chunk)
		m.chunk = m.chunk[:0]
	}
	return id.SumOf(m.tags)
}
