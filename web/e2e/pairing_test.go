package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim"
)

func TestFirstPairing(t *testing.T) {
	s := newSim(t, devicesim.Options{})
	b := s.browse(browserOptions{})
	b.open("/")
	b.toCode()
	b.typeCode(s.code())
	b.state("bound")
	require.Equal(t, "bound", s.device.Status().Binding)
	t.Log(b.text())

	// A reload needs no code.
	b.open("/")
	b.press("connect")
	b.state("bound")
}
