package main

import (
	"fmt"
	"strings"
	"syscall"
	"time"

	"suluh.example/suluh/internal/redact"
	"suluh.example/suluh/internal/redact/corpus"
)

// redaction measures how much of what is personal is found in the labelled
// complaints, and how fast.
func redaction() (string, error) {
	var out strings.Builder
	for _, part := range []string{"dev", "heldout"} {
		all, err := corpus.Read("internal/redact/testdata/corpus/" + part)
		if err != nil {
			return "", err
		}
		scores, misses := corpus.Measure(all)
		missed, wrong := map[redact.Kind]int{}, map[redact.Kind]int{}
		for _, m := range misses {
			if m.False {
				wrong[m.Kind]++
			} else {
				missed[m.Kind]++
			}
		}
		fmt.Fprintf(&out, "**%s**: %d complaints.\n\n| kind | labels | recall | masked wholly | precision | missed | masked wrongly |\n| --- | --- | --- | --- | --- | --- | --- |\n", part, len(all))
		row := func(name string, s corpus.Score, missed, wrong int) {
			fmt.Fprintf(&out, "| %s | %d | %.3f | %.3f | %.3f | %d | %d |\n", name, s.Labels, s.Recall(), s.Masked(), s.Precision(), missed, wrong)
		}
		var numbers, others, total corpus.Score
		for _, k := range redact.Kinds() {
			row(string(k), scores[k], missed[k], wrong[k])
			total = total.Add(scores[k])
			if k != redact.Name && k != redact.Address {
				others = others.Add(scores[k])
				if k != redact.Account {
					numbers = numbers.Add(scores[k])
				}
			}
		}
		row("numbers, phones, mail and links", numbers, numbers.Labels-numbers.Found, numbers.Spans-numbers.Right)
		row("the same with accounts", others, others.Labels-others.Found, others.Spans-others.Right)
		row("all", total, total.Labels-total.Found, total.Spans-total.Right)
		out.WriteString("\n")
	}
	all, err := corpus.Read("internal/redact/testdata/corpus/dev")
	if err != nil {
		return "", err
	}
	var text strings.Builder
	for text.Len() < 1<<20 {
		for _, c := range all {
			text.WriteString(c.Text + "\n\n")
		}
	}
	r := redact.New(redact.Options{})
	var took []time.Duration
	for range 3 {
		began := cpuTime()
		r.Find(text.String())
		took = append(took, cpuTime()-began)
	}
	fmt.Fprintf(&out, "Speed: %.2f MB a second of processor time, of complaints strung together.\n", float64(text.Len())/1e6/median(took).Seconds())
	return out.String(), nil
}

// cpuTime is what this process has taken of the processors so far: unlike the
// clock's, it doesn't count what else runs on the machine.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // it can't fail for oneself
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
