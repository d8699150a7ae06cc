package devicesim

import "imkey-connect/core/apdu"

const bootLoaderAID = "\xD0Bootloader"

// bootLoader is all that can be selected while the device is in its boot loader. Nothing is known of its commands.
type bootLoader struct{}

func (bootLoader) exec(_ *exchange, c apdu.Command) ([]byte, error) {
	return nil, apdu.InstructionNotSupported
}

func (bootLoader) drop() {}
