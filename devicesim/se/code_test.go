package se

import (
	"crypto/rand"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/bindcode"
)

const codes = 100_000

// TestCodes draws 100,000 codes. They have the right alphabet and length, no symbol is more likely than another at any position,
// and adjacent symbols do not depend on each other.
func TestCodes(t *testing.T) {
	var all [32]int
	var position [bindcode.Length][32]int
	var pairs [32 * 32]int
	seen := make(map[bindcode.Code]bool, codes)
	for range codes {
		code, err := DrawCode(rand.Reader)
		require.NoError(t, err)
		last := -1
		for i, c := range code {
			symbol := strings.IndexByte(bindcode.Alphabet, c)
			require.GreaterOrEqual(t, symbol, 0, "%q is not in the alphabet", c)
			all[symbol]++
			position[i][symbol]++
			if last >= 0 {
				pairs[32*last+symbol]++
			}
			last = symbol
		}
		seen[code] = true
	}
	// 100,000 out of 2^40 have 0.0045 pairs in common on average.
	require.GreaterOrEqual(t, len(seen), codes-2)

	p := chiSquareP(all[:])
	t.Logf("%d codes, %d symbols: p = %.4f", codes, codes*bindcode.Length, p)
	require.Greater(t, p, 1e-6)
	for i := range position {
		require.Greater(t, chiSquareP(position[i][:]), 1e-7, "position %d", i+1)
	}
	require.Greater(t, chiSquareP(pairs[:]), 1e-7, "neighbours")
}

// TestChiSquareNotices checks that the test above would fail for common mistakes of a generator.
func TestChiSquareNotices(t *testing.T) {
	modulo := make([]int, 32) // a byte below 250, modulo 32
	for i := range codes * bindcode.Length {
		modulo[i%250%32]++
	}
	require.Less(t, chiSquareP(modulo), 1e-6)
	missing := make([]int, 32) // without one of the symbols
	for i := range codes * bindcode.Length {
		missing[i%31]++
	}
	require.Less(t, chiSquareP(missing), 1e-6)
}

// TestDrawCodeBits checks that a code has 40 random bits, five for each symbol.
func TestDrawCodeBits(t *testing.T) {
	for bit := range 40 {
		raw := make([]byte, 5)
		raw[bit/8] = 0x80 >> (bit % 8)
		code, err := DrawCode(strings.NewReader(string(raw)))
		require.NoError(t, err)
		for i, c := range code {
			want := bindcode.Alphabet[0]
			if i == bit/5 {
				want = bindcode.Alphabet[16>>(bit%5)]
			}
			require.Equal(t, want, c, "bit %d, symbol %d", bit, i)
		}
	}
}

// chiSquareP returns the probability that the counts of equally likely symbols differ at least this much.
func chiSquareP(counts []int) float64 {
	total := 0
	for _, n := range counts {
		total += n
	}
	expected, x := float64(total)/float64(len(counts)), 0.0
	for _, n := range counts {
		d := float64(n) - expected
		x += d * d / expected
	}
	return gammaQ(float64(len(counts)-1)/2, x/2)
}

// gammaQ is the regularised upper incomplete gamma function Q(a, x): Abramowitz and Stegun 6.5.29 below a+1, the
// continued fraction 6.5.31 above.
func gammaQ(a, x float64) float64 {
	if x <= 0 {
		return 1
	}
	lg, _ := math.Lgamma(a)
	front := math.Exp(a*math.Log(x) - x - lg)
	if x < a+1 {
		term := 1 / a
		sum := term
		for n := 1; n < 100_000 && term > sum*1e-16; n++ {
			term *= x / (a + float64(n))
			sum += term
		}
		return 1 - front*sum
	}
	const tiny = 1e-300
	b := x + 1 - a
	c, d := 1/tiny, 1/b
	f := d
	for n := 1; n < 100_000; n++ {
		k := -float64(n) * (float64(n) - a)
		b += 2
		d = 1 / nonZero(k*d+b, tiny)
		c = nonZero(b+k/c, tiny)
		f *= c * d
		if math.Abs(c*d-1) < 1e-16 {
			break
		}
	}
	return front * f
}

func nonZero(v, tiny float64) float64 {
	if math.Abs(v) < tiny {
		return tiny
	}
	return v
}

// TestGammaQ compares gammaQ with closed forms and with critical values from tables.
func TestGammaQ(t *testing.T) {
	for _, x := range []float64{0.1, 1, 2, 5, 20, 100} {
		require.InEpsilon(t, math.Exp(-x), gammaQ(1, x), 1e-10)
		require.InEpsilon(t, math.Erfc(math.Sqrt(x)), gammaQ(0.5, x), 1e-9)
	}
	// chi-square, 31 degrees of freedom: 44.985 at 5 %, 61.098 at 0.1 %.
	require.InDelta(t, 0.05, gammaQ(15.5, 44.98534/2), 1e-6)
	require.InDelta(t, 0.001, gammaQ(15.5, 61.09831/2), 1e-6)
}
