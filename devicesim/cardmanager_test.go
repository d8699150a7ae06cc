package devicesim

import (
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/apdu"
	"imkey-connect/devicesim/fakeca"
)

const certificateRead = "80CABF2106A6048302151800"

// TestCardManager is the table of section 3, command by command.
func TestCardManager(t *testing.T) {
	ca, err := fakeca.New(seeded(5))
	require.NoError(t, err)
	d := newDevice(t, Options{Serial: "imKey01191200001", SEID: "19060000000200860001010000000014", CA: ca})
	h := newHost(t, d, 1)
	for _, selectCommand := range []string{"00A4040000", "00A40400"} {
		h.ok(selectIMK)
		require.Empty(t, h.ok(selectCommand))
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
			require.Equal(t, want, hex.EncodeToString(h.ok(command)), command)
		}
		want := ca.Issue(fakeca.Params{SEID: unhex(t, "19060000000200860001010000000014"), SEPublicKey: h.sePublicKey()})
		require.Equal(t, want, h.ok(certificateRead))
	}
	require.Equal(t, ca.PublicKey(), d.CA())

	require.NoError(t, d.SetBattery(7))
	require.Equal(t, []byte{7}, h.ok("00D6FEED01"))
	require.NoError(t, d.SetBattery(Charging))
	require.Equal(t, []byte{0xFF}, h.ok("00D6FEED01"))
	for _, level := range []int{-1, 101, 254, 256} {
		require.ErrorIs(t, d.SetBattery(level), ErrBattery)
	}

	h.ok("ffda46540a68656c6c6f696d6b657900")
	require.Equal(t, "helloimkey", string(h.ok("FFDB465400")))
	h.sw(apdu.WrongData, "FFDA465403412D4200")   // A-B
	h.sw(apdu.WrongData, "FFDA465404414200C300") // a zero, a byte over 7F
	h.sw(apdu.WrongLength, "FFDA465400")
	h.sw(apdu.WrongLength, "FFDA46540D"+"41414141414141414141414141"+"00")
	require.Equal(t, "helloimkey", string(h.ok("FFDB465400")))
}

func TestStrictCommands(t *testing.T) {
	d := newDevice(t, Options{})
	h := newHost(t, d, 1)
	pub := hex.EncodeToString(h.pub())
	for _, c := range []struct {
		applet, command string
		want            apdu.StatusWord
	}{
		{selectCM, "00", apdu.WrongLength},
		{selectCM, "80CA00", apdu.WrongLength},
		{selectCM, "80CA00440001", apdu.WrongLength},               // Lc 0
		{selectCM, "80CB800005DFFF0281", apdu.WrongLength},         // data cut
		{selectCM, "80CB800005DFFF0281010000", apdu.WrongLength},   // more than Le
		{selectCM, "80CB800004DFFF0281", apdu.WrongLength},         // another length
		{selectCM, "80CA004401", apdu.WrongLength},                 // Le is not the answer's length
		{selectCM, "80CA00440100", apdu.WrongLength},               // data where none is
		{selectCM, "80CABF2100", apdu.WrongLength},                 // no data
		{selectCM, "80CABF2106A6048302151900", apdu.WrongData},     // another key reference
		{selectCM, "80CB800005DFFF02990100", apdu.WrongData},       // unknown data object
		{selectCM, "80CB800005DFFE02810100", apdu.WrongData},       //
		{selectCM, "80CA123400", apdu.WrongParameters},             //
		{selectCM, "80CB800105DFFF02810100", apdu.WrongParameters}, //
		{selectCM, "00D6FEEC01", apdu.WrongParameters},             //
		{selectCM, "00D6FEED02", apdu.WrongLength},                 //
		{selectCM, "FFDCFEEE00", apdu.WrongParameters},             //
		{selectCM, "80CC000000", apdu.InstructionNotSupported},     //
		{selectCM, "8071000000", apdu.InstructionNotSupported},     // another applet's
		{selectCM, "00B0000000", apdu.InstructionNotSupported},     //
		{selectCM, "FFFF000000", apdu.InstructionNotSupported},     //
		{selectCM, "90CA004400", apdu.ClassNotSupported},           //
		{selectCM, "00A4000000", apdu.WrongParameters},             //
		{selectCM, "00A4040400", apdu.WrongParameters},             //
		{selectCM, "00A4040001", apdu.WrongLength},                 //
		{selectCM, "00A4040005695F657448", apdu.NotFound},          //
		{selectCM, "00A404000469666D6B00", apdu.NotFound},          //
		{selectCM, "00A404000AD0426F6F746C6F6164657200", apdu.WrongLength},
		{selectCM, "00A404000BD0426F6F746C6F6164657200", apdu.NotFound}, // not in the boot loader
		{selectIMK, "80CA004400", apdu.InstructionNotSupported},
		{selectIMK, "80700000", apdu.InstructionNotSupported},
		{selectIMK, "0071000041" + pub + "00", apdu.ClassNotSupported},
		{selectIMK, "8071800041" + pub + "00", apdu.WrongParameters},
		{selectIMK, "8071000040" + pub[2:] + "00", apdu.WrongLength},
		{selectIMK, "8071000041" + pub + "01", apdu.WrongLength},
		{selectIMK, "80710000", apdu.WrongLength},
		{selectIMK, "8071000041" + "05" + pub[2:] + "00", apdu.WrongData},
		{selectIMK, "8071000041" + pub[:128] + "0000", apdu.WrongData},
		{selectIMK, "807200000100", apdu.WrongLength},
		{selectIMK, "8072010000", apdu.WrongParameters},
		{selectIMK, "8073000071" + pub + hex.EncodeToString(make([]byte, 48)) + "00", apdu.WrongParameters},
		{selectIMK, "8073800070" + pub + hex.EncodeToString(make([]byte, 47)) + "00", apdu.WrongLength},
		{selectIMK, "8073800071" + pub[:128] + "00" + hex.EncodeToString(make([]byte, 48)) + "00", apdu.WrongData},
		{selectIMK, "8073800071" + pub + hex.EncodeToString(make([]byte, 48)) + "00", apdu.ConditionsNotSatisfied}, // no code yet
		{selectIMK, showCode, apdu.ConditionsNotSatisfied},                                                         // no code yet
	} {
		h.ok(c.applet)
		h.sw(c.want, c.command)
	}
	s := d.Status()
	require.Equal(t, "none", s.Binding)
	require.Equal(t, 10, s.CodeAttemptsLeft, "nothing of this was an attempt")
}

