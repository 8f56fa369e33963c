//go:build !linux

package durable

import (
	"errors"
	"os"
)

func direct(*os.File, bool) error { return errors.ErrUnsupported }

func writeOut(*os.File, int64, int64) {}
