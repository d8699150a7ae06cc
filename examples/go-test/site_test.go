package mysite

import (
	"net/http/httptest"
	"regexp"
	"testing"

	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/simtest"
)

// The words of the simulated wallet. Never use those of a real one.
const mnemonic = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"

func TestSigning(t *testing.T) {
	site := httptest.NewServer(Handler())
	t.Cleanup(site.Close)

	sim := simtest.Start(t, device.Options{Mnemonic: mnemonic})
	page := sim.Page(site.URL) // in a Chromium into which the device is plugged
	page.Click("#connect")
	page.Click("#accept") // no build trusts the simulator's CA
	page.Type("#code", sim.Device.Code()+"\n")
	sim.Device.Bound()

	page.Click("#sign")
	if got, want := sim.Device.Approve(), "Sign message:Hello"; got != want {
		t.Errorf("the device asked %q, want %q", got, want)
	}
	if got := page.Text("#signature"); !regexp.MustCompile(`^0x[0-9a-f]{130}$`).MatchString(got) {
		t.Errorf("the page shows %q instead of a signature", got)
	}
}