// TestSelect: which applets are there; a failed SELECT leaves the selected one where it was.
func TestSelect(t *testing.T) {
	d := newDevice(t, Options{})
	h := newHost(t, d, 1)
	require.Equal(t, "1.2.00", string(h.ok(selectIMK)))
	for _, aid := range []string{
		"695F627463", "695F656F73", "695F636F736D6F73", "695F6B315F66696C", "695F65645F646F74",
		"695F65645F6B736D", "695F6B315F747278", "695F6B315F636B62", "695F65645F78747A", "695F626368", "695F6C7463",
		"695F646F6765636F696E",
	} {
		h.sw(apdu.NotFound, "00A40400"+hex.EncodeToString([]byte{byte(len(aid) / 2)})+aid+"00")
		h.sw(apdu.ConditionsNotSatisfied, showCode)
	}
}

func TestLifeCycle(t *testing.T) {
	d := newDevice(t, Options{})
	h := newHost(t, d, 1)
	is := func(native, web string) {
		t.Helper()
		h.ok(selectCM)
		require.Equal(t, native, hex.EncodeToString(h.ok("FFDCFEED00")))
		require.Equal(t, web, hex.EncodeToString(h.ok("80CB800005DFFF02814700")))
	}
	is("80", "00")
	h.bind()
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
	h.ok(selectIMK)
	require.NoError(t, d.SetBootLoader(true))
	require.True(t, d.Status().BootLoader)
	h.sw(apdu.NotFound, selectIMK)
	h.sw(apdu.NotFound, "00A4040005695F65746800")
	h.ok("00A404000BD0426F6F746C6F6164657200")
	h.sw(apdu.InstructionNotSupported, "8071000000")
	h.ok(selectCM)
	require.Equal(t, d.Status().Serial, string(h.ok("80CA004400")))
	require.ErrorIs(t, d.Press(OK), ErrBootLoader)
	require.ErrorIs(t, d.Restore(testMnemonic), ErrBootLoader)
	require.Contains(t, d.Status().Screen, "Boot loader")

	require.NoError(t, d.Unplug())
	require.NoError(t, d.Plug())
	require.False(t, d.Status().BootLoader)
	newHost(t, d, 1).ok(selectIMK)
}
