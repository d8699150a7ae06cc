// Package oracletest compares this project with libraries that run under node. Only tests import it.
package oracletest

import (
	"bufio"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Object is a request to a script.
type Object = map[string]any

// Answer is what a script makes of a request: a value, or the text of an error.
type Answer struct {
	Out   json.RawMessage
	Error string
}

// Ask runs a script of the test's folder under node. The script reads a request as JSON from each line, and writes an answer for each.
func Ask(t *testing.T, script string, requests []Object) []Answer {
	t.Helper()
	var in strings.Builder
	for _, r := range requests {
		b, err := json.Marshal(r)
		require.NoError(t, err)
		in.Write(append(b, '\n'))
	}
	cmd := exec.CommandContext(t.Context(), "node", script)
	cmd.Stdin = strings.NewReader(in.String())
	var failure strings.Builder
	cmd.Stderr = &failure
	out, err := cmd.Output()
	require.NoError(t, err, "run `make testcases`: %s", failure.String())
	var all []Answer
	lines := bufio.NewScanner(strings.NewReader(string(out)))
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var a Answer
		require.NoError(t, json.Unmarshal(lines.Bytes(), &a))
		all = append(all, a)
	}
	require.Len(t, all, len(requests))
	return all
}

// Dice draws the cases of a test.
type Dice struct{ *rand.Rand }

// NewDice returns dice with the seed of the environment variable IMKEY_SEED, or with a random one, which the test's log has.
func NewDice(t *testing.T) Dice {
	seed, err := strconv.ParseUint(os.Getenv("IMKEY_SEED"), 10, 64)
	if err != nil {
		seed = rand.Uint64()
	}
	t.Logf("IMKEY_SEED=%d", seed)
	return Dice{rand.New(rand.NewPCG(seed, 0))}
}

// Bytes returns n random bytes.
func (d Dice) Bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(d.Uint32())
	}
	return b
}

// Count returns how many cases to draw: a sample, or all of them if IMKEY_FULL is set.
func Count(sample, full int) int {
	if os.Getenv("IMKEY_FULL") != "" {
		return full
	}
	return sample
}
