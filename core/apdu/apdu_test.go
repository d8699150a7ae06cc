package apdu_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/apdu"
	"imkey-connect/core/errcode"
)

func TestTheFourCases(t *testing.T) {
	for want, c := range map[string]apdu.Command{
		"00A40400":               {INS: 0xA4, P1: 4},
		"8072000000":             apdu.New(0x80, 0x72, 0, 0, nil),
		"00D6FEED01":             {INS: 0xD6, P1: 0xFE, P2: 0xED, HasLe: true, Le: 1},
		"80CB800005DFFF028101":   {CLA: 0x80, INS: 0xCB, P1: 0x80, Data: []byte{0xDF, 0xFF, 2, 0x81, 1}},
		"00A4040005695F696D6B00": apdu.New(0, 0xA4, 4, 0, []byte("i_imk")),
	} {
		b, err := c.Bytes()
		require.NoError(t, err)
		require.Equal(t, want, strings.ToUpper(hex.EncodeToString(b)))
		again, err := apdu.Parse(b)
		require.NoError(t, err)
		require.Equal(t, c, again)
	}
}

func TestLongestData(t *testing.T) {
	b, err := apdu.New(0x80, 0x51, 0, 0x80, make([]byte, 255)).Bytes()
	require.NoError(t, err)
	require.Len(t, b, 261)
	_, err = apdu.Parse(b)
	require.NoError(t, err)
	_, err = apdu.New(0x80, 0x51, 0, 0x80, make([]byte, 256)).Bytes()
	require.ErrorIs(t, err, errcode.Internal)
}

func TestParseIsStrict(t *testing.T) {
	for name, s := range map[string]string{
		"nothing":                 "",
		"three bytes":             "00A404",
		"data one short":          "00A4040005695F696D",
		"two bytes too many":      "00A4040005695F696D6B0000",
		"an extended length":      "00A40400000005695F696D6B",
		"a zero Lc with Le":       "00A404000000",
		"Lc alone claims a body":  "80510000F50001",
		"one byte less than Lc F": "805100000F" + strings.Repeat("00", 14),
	} {
		b, err := hex.DecodeString(s)
		require.NoError(t, err)
		_, err = apdu.Parse(b)
		require.ErrorIs(t, err, apdu.WrongLength, name)
	}
}

func TestParsedDataIsACopy(t *testing.T) {
	b := []byte{0, 0xA4, 4, 0, 1, 7}
	c, err := apdu.Parse(b)
	require.NoError(t, err)
	b[5] = 8
	require.Equal(t, []byte{7}, c.Data)
	answer := []byte{7, 0x90, 0}
	r, err := apdu.ParseResponse(answer)
	require.NoError(t, err)
	answer[0] = 8
	require.Equal(t, []byte{7}, r.Data)
}

func TestParseResponse(t *testing.T) {
	r, err := apdu.ParseResponse([]byte{0x55, 0x90, 0x00})
	require.NoError(t, err)
	require.Equal(t, apdu.Response{Data: []byte{0x55}, SW: apdu.OK}, r)
	r, err = apdu.ParseResponse([]byte{0x69, 0x85})
	require.NoError(t, err)
	require.Empty(t, r.Data)
	require.Equal(t, apdu.ConditionsNotSatisfied, r.SW)
	for _, b := range [][]byte{nil, {}, {0x90}} {
		_, err := apdu.ParseResponse(b)
		require.ErrorIs(t, err, errcode.Protocol)
	}
}

// The status words of core/PROTOCOL.md section 3 with their error codes.
func TestStatusWords(t *testing.T) {
	for w, code := range map[apdu.StatusWord]errcode.Code{
		0x6700: errcode.Internal, 0x6940: errcode.UserRejected, 0x6941: errcode.Protocol, 0x6942: errcode.Protocol,
		0x6943: errcode.Protocol, 0x6944: errcode.UserRejected, 0x6985: errcode.Protocol, 0x6A80: errcode.Internal,
		0x6A82: errcode.AppletMissing, 0x6A86: errcode.Internal, 0x6D00: errcode.UnsupportedMethod,
		0x6E00: errcode.UnsupportedMethod, 0x6F01: errcode.Protocol, 0xF000: errcode.WalletMissing,
		0xF080: errcode.InMenu, 0xF081: errcode.Locked, 0x905A: errcode.BootLoader,
		0x0000: errcode.Protocol, 0x6F00: errcode.Protocol, 0x9001: errcode.Protocol, 0xFFFF: errcode.Protocol,
	} {
		err := w.Err("doing")
		name := fmt.Sprintf("%04X", uint16(w))
		require.ErrorIs(t, err, code, name)
		require.ErrorIs(t, err, w, name)
		require.Equal(t, code, errcode.Of(err), name)
		require.Equal(t, code, errcode.Of(w), "a bare status word has a code, too")
		var e *errcode.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, uint16(w), e.StatusWord)
		var status apdu.StatusWord
		require.ErrorAs(t, fmt.Errorf("around: %w", err), &status)
		require.Equal(t, w, status)
		require.Contains(t, err.Error(), name)
		require.Contains(t, err.Error(), "doing")
	}
	require.NoError(t, apdu.OK.Err("doing"))
	require.NoError(t, apdu.StatusWord(0x9000).Err("doing", apdu.As{SW: 0x9000, Code: errcode.Internal}))
}

