package hdpath

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/errcode"
)

func requireInvalid(t *testing.T, err error) {
	t.Helper()
	require.ErrorIs(t, err, errcode.InvalidArgument)
	var e *errcode.Error
	require.True(t, errors.As(err, &e))
	require.Equal(t, "path", e.Data["at"])
	require.NotEmpty(t, e.Data["reason"])
}

func TestPaths(t *testing.T) {
	for want, p := range map[string]Path{
		"m/44'/60'/0'/0/7": BIP44(60, 0, 0, 7), "m/44'/118'/1'/1/2": BIP44(118, 1, 1, 2),
		"m/0": {0}, "m/2147483647'/2147483647": {0xFFFFFFFF, 0x7FFFFFFF}, "m/44'/60'/0'/0/0/1": BIP44(60, 0, 0, 0).Child(1),
	} {
		require.Equal(t, want, p.String())
		got, err := Parse(want)
		require.NoError(t, err)
		require.Equal(t, p, got)
		got, err = Parse(strings.ReplaceAll(want, "'", "h"))
		require.NoError(t, err)
		require.Equal(t, p, got)
	}
	for _, s := range []string{"", "m", "m/", "M/0", "44'/60'", "/44'", "m//0", "m/0/", "m/00", "m/01", "m/2147483648", "m/4294967296", "m/99999999999999999999",
		"m/-1", "m/+1", "m/a", "m/0x1", "m/0''", "m/0'h", "m/'", "m/0 ", " m/0", "m/0'/", "m/1.0", "m/0\x00", "m" + strings.Repeat("/0", 11)} {
		_, err := Parse(s)
		requireInvalid(t, err)
	}
	// Children of one path do not share memory.
	p := Path{1, 2, 3}
	a, b := p.Child(4), p.Child(5)
	require.Equal(t, "m/1/2/3/4 m/1/2/3/5", a.String()+" "+b.String())
}

func FuzzPath(f *testing.F) {
	f.Add("m/44'/60'/0'/0/0")
	f.Add("m/2147483647h/0")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := Parse(s)
		if err != nil {
			requireInvalid(t, err)
			return
		}
		require.Equal(t, strings.NewReplacer("h", "'", "H", "'").Replace(s), p.String())
		require.LessOrEqual(t, len(p.String()), 255)
	})
}

func TestCheck(t *testing.T) {
	require.NoError(t, Path{0}.Check())
	require.NoError(t, make(Path, MaxDepth).Check())
	requireInvalid(t, Path(nil).Check())
	requireInvalid(t, make(Path, MaxDepth+1).Check())
}

func TestCheckCoin(t *testing.T) {
	require.NoError(t, BIP44(195, 0, 0, 5).CheckCoin(195, "TRON"))
	require.NoError(t, Path{44 | Hardened, 195 | Hardened}.CheckCoin(195, "TRON"))
	for _, p := range []Path{nil, {44 | Hardened}, BIP44(60, 0, 0, 0), {44, 195 | Hardened}, {44 | Hardened, 195}, {49 | Hardened, 195 | Hardened}} {
		requireInvalid(t, p.CheckCoin(195, "TRON"))
	}
}
