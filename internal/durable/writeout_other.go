//go:build !linux

package durable

import "os"

func writeOut(*os.File, int64, int64) {}
