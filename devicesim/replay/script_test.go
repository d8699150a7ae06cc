package replay_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/frame"
	"imkey-connect/devicesim/replay"
)

func parse(t testing.TB, text string) replay.Script {
	s, err := replay.Parse([]byte(text))
	require.NoError(t, err)
	return s
}

// TestAFileOfAnotherProject parses upper case, spaces, indentation, CRLF, comments and the prefixes of a log.
func TestAFileOfAnotherProject(t *testing.T) {
	text, err := os.ReadFile("testdata/other-project.apdus")
	require.NoError(t, err)
	require.Contains(t, string(text), "\r\n")
	s := parse(t, string(text))
	require.Equal(t, replay.Script{Exchanges: []replay.Exchange{
		{Line: 2, Command: []byte{0xE0, 0x16, 0, 0, 0}, Answer: []byte("\x00\x00\x00\x05\x01\x07Bitcoin\x03BTC\x90\x00")},
		{Line: 8, Command: []byte{0xE0, 0xC4, 0, 0, 0}, Answer: []byte{1, 2, 0x90, 0}},
		{Line: 11, Command: []byte{0xE0, 0x06, 0, 0, 0}, Answer: []byte{0x6D, 0}},
		{Line: 13, Command: []byte("\xE0\x02\x00\x00\x0D\x03\x80\x00\x00\x2C\x80\x00\x00\x3C\x80\x00\x00\x00")},
	}}, s)
}

func TestSyntaxErrors(t *testing.T) {
	long := strings.Repeat("00", frame.MaxMessage+1)
	for text, want := range map[string]string{
		"=> e0\n\nhello":           "replay: line 3: neither a command (=>) nor an answer (<=) nor a comment (#)",
		"<= 9000":                  "replay: line 1: an answer without a command before it",
		"=> e0\n<= 9000\n<= 9000":  "replay: line 3: an answer without a command before it",
		"=> e0\n<= 90":             "replay: line 2: an answer ends in a status word of two bytes",
		"=> e0\n<=":                "replay: line 2: an answer ends in a status word of two bytes",
		"=>":                       "replay: line 1: a command has at least one byte",
		"=> e01":                   "replay: line 1: only pairs of hex digits may follow the arrow",
		"# fine\n=> e0 <= 9000":    "replay: line 2: only pairs of hex digits may follow the arrow",
		"=> e0 # select":           "replay: line 1: only pairs of hex digits may follow the arrow",
		"=> " + long:               "replay: line 1: 7610 bytes are more than the 7609 of a message",
		"=> e0\r\n<= " + long:      "replay: line 2: 7610 bytes are more than the 7609 of a message",
		"=> secret phrase of mine": "replay: line 1: only pairs of hex digits may follow the arrow",
	} {
		_, err := replay.Parse([]byte(text))
		require.EqualError(t, err, want)
		require.ErrorAs(t, err, new(*replay.SyntaxError))
	}
}

func TestStringParsesAgain(t *testing.T) {
	ca := strings.Repeat("04", 65)
	s := parse(t, "# ca "+ca+"\n# a title\n=> 00A4040005695F696D6B\n<= 9000\n=> 8072000000\n=> 8072000000\n<= 6985\n")
	require.Equal(t, ca, s.CA)
	require.Equal(t, "# ca "+ca+"\n# SELECT IMK\n=> 00a4040005695f696d6b\n<= 9000\n"+
		"# show binding code\n=> 8072000000\n# show binding code\n=> 8072000000\n<= 6985\n", s.String())
}

// FuzzScript checks that the String of a script parses to the same script.
func FuzzScript(f *testing.F) {
	text, err := os.ReadFile("testdata/other-project.apdus")
	require.NoError(f, err)
	f.Add(text)
	f.Add([]byte("\uFEFF=> E0\r\n<= 9000\n# ca " + strings.Repeat("04", 65)))
	f.Add([]byte("=> b''\n<= b'"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := replay.Parse(text)
		if err != nil {
			require.ErrorAs(t, err, new(*replay.SyntaxError))
			return
		}
		again := parse(t, s.String())
		require.Len(t, again.Exchanges, len(s.Exchanges))
		require.Equal(t, s.CA, again.CA)
		for i, e := range s.Exchanges {
			require.True(t, bytes.Equal(e.Command, again.Exchanges[i].Command))
			require.True(t, bytes.Equal(e.Answer, again.Exchanges[i].Answer))
			require.Equal(t, e.Answer == nil, again.Exchanges[i].Answer == nil)
		}
		require.Equal(t, s.String(), again.String())
	})
}
