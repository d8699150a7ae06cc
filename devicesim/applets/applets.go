// Package applets is the catalogue of the simulator's applets. Each applet is a folder here; package applet has the interface
// between applets and the device.
package applets

import (
	"imkey-connect/devicesim/applet"
	"imkey-connect/devicesim/applets/bitcoin"
	"imkey-connect/devicesim/applets/cosmos"
	"imkey-connect/devicesim/applets/ethereum"
	"imkey-connect/devicesim/applets/imk"
	"imkey-connect/devicesim/applets/tron"
)

// All returns the applets that a new device has.
func All() []applet.Applet {
	return []applet.Applet{
		imk.Applet,
		ethereum.Applet,
		bitcoin.Applet,
		tron.Applet,
		cosmos.Applet,
	}
}
