package device

import (
	"imkey-connect/core/apdu"
	"imkey-connect/devicesim/applet"
)

const bootLoaderAID = "\xD0Bootloader"

// bootLoader is the only applet of a device in its boot loader. Its commands are not public, so it answers none.
type bootLoader struct{}

func (bootLoader) Execute(_ applet.Device, c apdu.Command) ([]byte, error) {
	return nil, apdu.InstructionNotSupported
}

func (bootLoader) Forget() {}
