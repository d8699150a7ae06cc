package web

import (
	"strconv"
	"strings"
)

// choose returns the variant that the client prefers, according to RFC 9110, section 12.5.3, and the first of several that it
// prefers equally. If the client accepts none, choose returns the file itself, since a page is better than a 406.
func (f *file) choose(accept []string) variant {
	best, quality := f.variants[len(f.variants)-1], 0.0
	weights := weightsOf(accept)
	for _, v := range f.variants {
		if q := weights.of(v.coding); q > quality {
			best, quality = v, q
		}
	}
	return best
}

// weights are the q-values of codings, and of *.
type weights map[string]float64

func weightsOf(accept []string) weights {
	w := weights{}
	for item := range strings.SplitSeq(strings.Join(accept, ","), ",") {
		coding, params, _ := strings.Cut(item, ";")
		coding = strings.ToLower(strings.TrimSpace(coding))
		if coding == "" {
			continue
		}
		if coding == "x-gzip" {
			coding = "gzip"
		}
		w[coding] = qvalue(params)
	}
	return w
}

func (w weights) of(coding string) float64 {
	if q, ok := w[coding]; ok {
		return q
	}
	if q, ok := w["*"]; ok {
		return q
	}
	if coding == "identity" {
		return 1e-6 // acceptable unless refused, but after every coding in the header
	}
	return 0
}

// qvalue reads "q=0.5". A weight that cannot be read counts as a refusal.
func qvalue(params string) float64 {
	for p := range strings.SplitSeq(params, ";") {
		name, value, ok := strings.Cut(p, "=")
		if !ok || !strings.EqualFold(strings.TrimSpace(name), "q") {
			continue
		}
		q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || !(q >= 0 && q <= 1) {
			return 0
		}
		return q
	}
	return 1
}
