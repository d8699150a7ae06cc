// Package simtest lets a test have a simulated imKey: the device with its screen and buttons, the pages and the control API
// (package control) on an origin of their own, and a Chromium into which the device is plugged, which the page's own
// navigator.usb finds without a click in a chooser.
//
//	sim := simtest.Start(t, devicesim.Options{Mnemonic: phrase})
//	browser := sim.Chromium("http://localhost:5173") // its DevToolsURL is for chromedp, Playwright or Puppeteer
//	page := sim.Page("http://localhost:5173/pay")    // or this, which clicks, types and reads, and needs no other driver
//	code := sim.Device.Code()                        // waits until the screen shows it
//	said := sim.Device.Approve()                     // waits for a question, reads it, presses OK
//	sim.Device.Arm(usb.Fault{On: "in", Packet: 3, Do: usb.DoUnplug})
//
// All of it ends with the test. Whatever waits waits for the device and not for time, for at most [Config].Patience; what
// cannot be done, or does not come, fails the test and says what is on the screen and what was exchanged last. So does
// every test that fails for another reason. As testing.T.FailNow, all of it belongs into the goroutine of the test.
//
// # From another module
//
// The pages are served from web/dist in the checkout that the module's replace directive names: run make build there once.
// A test that serves its own pages sets [Config].Pages and needs none. Devices are plugged into browsers on Linux, with
// Chromium and a C compiler: packages chromium and preload say which.
//
// [ReadCode], [ReadQuestion] and [WaitFor] are the same for devices that a test made without this package.
package simtest
