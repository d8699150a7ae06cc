// Package simtest starts a simulated imKey for a test: the device with its screen and buttons, the pages and the control API
// (package control) on one origin, and a Chromium with the device plugged in. The page's own navigator.usb finds the device
// without a click in a chooser.
//
//	sim := simtest.Start(t, device.Options{Mnemonic: phrase})
//	browser := sim.Chromium("http://localhost:5173") // its DevToolsURL is for chromedp, Playwright or Puppeteer
//	page := sim.Page("http://localhost:5173/pay")    // clicks, types and reads without another driver
//	code := sim.Device.Code()                        // waits until the screen shows the binding code
//	text := sim.Device.Approve()                     // waits for a question, reads it, presses OK
//	sim.Device.Arm(usb.Fault{On: usb.In, Packet: 3, Do: usb.DoUnplug})
//
// Everything ends with the test. The functions wait for an event of the device and not for a time, for at most
// [Config].Timeout. If an action fails, or a wait times out, the test fails, with the screen and the end of the trace in its
// output. A test that fails for another reason has them in its output too. Like testing.T.FailNow, the functions must be
// called from the test's goroutine.
//
// # In another module
//
// The pages come from web/dist in the checkout that the module's replace directive names: run make build there once. A test
// that serves its own pages sets [Config].Pages and needs no build. Plugging devices into a browser needs Linux, Chromium and
// a C compiler: see packages chromium and preload.
//
// [ReadCode], [ReadQuestion] and [WaitFor] are for devices that a test has made without this package.
package simtest
