package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"suluh.example/suluh/internal/check"
	"suluh.example/suluh/internal/released"
)

// compared is what became of comparing a key witness's notes with the log.
type compared struct {
	Shares int      `json:"shares"`
	Wrong  []string `json:"wrong,omitempty"`
}

var errReleased = errors.New("what the key witness has noted does not match the log")

func (c *compared) broken() error {
	if c == nil || len(c.Wrong) == 0 {
		return nil
	}
	return withHint(fmt.Errorf("%w: %s", errReleased, strings.Join(c.Wrong, "; ")),
		"somebody has been shown another log than this one, or the notes were changed: keep both as they are, and tell the Inspektur and the key witness")
}

// released compares what a key witness has noted with the log.
func (c *auditVerifyCmd) released(ctx context.Context, log *check.Log, r *check.Result) (*compared, error) {
	in, err := openInput(c.Released)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	shares, err := released.Read(in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Released, err)
	}
	wrong, err := log.Released(ctx, r, shares)
	var f *check.Finding
	if errors.As(err, &f) {
		wrong, err = append(wrong, "the log does not continue the last checkpoint that it noted: "+f.Error()), nil
	}
	return &compared{len(shares), wrong}, err
}
