package httpqueue

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"text/template"
	"time"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/forward/queue"
	"suluh.example/suluh/internal/report"
)

// fields is what templates can put in.
type fields struct {
	Reference, Class, Category, Title, Text, Language string
	Tracking                                          string
	Day                                               id.Day // YYYY-MM-DD
}

// filler is a template that fills one value.
type filler struct {
	key      string
	template *template.Template
	maps     map[string]map[string]string
}

// parser makes them.
type parser struct {
	maps    map[string]map[string]string
	secrets map[string]string
}

func (p parser) parse(key, text string) (*filler, error) {
	t, err := template.New(key).Option("missingkey=error").Funcs(template.FuncMap{
		"secret": func(name string) (string, error) {
			s, ok := p.secrets[name]
			if !ok {
				return "", fmt.Errorf("secrets.%s: is missing", name)
			}
			return s, nil
		},
		"map": func(string) (string, error) { return "", errors.New("nothing to map") }, // fill puts in the one for a complaint
		"cut": cut,
		"date": func(layout string, d id.Day) string {
			return d.Time(time.UTC).Format(layout)
		},
	}).Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	return &filler{key: key, template: t, maps: p.maps}, nil
}

func cut(most int, s string) string {
	if r := []rune(s); len(r) > most && most > 0 {
		return string(r[:most-1]) + "…"
	}
	return s
}

func (p parser) all(key string, texts map[string]string) (map[string]*filler, error) {
	m := map[string]*filler{}
	for k, text := range texts {
		t, err := p.parse(key+"."+k, text)
		if err != nil {
			return nil, err
		}
		m[k] = t
	}
	return m, nil
}

func (p parser) asker(key, path string, query map[string]string) (a asker, err error) {
	if a.path, err = p.parse(key+".path", path); err != nil {
		return a, err
	}
	a.query, err = p.all(key+".query", query)
	return a, err
}

// value parses the templates of a JSON value.
func (p parser) value(key string, v any) (any, error) {
	switch v := v.(type) {
	case string:
		return p.parse(key, v)
	case map[string]any:
		if n, ok := v["$number"]; ok {
			text, isText := n.(string)
			if len(v) != 1 || !isText {
				return nil, fmt.Errorf("%s: $number needs a template, and nothing beside it", key)
			}
			t, err := p.parse(key, text)
			return number{t}, err
		}
		m := map[string]any{}
		for k, x := range v {
			t, err := p.value(key+"."+k, x)
			if err != nil {
				return nil, err
			}
			m[k] = t
		}
		return m, nil
	case []any:
		return each(len(v), func(i int) (any, error) { return p.value(fmt.Sprintf("%s.%d", key, i), v[i]) })
	case []map[string]any:
		return each(len(v), func(i int) (any, error) { return p.value(fmt.Sprintf("%s.%d", key, i), v[i]) })
	case bool, int64, float64:
		return v, nil
	}
	return nil, fmt.Errorf("%s: can't be written as JSON", key)
}

// filled returns a JSON value with its templates executed.
func filled(v any, with fields) (any, error) {
	switch v := v.(type) {
	case *filler:
		return v.fill(with)
	case number:
		s, err := v.fill(with)
		if err != nil {
			return nil, err
		}
		var n json.Number
		if json.Unmarshal([]byte(s), &n) != nil || n == "" || strings.HasPrefix(strings.TrimSpace(s), `"`) {
			return nil, fmt.Errorf("%s: doesn't come to a number", v.key)
		}
		return n, nil
	case map[string]any:
		m := map[string]any{}
		for k, x := range v {
			f, err := filled(x, with)
			if err != nil {
				return nil, err
			}
			m[k] = f
		}
		return m, nil
	case []any:
		return each(len(v), func(i int) (any, error) { return filled(v[i], with) })
	}
	return v, nil
}

func each(n int, f func(int) (any, error)) ([]any, error) {
	list := make([]any, n)
	for i := range list {
		var err error
		if list[i], err = f(i); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// fill executes a template. What may be wrong with it is said without the fields.
func (t *filler) fill(with fields) (string, error) {
	c, err := t.template.Clone()
	if err != nil {
		return "", fmt.Errorf("%s: %w", t.key, err)
	}
	c.Funcs(template.FuncMap{"map": func(name string) (string, error) {
		m, ok := t.maps[name]
		if !ok {
			return "", fmt.Errorf("maps.%s: is missing", name)
		}
		s, ok := queue.Pick(m, report.Class(with.Class), report.Category(with.Category))
		if !ok {
			return "", fmt.Errorf("maps.%s: has nothing for %s", name, with.Class)
		}
		return s, nil
	}})
	var b strings.Builder
	if err := c.Execute(&b, with); err != nil {
		return "", fmt.Errorf("%s: %w", t.key, err)
	}
	return b.String(), nil
}

// path fills a template of a path: what is put in stays within its part of it.
func (t *filler) path(with fields) (string, error) {
	for _, s := range []*string{&with.Reference, &with.Tracking, &with.Class, &with.Category, &with.Language} {
		*s = url.PathEscape(*s)
	}
	with.Title, with.Text = "\x00", "\x00" // what people wrote doesn't belong into an address, and this can't be in one
	s, err := t.fill(with)
	if err != nil {
		return "", err
	}
	s = "/" + strings.TrimLeft(s, "/")
	if u, err := url.Parse(s); err != nil || u.RawQuery != "" || u.Fragment != "" || u.Host != "" || strings.Contains(s+"/", "/../") {
		return "", fmt.Errorf("%s: not a path", t.key)
	}
	return s, nil
}
