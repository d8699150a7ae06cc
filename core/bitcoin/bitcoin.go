// Package bitcoin is the Bitcoin applet of an imKey: addresses, extended keys, partially signed transactions and messages.
// core/PROTOCOL.md section 12 has the facts. Nothing of this applet was ever recorded from a device.
//
// The applet gets lists of inputs and the outputs that its host wants shown. Nothing ties them to the wallet. So this package finds out
// itself which inputs and which change belong to keys of the device, shows every other output, and checks the amounts, the scripts and
// each signature.
package bitcoin

import (
	"context"
	"strconv"
	"strings"

	"imkey-connect/core/apdu"
	"imkey-connect/core/device"
	"imkey-connect/core/errcode"
	"imkey-connect/core/hdkey"
	"imkey-connect/core/hdpath"
	"imkey-connect/core/secp256k1"
	"imkey-connect/core/signing"
)

// Applet is the Bitcoin applet.
const Applet = device.Applet("btc")

// The applet's instructions.
const (
	insList         = 0x31
	insSignWitness  = 0x32
	insShowAddress  = 0x36
	insSignTaproot  = 0x40
	insPublicKey    = 0x43
	insSignLegacy   = 0x45
	insPreview      = 0x4B
	insPage         = 0x4C
	insLegacyInputs = 0x50
	insSignMessage  = 0x51
)

// The tags of a payload with a binding signature, and of a message in it. Their lengths have one byte.
const (
	tagBody = 0x01
	tagHash = 0xA6
	tagPath = 0xA7
)

// The versions of the applet that first had the commands for transactions, and that for messages.
var (
	firstPSBT    = [3]int{1, 6, 0}
	firstMessage = [3]int{1, 6, 11}
)

// Bitcoin is the Bitcoin applet of an open device. Its methods may be called from any goroutine. Operations run one after another, each
// with the device to itself. When a context ends, the device is idle before the method returns. Besides the errors of
// [imkey-connect/core/ethereum.Ethereum] there is applet-outdated.
type Bitcoin struct{ applet *signing.Applet }

// New returns the Bitcoin applet of d. It sends nothing.
func New(d *device.Device, b signing.Binder) *Bitcoin { return &Bitcoin{signing.New(d, Applet, b)} }

// BIP44 returns the path of the type's first account: m/purpose'/coin'/0'/0/n.
func BIP44(t Type, network Network, n uint32) hdpath.Path {
	return hdpath.Path{t.Purpose() | hdpath.Hardened, network.coinType() | hdpath.Hardened, 0 | hdpath.Hardened, 0, n}
}

// TypeOfPath returns the type that a path stands for, and the network. A path that is not one of Bitcoin is an error.
func TypeOfPath(p hdpath.Path) (Type, Network, error) {
	if err := CheckPath(p); err != nil {
		return 0, 0, err
	}
	t, _ := typeOfPath(p)
	n, _ := networkOf(p)
	return t, n, nil
}

// Account is an address of the device's wallet.
type Account struct {
	Path      hdpath.Path
	Type      Type
	Address   string
	Script    []byte
	PublicKey secp256k1.PublicKey
}

// Account returns the address of a type at a path. The type and the network are those of the path if they are 0. If verify is set, the
// device shows the address until the user confirms it, or rejects it with the error user-rejected.
//
// An address of the main network at a path of testnet is refused with the reason [OtherNetwork]: a wallet that is restored would not find
// what it gets.
func (b *Bitcoin) Account(ctx context.Context, p hdpath.Path, t Type, n Network, verify bool) (Account, error) {
	ofPath, network, err := TypeOfPath(p)
	if err != nil {
		return Account{}, err
	}
	if t == 0 {
		t = ofPath
	}
	if n == 0 {
		n = network
	}
	if n == Mainnet && network != Mainnet {
		return Account{}, refuse("path", OtherNetwork, "a path of testnet for an address of mainnet")
	}
	var show func(*signing.Session, secp256k1.PublicKey) error
	if verify {
		show = func(s *signing.Session, key secp256k1.PublicKey) error { return showAddress(ctx, s, n.Address(t, key)) }
	}
	key, err := b.applet.Key(ctx, p, extendedKey, show)
	if err != nil {
		return Account{}, err
	}
	return Account{p, t, n.Address(t, key.PublicKey), t.Script(key.PublicKey), key.PublicKey}, nil
}

// ExtendedKey returns the extended public key at a path. It reads the key above as well, for the fingerprint.
func (b *Bitcoin) ExtendedKey(ctx context.Context, p hdpath.Path) (hdkey.ExtendedKey, error) {
	if err := CheckPath(p); err != nil {
		return hdkey.ExtendedKey{}, err
	}
	return b.applet.ExtendedKey(ctx, p, extendedKey)
}

// extendedKey asks for the key at a path. P1 01 says that this host verifies the signature of the answer.
func extendedKey(ctx context.Context, s *signing.Session, p hdpath.Path) (hdkey.ExtendedKey, error) {
	return s.ExtendedKey(ctx, apdu.New(0x80, insPublicKey, 0x01, 0x00, []byte(p.String())), p)
}

// showAddress shows the address on the screen and waits for the user. The applet gets the text, and no path.
func showAddress(ctx context.Context, s *signing.Session, text string) error {
	resp, err := s.Ask(ctx, apdu.New(0x80, insShowAddress, 0x00, 0x00, []byte(text)), device.UserTimeout)
	if err != nil {
		return err
	}
	return resp.SW.Err("show the address")
}

// checkVersion returns an error with code applet-outdated for an applet before a version.
func checkVersion(ctx context.Context, s *signing.Session, first [3]int) error {
	answer, err := s.Version(ctx)
	if err != nil {
		return err
	}
	var version [3]int
	ok, more, rest := true, true, answer
	for i := range version {
		ok = ok && more
		var part string
		part, rest, more = strings.Cut(rest, ".")
		ok = ok && len(part) > 0 && len(part) < 6
		for _, c := range []byte(part) {
			version[i] = version[i]*10 + int(c-'0')
			ok = ok && c >= '0' && c <= '9'
		}
	}
	ok = ok && !more
	if !ok {
		return errcode.New(errcode.Protocol, "the applet's version has another form than 1.6.11")
	}
	for i := range version {
		if version[i] != first[i] {
			if version[i] > first[i] {
				return nil
			}
			err := errcode.New(errcode.AppletOutdated, "the Bitcoin applet is too old for this")
			err.Data = map[string]any{"applet": "Bitcoin", "version": answer, "needed": versionText(first)}
			return err
		}
	}
	return nil
}

// versionText writes a version as the applet does.
func versionText(v [3]int) string {
	last := strconv.Itoa(v[2])
	if len(last) < 2 {
		last = "0" + last
	}
	return strconv.Itoa(v[0]) + "." + strconv.Itoa(v[1]) + "." + last
}

// signed is a payload with a binding signature: the field with it ‖ 01 ‖ length ‖ body. The signature is over what follows its field.
// body has at most 255 bytes.
func signed(s *signing.Session, body []byte) ([]byte, error) {
	field := append([]byte{tagBody, byte(len(body))}, body...)
	b, err := s.BindingField(field, []byte{0x00})
	return append(b, field...), err
}

// series is the form of a payload whose commands have one P1, and P2 80 in the last.
func series(ins, p1 byte) func(signing.Chunk) apdu.Command {
	return func(c signing.Chunk) apdu.Command {
		cmd := apdu.Command{CLA: 0x80, INS: ins, P1: p1, Data: c.Data}
		if c.Last {
			cmd.P2 = 0x80
		}
		return cmd
	}
}
