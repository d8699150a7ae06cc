package device

import (
	"fmt"
	"io"
	"strings"

	"github.com/tyler-smith/go-bip39"
)

// parseMnemonic parses a mnemonic phrase of 12 or 24 words (BIP-39, English list). It returns the words in lower case with
// one space between them. Errors are ErrWordCount and ErrMnemonic.
func parseMnemonic(text string) (string, error) {
	words := strings.Fields(strings.ToLower(text))
	if len(words) != 12 && len(words) != 24 {
		return "", ErrWordCount
	}
	mnemonic := strings.Join(words, " ")
	if _, err := bip39.EntropyFromMnemonic(mnemonic); err != nil {
		return "", ErrMnemonic
	}
	return mnemonic, nil
}

// Restore restores the wallet of a mnemonic phrase. Errors are ErrWordCount, ErrMnemonic and ErrWalletExists.
func (d *Device) Restore(mnemonic string) error {
	return d.asUser(func() error {
		words, err := parseMnemonic(mnemonic)
		if err != nil {
			return err
		}
		if err := d.canMakeWallet(); err != nil {
			return err
		}
		return d.keepWallet(words)
	})
}

// Create draws a new wallet of 12 or 24 words and shows its first word. The user reads all words and then answers questions
// about three of them; the device stores the wallet after the last right answer. With Approve Yes it stores the wallet at
// once. With Approve No it returns ErrRejected.
func (d *Device) Create(words int) error {
	return d.asUser(func() error { return d.create(words) })
}

func (d *Device) create(words int) error {
	if words != 12 && words != 24 {
		return ErrWordCount
	}
	if err := d.canMakeWallet(); err != nil {
		return err
	}
	entropy := make([]byte, words*4/3)
	defer clear(entropy)
	if _, err := io.ReadFull(d.random, entropy); err != nil {
		return fmt.Errorf("device: %w", err)
	}
	mnemonic, err := bip39.NewMnemonic(entropy)
	if err != nil {
		return fmt.Errorf("device: %w", err)
	}
	switch d.approve {
	case Yes:
		return d.keepWallet(mnemonic)
	case No:
		return ErrRejected
	}
	d.show(&wordsView{words: strings.Fields(mnemonic)})
	return nil
}

func (d *Device) canMakeWallet() error {
	switch {
	case d.locked():
		return ErrLocked
	case d.asking() != nil:
		return ErrBusy
	case d.memory.Mnemonic != "":
		return ErrWalletExists
	}
	return nil
}

func (d *Device) keepWallet(mnemonic string) error {
	if err := d.update(func(m *memory) { m.Mnemonic, m.Activated = mnemonic, true }); err != nil {
		return err
	}
	if _, code := d.screen.(codeView); !code {
		d.show(d.rest())
	}
	d.changed("wallet ready")
	return nil
}
