package binding

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/device"
	"imkey-connect/core/errcode"
	"imkey-connect/core/frame"
)

// The user has 240 s to confirm, with and without keep-alives.
func TestUserTimeout(t *testing.T) {
	hosted(t, func(t *testing.T, h *host) {
		h.On(verify, func([]byte) []byte {
			time.Sleep(device.UserTimeout - time.Second)
			return []byte{verifyOK, 0x90, 0x00}
		})
		require.NoError(t, h.bind(BindOptions{}))
		require.Equal(t, Bound, h.record().State)
	})
	hosted(t, func(t *testing.T, h *host) {
		h.On(verify, func([]byte) []byte { return nil })
		began := time.Now()
		requireCode(t, errcode.Timeout, h.bind(BindOptions{}))
		require.GreaterOrEqual(t, time.Since(began), 240*time.Second)
		require.Less(t, time.Since(began), 250*time.Second)
		require.Equal(t, VerifySent, h.record().State, "only the device knows")
		require.Equal(t, 1, h.verifies())
	})
}

// A device that sends keep-alives without end is not waited for without end.
func TestEndlessKeepAlives(t *testing.T) {
	hosted(t, func(t *testing.T, h *host) {
		h.On(bindCheck, func([]byte) []byte {
			go func() {
				for range 1000 {
					h.Reply(frame.KeepAlive(2))
					time.Sleep(time.Second)
				}
			}()
			return nil
		})
		began := time.Now()
		_, err := h.Status(t.Context())
		requireCode(t, errcode.Timeout, err)
		require.Less(t, time.Since(began), 11*time.Minute)
		time.Sleep(time.Hour) // the device's own end
	})
}

// The caller must accept an unverified device each time. The record does not remember the choice.
func TestUnverifiedDeviceIsAcceptedEachTime(t *testing.T) {
	hosted(t, func(t *testing.T, h *host) {
		h.Answer(verify, "5A9000")
		h.config.TrustedCAs = nil
		h.opens(Unbound, genuine)
		require.NoError(t, h.bind(BindOptions{Consent: Consent{AcceptUnverified: true}}))
		h.says(BoundToThis, genuine)
		requireCode(t, errcode.UntrustedDevice, h.bind(BindOptions{}))
		require.NoError(t, h.bind(BindOptions{Consent: Consent{AcceptUnverified: true}}))
		require.Equal(t, 1, h.verifies(), "the device is bound already")
		require.Equal(t, Bound, h.record().State)
	})
}
