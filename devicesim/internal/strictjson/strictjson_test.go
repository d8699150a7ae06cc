package strictjson

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDecode(t *testing.T) {
	var v struct {
		A int `json:"a"`
	}
	require.NoError(t, Decode([]byte(" {\"a\":1}\n"), &v))
	require.Equal(t, 1, v.A)
	for _, bad := range []string{"", "{", `{"b":1}`, `{"a":"1"}`, `{"a":1} {}`, `{"a":1}x`, "[]"} {
		require.Error(t, Decode([]byte(bad), &v), bad)
	}
}