func TestOnly9000IsSuccess(t *testing.T) {
	for w := range 0x10000 {
		if err := apdu.StatusWord(w).Err(""); (err == nil) != (w == 0x9000) {
			t.Fatalf("%04X: %v", w, err)
		}
	}
}

// A command may give a status word another code.
func TestAs(t *testing.T) {
	as := apdu.As{SW: apdu.ConditionsNotSatisfied, Code: errcode.CodeLocked}
	err := apdu.ConditionsNotSatisfied.Err("verify", as)
	require.Equal(t, errcode.CodeLocked, errcode.Of(err))
	require.ErrorIs(t, err, errcode.CodeLocked)
	require.True(t, errors.Is(err, apdu.ConditionsNotSatisfied))
	require.Equal(t, errcode.Locked, errcode.Of(apdu.PINNotVerified.Err("verify", as)))
}

// Every recorded command is a canonical short APDU, and core builds the same bytes.
func TestRecordedCommands(t *testing.T) {
	file, err := os.ReadFile("../testdata/vectors/imkey.json")
	require.NoError(t, err)
	var vectors struct {
		APDUs            []struct{ Name, APDU string }
		RecordedSessions []struct {
			Exchanges []struct{ Cmd, Rsp string }
		}
	}
	require.NoError(t, json.Unmarshal(file, &vectors))
	require.NotEmpty(t, vectors.APDUs)
	built := map[string]apdu.Command{
		"eth select":              apdu.New(0, 0xA4, 4, 0, []byte("i_eth")),
		"btc select":              apdu.New(0, 0xA4, 4, 0, []byte("i_btc")),
		"eos select":              apdu.New(0, 0xA4, 4, 0, []byte("i_eos")),
		"cosmos select":           apdu.New(0, 0xA4, 4, 0, []byte("i_cosmos")),
		"set ble name helloimkey": apdu.New(0xFF, 0xDA, 0x46, 0x54, []byte("helloimkey")),
	}
	for _, v := range vectors.APDUs {
		raw := unhex(t, v.APDU)
		c, err := apdu.Parse(raw)
		require.NoError(t, err, v.Name)
		b, err := c.Bytes()
		require.NoError(t, err, v.Name)
		require.Equal(t, raw, b, v.Name)
		if want, ok := built[v.Name]; ok {
			require.Equal(t, want, c, v.Name)
			delete(built, v.Name)
		}
	}
	require.Empty(t, built, "not in the vectors")
	require.NotEmpty(t, vectors.RecordedSessions)
	for _, s := range vectors.RecordedSessions {
		for _, x := range s.Exchanges {
			_, err := apdu.Parse(unhex(t, x.Cmd))
			require.NoError(t, err)
			r, err := apdu.ParseResponse(unhex(t, x.Rsp))
			require.NoError(t, err)
			require.Equal(t, apdu.OK, r.SW)
			require.Equal(t, unhex(t, x.Rsp), r.Bytes())
		}
	}
}

// FuzzParse checks that a parsed command encodes to the same bytes.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "00A40400", "00A4040000", "00D6FEED01", "80CB800005DFFF028101", "00A4040005695F696D6B00", "00A404000000"} {
		b, err := hex.DecodeString(s)
		require.NoError(f, err)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := apdu.Parse(b)
		if err != nil {
			require.ErrorIs(t, err, apdu.WrongLength)
			return
		}
		again, err := c.Bytes()
		require.NoError(t, err)
		require.Equal(t, b, again)
	})
}

// FuzzParseResponse checks that data and status word encode to the same bytes.
func FuzzParseResponse(f *testing.F) {
	for _, b := range [][]byte{{}, {0x90}, {0x90, 0x00}, {0x55, 0x90, 0x00}, {0x69, 0x85}} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := apdu.ParseResponse(b)
		if err != nil {
			require.Less(t, len(b), 2)
			require.ErrorIs(t, err, errcode.Protocol)
			return
		}
		require.Equal(t, b, r.Bytes())
		require.Equal(t, r.SW == 0x9000, r.SW.Err("") == nil)
	})
}

func unhex(t *testing.T, s string) []byte {
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return b
}
