package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
)

// printJSON prints one JSON value, indented, in which nothing can steer a
// terminal, whoever wrote its texts.
func printJSON(v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Println(escaped(text))
	return err
}

// printLine is printJSON on one line.
func printLine(v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = fmt.Println(escaped(text))
	return err
}

// escaped writes control and format characters of a JSON text as JSON lets
// one: encoding/json leaves those beyond ASCII as they are.
func escaped(text []byte) string {
	var b strings.Builder
	for _, c := range string(text) {
		switch hi, lo := utf16.EncodeRune(c); {
		case c == '\n' || !unicode.IsControl(c) && !unicode.Is(unicode.Cf, c):
			b.WriteRune(c)
		case c > 0xffff:
			fmt.Fprintf(&b, `\u%04x\u%04x`, hi, lo)
		default:
			fmt.Fprintf(&b, `\u%04x`, c)
		}
	}
	return b.String()
}
