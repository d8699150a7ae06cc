package device

import (
	"imkey-connect/core/apdu"
	"imkey-connect/devicesim/applet"
)

const bootLoaderAID = "\xD0Bootloader"

// bootLoader is all that can be selected while the device is in its boot loader. Nothing is known of its commands.
type bootLoader struct{}

func (bootLoader) Execute(_ applet.Device, c apdu.Command) ([]byte, error) {
	return nil, apdu.InstructionNotSupported
}

func (bootLoader) Forget() {}
