package device

import (
	"io"

	"imkey-connect/core/apdu"
	"imkey-connect/devicesim/applet"
	"imkey-connect/devicesim/hd"
)

// exchange is one command that an applet executes. It implements [applet.Device]; mu is held.
type exchange struct {
	d  *Device
	op *operation
}

func (x *exchange) HasWallet() bool { return x.d.memory.Mnemonic != "" }

func (x *exchange) WalletKey(path string) (hd.Key, error) {
	if !x.HasWallet() { // after Confirm, as the user may have reset the device meanwhile
		return hd.Key{}, apdu.NoWallet
	}
	indices, err := hd.ParsePath(path)
	if err != nil {
		return hd.Key{}, apdu.WrongData
	}
	master, err := x.d.wallet.key(x.d.memory.Mnemonic)
	if err != nil {
		return hd.Key{}, err
	}
	return master.Derive(indices)
}

// wallet is the master key of a mnemonic phrase. It takes 2048 hashes, so that it is kept.
type wallet struct {
	phrase string
	master hd.Key
}

func (w *wallet) key(phrase string) (hd.Key, error) {
	if w.phrase != phrase {
		master, err := hd.FromMnemonic(phrase)
		if err != nil {
			return hd.Key{}, err
		}
		*w = wallet{phrase, master}
	}
	return w.master, nil
}

func (x *exchange) Attest(digest [32]byte) ([]byte, error) { return x.d.se.Sign(digest) }

func (x *exchange) Random() (b [32]byte, err error) {
	_, err = io.ReadFull(x.d.random, b[:])
	return b, err
}

func (x *exchange) CheckBinding(signature, signed []byte) error {
	return x.d.checkBinding(signature, signed)
}

func (x *exchange) Binding() applet.Binding { return binding{x.d} }

// Confirm releases mu while it waits: what was read before may have changed. It returns errGone if the host gives up. An OK is
// for the wallet that was there when the user read the question.
func (x *exchange) Confirm(caption string, texts ...string) error {
	d := x.d
	wallet := d.memory.Mnemonic
	decided := make(chan error, 1)
	q := &question{pages: pages(texts...), gone: x.op.gone, caption: caption, reply: func(outcome error) { decided <- outcome }}
	d.ask(q)
	d.mu.Unlock()
	err := d.session.await(x.op, decided)
	d.mu.Lock()
	if d.question == q {
		d.question = nil
		d.changed("question withdrawn")
	}
	if err == nil && (!d.powered || x.op.over()) {
		return errGone
	}
	if err == nil && d.memory.Mnemonic != wallet {
		return errResetMeanwhile
	}
	return err
}
