package device

import (
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/apdu"
	"imkey-connect/devicesim/device/hosttest"
	"imkey-connect/devicesim/fakeca"
)

// TestCardManager checks each command of the table in section 3.
func TestCardManager(t *testing.T) {
	ca, err := fakeca.New(hosttest.Seeded(5))
	require.NoError(t, err)
	d := newDevice(t, Options{Serial: "imKey01191200001", SEID: "19060000000200860001010000000014", CA: ca})
	h := newHost(t, d, 1)
	for _, selectCommand := range []string{"00A4040000", "00A40400"} {
		h.OK(hosttest.SelectIMK)
		require.Empty(t, h.OK(selectCommand))
		for command, want := range map[string]string{
			"80CB800005DFFF028101":   "19060000000200860001010000000014",
			"80CA004400":             hex.EncodeToString([]byte("imKey01191200001")),
			"80CB800005DFFF02800300": "1612",
			"80CA800900":             "1005",
			"80CB800005DFFF02814600": "46020c00",
			"00D6FEED01":             "64",
			"FFDCFEED00":             "80",
			"80CB800005DFFF02814700": "00",
			"FFDB465400":             hex.EncodeToString([]byte("imKey0001")),
			"80CB800005DFFF02810000": "1103",
		} {
			require.Equal(t, want, hex.EncodeToString(h.OK(command)), command)
		}
		want := ca.Issue(fakeca.Params{SEID: hosttest.Unhex(t, "19060000000200860001010000000014"), SEPublicKey: h.SEPublicKey()})
		require.Equal(t, want, h.OK(hosttest.ReadCertificate))
	}
	require.Equal(t, ca.PublicKey(), d.CA())

	require.NoError(t, d.SetBattery(7))
	require.Equal(t, []byte{7}, h.OK("00D6FEED01"))
	require.NoError(t, d.SetBattery(Charging))
	require.Equal(t, []byte{0xFF}, h.OK("00D6FEED01"))
	for _, level := range []int{-1, 101, 254, 256} {
		require.ErrorIs(t, d.SetBattery(level), ErrBattery)
	}

	h.OK("ffda46540a68656c6c6f696d6b657900")
	require.Equal(t, "helloimkey", string(h.OK("FFDB465400")))
	h.SW(apdu.WrongData, "FFDA465403412D4200")   // A-B
	h.SW(apdu.WrongData, "FFDA465404414200C300") // a zero, a byte over 7F
	h.SW(apdu.WrongLength, "FFDA465400")
	h.SW(apdu.WrongLength, "FFDA46540D"+"41414141414141414141414141"+"00")
	require.Equal(t, "helloimkey", string(h.OK("FFDB465400")))
}

func TestStrictCommands(t *testing.T) {
	d := newDevice(t, Options{})
	h := newHost(t, d, 1)
	pub := hex.EncodeToString(h.Pub())
	for _, c := range []struct {
		applet, command string
		want            apdu.StatusWord
	}{
		{hosttest.SelectCardManager, "00", apdu.WrongLength},
		{hosttest.SelectCardManager, "80CA00", apdu.WrongLength},
		{hosttest.SelectCardManager, "80CA00440001", apdu.WrongLength},               // Lc 0
		{hosttest.SelectCardManager, "80CB800005DFFF0281", apdu.WrongLength},         // data cut
		{hosttest.SelectCardManager, "80CB800005DFFF0281010000", apdu.WrongLength},   // more than Le
		{hosttest.SelectCardManager, "80CB800004DFFF0281", apdu.WrongLength},         // another length
		{hosttest.SelectCardManager, "80CA004401", apdu.WrongLength},                 // Le is not the answer's length
		{hosttest.SelectCardManager, "80CA00440100", apdu.WrongLength},               // data where none is
		{hosttest.SelectCardManager, "80CABF2100", apdu.WrongLength},                 // no data
		{hosttest.SelectCardManager, "80CABF2106A6048302151900", apdu.WrongData},     // another key reference
		{hosttest.SelectCardManager, "80CB800005DFFF02990100", apdu.WrongData},       // unknown data object
		{hosttest.SelectCardManager, "80CB800005DFFE02810100", apdu.WrongData},       //
		{hosttest.SelectCardManager, "80CA123400", apdu.WrongParameters},             //
		{hosttest.SelectCardManager, "80CB800105DFFF02810100", apdu.WrongParameters}, //
		{hosttest.SelectCardManager, "00D6FEEC01", apdu.WrongParameters},             //
		{hosttest.SelectCardManager, "00D6FEED02", apdu.WrongLength},                 //
		{hosttest.SelectCardManager, "FFDA46550341424300", apdu.WrongParameters},
		{hosttest.SelectCardManager, "FFDCFEEE00", apdu.WrongParameters},         //
		{hosttest.SelectCardManager, "80CC000000", apdu.InstructionNotSupported}, //
		{hosttest.SelectCardManager, "8071000000", apdu.InstructionNotSupported}, // another applet's
		{hosttest.SelectCardManager, "00B0000000", apdu.InstructionNotSupported}, //
		{hosttest.SelectCardManager, "FFFF000000", apdu.InstructionNotSupported}, //
		{hosttest.SelectCardManager, "90CA004400", apdu.ClassNotSupported},       //
		{hosttest.SelectCardManager, "00A4000000", apdu.WrongParameters},         //
		{hosttest.SelectCardManager, "00A4040400", apdu.WrongParameters},         //
		{hosttest.SelectCardManager, "00A4040001", apdu.WrongLength},             //
		{hosttest.SelectCardManager, "00A4040005695F657448", apdu.NotFound},      //
		{hosttest.SelectCardManager, "00A404000469666D6B00", apdu.NotFound},      //
		{hosttest.SelectCardManager, "00A404000AD0426F6F746C6F6164657200", apdu.WrongLength},
		{hosttest.SelectCardManager, "00A404000BD0426F6F746C6F6164657200", apdu.NotFound}, // not in the boot loader
		{hosttest.SelectIMK, "80CA004400", apdu.InstructionNotSupported},
		{hosttest.SelectIMK, "80700000", apdu.InstructionNotSupported},
		{hosttest.SelectIMK, "0071000041" + pub + "00", apdu.ClassNotSupported},
		{hosttest.SelectIMK, "8071800041" + pub + "00", apdu.WrongParameters},
		{hosttest.SelectIMK, "8071000040" + pub[2:] + "00", apdu.WrongLength},
		{hosttest.SelectIMK, "8071000041" + pub + "01", apdu.WrongLength},
		{hosttest.SelectIMK, "80710000", apdu.WrongLength},
		{hosttest.SelectIMK, "8071000041" + "05" + pub[2:] + "00", apdu.WrongData},
		{hosttest.SelectIMK, "8071000041" + pub[:128] + "0000", apdu.WrongData},
		{hosttest.SelectIMK, "807200000100", apdu.WrongLength},
		{hosttest.SelectIMK, "8072010000", apdu.WrongParameters},
		{hosttest.SelectIMK, "8073000071" + pub + hex.EncodeToString(make([]byte, 48)) + "00", apdu.WrongParameters},
		{hosttest.SelectIMK, "8073800070" + pub + hex.EncodeToString(make([]byte, 47)) + "00", apdu.WrongLength},
		{hosttest.SelectIMK, "8073800071" + pub[:128] + "00" + hex.EncodeToString(make([]byte, 48)) + "00", apdu.WrongData},
		{hosttest.SelectIMK, "8073800071" + pub + hex.EncodeToString(make([]byte, 48)) + "00", apdu.ConditionsNotSatisfied}, // no code yet
		{hosttest.SelectIMK, hosttest.ShowCode, apdu.ConditionsNotSatisfied},                                                // no code yet
	} {
		h.OK(c.applet)
		h.SW(c.want, c.command)
	}
	s := d.Status()
	require.Equal(t, "none", s.Binding)
	require.Equal(t, 10, s.CodeAttemptsLeft, "none of these was an attempt")
}

