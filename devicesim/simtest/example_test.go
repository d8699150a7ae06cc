package simtest_test

import (
	"testing"

	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/simtest"
	"imkey-connect/devicesim/usb"
)

// A test of a dApp on its own site, with a program that controls the browser and with the user's actions on the device.
func Example() {
	var t *testing.T // of the test

	sim := simtest.Start(t, device.Options{Mnemonic: "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"})
	browser := sim.Chromium("http://localhost:5173")
	connect(browser.DevToolsURL) // chromedp, Playwright or Puppeteer: opens the site and presses its button

	typeInto(sim.Device.Code()) // as a user reads it from the screen
	sim.Device.Bound()

	if said := sim.Device.Approve(); said != "Sign message:Hello" { // the question that was confirmed
		t.Errorf("the screen said %q", said)
	}
	sim.Device.Arm(usb.Fault{On: "in", Packet: 2, Do: usb.DoUnplug}) // to test how the site handles it
}

func connect(devToolsURL string) {}
func typeInto(code string)       {}
