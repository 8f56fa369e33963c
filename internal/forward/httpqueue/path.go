package httpqueue

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"suluh.example/suluh/internal/forward/queue"
)

// decode reads an answer's JSON, numbers as they are written.
func decode(a queue.Answer) (any, error) {
	if err := queue.Decode(a, new(json.RawMessage)); err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(a.Body))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil, queue.ErrAnswer
	}
	return v, nil
}

// at returns what stands at a path: names and places in lists with dots between
// them, "*" for all of a list. "" is the value itself.
func at(v any, path string) []any {
	found := []any{v}
	if path == "" {
		return found
	}
	for step := range strings.SplitSeq(path, ".") {
		var next []any
		for _, v := range found {
			switch v := v.(type) {
			case map[string]any:
				if x, ok := v[step]; ok {
					next = append(next, x)
				}
			case []any:
				if step == "*" {
					next = append(next, v...)
				} else if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(v) {
					next = append(next, v[i])
				}
			}
		}
		found = next
	}
	return found
}

// texts returns the texts in what was found, a list's each for itself. Null,
// empty texts and objects are none.
func texts(found []any) []string {
	var s []string
	for _, v := range found {
		switch v := v.(type) {
		case string:
			if strings.TrimSpace(v) != "" {
				s = append(s, v)
			}
		case json.Number:
			s = append(s, v.String())
		case bool:
			s = append(s, strconv.FormatBool(v))
		case float64:
			s = append(s, strconv.FormatFloat(v, 'f', -1, 64))
		case []any:
			s = append(s, texts(v)...)
		}
	}
	return s
}

// firstNumber returns the first of what was found that can be a queue's number.
func firstNumber(found []any) string {
	for _, v := range found {
		switch v := v.(type) {
		case string:
			if n := queue.Tracking(v); n != "" {
				return n
			}
		case json.Number:
			if n := queue.Tracking(v.String()); n != "" {
				return n
			}
		}
	}
	return ""
}

// mentions tells whether a text stands in any string of a value.
func mentions(v any, lower string) bool {
	switch v := v.(type) {
	case string:
		return strings.Contains(strings.ToLower(v), lower)
	case []any:
		for _, x := range v {
			if mentions(x, lower) {
				return true
			}
		}
	case map[string]any:
		for _, x := range v {
			if mentions(x, lower) {
				return true
			}
		}
	}
	return false
}
