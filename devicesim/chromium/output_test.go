package chromium

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOutputFindsDevTools(t *testing.T) {
	var passed bytes.Buffer
	o := newOutput(&passed)
	for _, part := range []string{"noise\nDevTools listen", "ing on ws://127.0.0.1:1/devtools/browser/a", "\r\nDevTools listening on ws://other\n", strings.Repeat("x", 3*tailSize), "\nthe end\n"} {
		n, err := o.Write([]byte(part))
		require.NoError(t, err)
		require.Equal(t, len(part), n)
	}
	require.Equal(t, "ws://127.0.0.1:1/devtools/browser/a", <-o.devTools)
	require.Empty(t, o.devTools, "there is one")
	require.Equal(t, "the end", o.tail())
	require.Contains(t, passed.String(), "noise\n")

	o = newOutput(nil)
	_, _ = o.Write([]byte("Missing X server or $DISPLAY\n"))
	require.Equal(t, "Missing X server or $DISPLAY", o.tail())
}