// TestSelect selects applets that are not installed. A failed SELECT does not change the selected applet.
func TestSelect(t *testing.T) {
	d := newDevice(t, Options{})
	h := newHost(t, d, 1)
	require.Equal(t, "1.2.00", string(h.OK(hosttest.SelectIMK)))
	for _, aid := range []string{
		"695F656F73", "695F6B315F66696C", "695F65645F646F74",
		"695F65645F6B736D", "695F6B315F636B62", "695F65645F78747A", "695F626368", "695F6C7463",
		"695F646F6765636F696E",
	} {
		h.SW(apdu.NotFound, "00A40400"+hex.EncodeToString([]byte{byte(len(aid) / 2)})+aid+"00")
		h.SW(apdu.ConditionsNotSatisfied, hosttest.ShowCode)
	}
}

func TestLifeCycle(t *testing.T) {
	d := newDevice(t, Options{})
	h := newHost(t, d, 1)
	is := func(native, web string) {
		t.Helper()
		h.OK(hosttest.SelectCardManager)
		require.Equal(t, native, hex.EncodeToString(h.OK("FFDCFEED00")))
		require.Equal(t, web, hex.EncodeToString(h.OK("80CB800005DFFF02814700")))
	}
	is("80", "00")
	h.Bind()
	is("81", "01")
	require.NoError(t, d.SetPIN("123456"))
	is("83", "01")
	require.NoError(t, d.Create(12))
	is("84", "01")
	require.NoError(t, d.Home())
	is("83", "01")
	require.NoError(t, d.Restore(testMnemonic))
	is("86", "01")
	require.NoError(t, d.Reset())
	is("81", "01")
}

func TestBootLoader(t *testing.T) {
	d := newDevice(t, Options{})
	h := newHost(t, d, 1)
	h.OK(hosttest.SelectIMK)
	require.NoError(t, d.SetBootLoader(true))
	require.True(t, d.Status().BootLoader)
	h.SW(apdu.NotFound, hosttest.SelectIMK)
	h.SW(apdu.NotFound, "00A4040005695F65746800")
	h.OK("00A404000BD0426F6F746C6F6164657200")
	h.SW(apdu.InstructionNotSupported, "8071000000")
	h.OK(hosttest.SelectCardManager)
	require.Equal(t, d.Status().Serial, string(h.OK("80CA004400")))
	require.ErrorIs(t, d.Press(OK), ErrBootLoader)
	require.ErrorIs(t, d.Restore(testMnemonic), ErrBootLoader)
	require.Contains(t, d.Status().Screen, "Boot loader")

	require.NoError(t, d.Unplug())
	require.NoError(t, d.Plug())
	require.False(t, d.Status().BootLoader)
	newHost(t, d, 1).OK(hosttest.SelectIMK)
}
