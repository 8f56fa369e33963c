// Tlogclient reads a log with a client that isn't ours (filippo.io/torchwood), from
// an address or from a folder, and checks it by a policy: the newest cosigned
// checkpoint, each entry against it, and an offline proof (C2SP tlog-proof) of each
// that is asked about. It stands in a module of its own since that client needs a
// newer Go than Suluh does.
//
// It must share no code with Suluh: it is what others would write.
package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	n, err := read(context.Background(), os.Args[1], os.Args[2], os.Args[3])
	if err != nil {
		fmt.Fprintln(os.Stderr, "tlogclient:", err)
		os.Exit(1)
	}
	fmt.Println(n)
}

type reader interface {
	torchwood.TileReader
	ReadEndpoint(ctx context.Context, path string) ([]byte, error)
}

// read returns the number of entries that were verified.
func read(ctx context.Context, policyFile, checkpointPath, where string) (int64, error) {
	text, err := os.ReadFile(policyFile)
	if err != nil {
		return 0, err
	}
	policy, err := torchwood.ParsePolicy(text)
	if err != nil {
		return 0, err
	}
	var files reader
	if strings.HasPrefix(where, "http://") {
		files, err = torchwood.NewTileFetcher(where, torchwood.WithHTTPClient(http.DefaultClient))
	} else {
		files, err = torchwood.NewTileFS(os.DirFS(where))
	}
	if err != nil {
		return 0, err
	}
	signed, err := files.ReadEndpoint(ctx, checkpointPath)
	if err != nil {
		return 0, err
	}
	checkpoint, _, err := torchwood.VerifyCheckpoint(signed, policy)
	if err != nil {
		return 0, err
	}
	client, err := torchwood.NewClient(files, torchwood.WithCutEntry(func(tile []byte) ([]byte, tlog.Hash, []byte, error) {
		entry, rest, err := torchwood.ReadTileEntry(tile) // as C2SP tlog-tiles has them
		return entry, tlog.RecordHash(entry), rest, err
	}))
	if err != nil {
		return 0, err
	}
	var n int64
	for i, entry := range client.AllEntries(ctx, checkpoint.Tree, 0) {
		if i != n {
			return n, fmt.Errorf("entry %d comes after %d", i, n-1)
		}
		again, proof, err := client.Entry(ctx, checkpoint.Tree, i)
		if err != nil {
			return n, err
		}
		if string(again) != string(entry) {
			return n, fmt.Errorf("entry %d is read as two", i)
		}
		// What somebody would keep, to verify it without the log.
		kept := torchwood.FormatProof(i, proof, signed)
		if err := torchwood.VerifyProof(policy, tlog.RecordHash(entry), kept); err != nil {
			return n, err
		}
		if torchwood.VerifyProof(policy, tlog.RecordHash(append(bytes.Clone(entry), 'x')), kept) == nil {
			return n, fmt.Errorf("the proof of entry %d holds for another", i)
		}
		n++
	}
	if err := client.Err(); err != nil {
		return n, err
	}
	if n != checkpoint.N {
		return n, fmt.Errorf("%d entries of %d", n, checkpoint.N)
	}
	return n, nil
}
