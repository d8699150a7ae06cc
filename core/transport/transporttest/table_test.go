package transporttest

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/errcode"
	"imkey-connect/core/transport"
)

func TestTable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := NewTable()
		defer d.Unplug()
		go d.Play(t.Context())
		d.Answer("8071", "019000")
		d.Answer("807100", "029000")
		pending := make(chan struct{}, 1)
		d.On("8073", func([]byte) []byte { pending <- struct{}{}; return nil })

		c, err := transport.Open(t.Context(), d)
		require.NoError(t, err)
		for cmd, answer := range map[string]string{
			"\x80\x71\x00\x00": "\x02\x90\x00", // the longest prefix
			"\x80\x71\x01\x00": "\x01\x90\x00",
			"\x80\x72\x00\x00": "\x6D\x00", // no row
		} {
			got, err := c.Exchange(t.Context(), []byte(cmd), 0, nil)
			require.NoError(t, err)
			require.Equal(t, answer, string(got), "%X", cmd)
		}

		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-pending; cancel() }()
		_, err = c.Exchange(ctx, []byte("\x80\x73\x00\x00"), 0, nil)
		require.ErrorIs(t, err, errcode.Aborted)
		require.Equal(t, "80730000", d.Sent()[3])
		require.Zero(t, d.Resets(), "a pending command is cancelled without a reset")
		require.Len(t, d.Packets(), 6, "two CANCELs and four commands")
	})
}
