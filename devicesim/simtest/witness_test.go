package simtest_test

import (
	"bytes"
	"sync"

	"imkey-connect/core/apdu"
	"imkey-connect/devicesim/applet"
	"imkey-connect/devicesim/applets"
)

// witness sees what the applets of one device did, whatever became of their answers.
type witness struct {
	mu sync.Mutex
	// checked is the app key of the last BIND_CHECK; bound is the key of the app that the device is bound to.
	checked, bound []byte
	// proofs are the commands that carried a proof of a code; proved is the app key of the last one.
	proofs int
	proved []byte
	// asked are the questions about a payload that the user answered with OK; signatures are those that the wallet made.
	asked, signatures int
}

// applets returns the simulator's applets, watched.
func (w *witness) applets() []applet.Applet {
	all := applets.All()
	for i, a := range all {
		create := a.New
		all[i].New = func() applet.Instance { return &watched{create(), w} }
	}
	return all
}

// wiped notes that the device was reset.
func (w *witness) wiped() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bound = nil
}

// holds reports whether the device is bound to the key that the host asked about last.
func (w *witness) holds() bool { return w.bound != nil && bytes.Equal(w.bound, w.checked) }

type watched struct {
	applet.Instance
	w *witness
}

func (i *watched) Execute(d applet.Device, c apdu.Command) ([]byte, error) {
	answer, err := i.Instance.Execute(d, c)
	i.w.mu.Lock()
	defer i.w.mu.Unlock()
	switch {
	case c.CLA == 0x80 && c.INS == 0x71 && len(c.Data) == 65:
		i.w.checked = bytes.Clone(c.Data)
	case c.CLA == 0x80 && c.INS == 0x73 && len(c.Data) > 65:
		i.w.proofs++
		i.w.proved = bytes.Clone(c.Data[:65])
		if err == nil && bytes.Equal(answer, []byte{0x5A}) {
			i.w.bound = bytes.Clone(c.Data[:65])
		}
	case err == nil && (c.INS == 0x52 || c.INS == 0x55):
		i.w.signatures++
	case err == nil && (c.INS == 0x51 || c.INS == 0x54) && c.P2 == 0x80:
		i.w.asked++
	}
	return answer, err
}
