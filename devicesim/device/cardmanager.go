package device

import (
	"bytes"

	"imkey-connect/core/apdu"
	"imkey-connect/devicesim/applet"
)

// Versions and sizes. What real devices answer is not public.
var (
	firmwareVersion   = []byte{0x16, 0x12} // 1.6.12
	bootLoaderVersion = []byte{0x10, 0x05} // 1.0.05
	bleVersion        = []byte{0x11, 0x03} // 1.1.03
	ramSize           = []byte{0x46, 0x02, 0x0C, 0x00}
)

// The life cycle of core/PROTOCOL.md section 3.
const (
	lifeInitialised = 0x80
	lifeNoPIN       = 0x81
	lifeNoWallet    = 0x83
	lifeCreating    = 0x84
	lifeReady       = 0x86
)

// cardManager is selected by an empty SELECT and when a host attaches.
type cardManager struct{ d *Device }

func (cardManager) Forget() {}

func (m cardManager) Execute(_ applet.Device, c apdu.Command) ([]byte, error) {
	d := m.d
	switch c.CLA {
	case 0x80:
		switch c.INS {
		case 0xCA:
			return d.getData(c)
		case 0xCB:
			return d.getDeviceData(c)
		}
	case 0x00:
		if c.INS == 0xD6 {
			return d.battery(c)
		}
	case 0xFF:
		switch c.INS {
		case 0xDC:
			return []byte{d.lifeCycle()}, applet.Expect(c, 0xFE, 0xED, 0)
		case 0xDB:
			return []byte(d.memory.BLEName), applet.Expect(c, 0x46, 0x54, 0)
		case 0xDA:
			return nil, d.setBLEName(c)
		}
	default:
		return nil, apdu.ClassNotSupported
	}
	return nil, apdu.InstructionNotSupported
}

// getData answers GET DATA by tag: the serial number, the version of the boot loader, the certificate.
func (d *Device) getData(c apdu.Command) ([]byte, error) {
	switch uint16(c.P1)<<8 | uint16(c.P2) {
	case 0x0044:
		return []byte(d.memory.Serial), applet.Expect(c, 0x00, 0x44, 0)
	case 0x8009:
		return bootLoaderVersion, applet.Expect(c, 0x80, 0x09, 0)
	case 0xBF21:
		if err := applet.Expect(c, 0xBF, 0x21, 6); err != nil {
			return nil, err
		}
		if !bytes.Equal(c.Data, []byte{0xA6, 0x04, 0x83, 0x02, 0x15, 0x18}) {
			return nil, apdu.WrongData
		}
		return d.se.Certificate(), nil
	}
	return nil, apdu.WrongParameters
}

// getDeviceData answers the vendor's data objects DFFF…: SEID, versions, RAM size, life cycle.
func (d *Device) getDeviceData(c apdu.Command) ([]byte, error) {
	if err := applet.Expect(c, 0x80, 0x00, 5); err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(c.Data, []byte{0xDF, 0xFF, 0x02}) {
		return nil, apdu.WrongData
	}
	switch uint16(c.Data[3])<<8 | uint16(c.Data[4]) {
	case 0x8101:
		seid := d.se.SEID()
		return seid[:], nil
	case 0x8003:
		return firmwareVersion, nil
	case 0x8146:
		return ramSize, nil
	case 0x8147:
		if d.memory.Activated {
			return []byte{1}, nil
		}
		return []byte{0}, nil
	case 0x8100:
		return bleVersion, nil
	}
	return nil, apdu.WrongData
}

// battery answers the battery level. Hosts ask for it with Le 01.
func (d *Device) battery(c apdu.Command) ([]byte, error) {
	if c.Le == 1 {
		c.Le = 0
	}
	return []byte{d.memory.Battery}, applet.Expect(c, 0xFE, 0xED, 0)
}

func (d *Device) lifeCycle() byte {
	if _, creating := d.screen.(*wordsView); creating {
		return lifeCreating
	}
	switch m := &d.memory; {
	case m.Mnemonic != "":
		return lifeReady
	case !m.Activated && m.PIN == "":
		return lifeInitialised
	case m.PIN == "":
		return lifeNoPIN
	}
	return lifeNoWallet
}

func (d *Device) setBLEName(c apdu.Command) error {
	switch {
	case c.P1 != 0x46 || c.P2 != 0x54:
		return apdu.WrongParameters
	case len(c.Data) < 1 || len(c.Data) > 12 || !applet.AnyLength(c):
		return apdu.WrongLength
	case !validBLEName(string(c.Data)):
		return apdu.WrongData
	}
	err := d.update(func(m *memory) { m.BLEName = string(c.Data) })
	d.changed("")
	return err
}
