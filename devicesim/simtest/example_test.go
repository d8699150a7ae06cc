package simtest_test

import (
	"testing"

	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/simtest"
	"imkey-connect/devicesim/usb"
)

// A dApp on a site of its own is tested by a program that speaks the DevTools protocol, and by its person's hands.
func Example() {
	var t *testing.T // the test's

	sim := simtest.Start(t, device.Options{Mnemonic: "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"})
	browser := sim.Chromium("http://localhost:5173")
	connect(browser.DevToolsURL) // chromedp, Playwright or Puppeteer: opens the site and presses its button

	typeInto(sim.Device.Code()) // read off the screen, as a person does
	sim.Device.Bound()

	if said := sim.Device.Approve(); said != "Sign message:Hello" { // what the person read before pressing OK
		t.Errorf("the screen said %q", said)
	}
	sim.Device.Arm(usb.Fault{On: "in", Packet: 2, Do: usb.DoUnplug}) // and what does the site say to that?
}

func connect(devToolsURL string) {}
func typeInto(code string)       {}
