package main

import "testing"

func TestSizes(t *testing.T) {
	for in, want := range map[string]byteSize{
		"1": 1, "1048576": 1 << 20, "500MiB": 500 << 20, "1GiB": 1 << 30, "2 TiB": 2 << 40,
		"": 0, "0": 0, "-1GiB": 0, "1GB": 0, "9999999999GiB": 0, "GiB": 0,
	} {
		var got byteSize
		if err := got.UnmarshalText([]byte(in)); got != want || (err == nil) != (want > 0) {
			t.Errorf("%q: got %d, %v", in, got, err)
		}
	}
}
