package tabs

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tyler-smith/go-bip39"

	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/hd"
	"imkey-connect/devicesim/usb"
	"imkey-connect/web/e2e/harness"
)

// ask is a script that opens the devices which are plugged in, all at once, and asks each of them for everything that could be
// mixed up.
const ask = `
	globalThis.plugged = async (serials) => { // waits until these devices are listed, and no others
		const is = async () => (await imkey.getDevices()).map((d) => d.serialNumber).sort().join() === serials
		const changed = () => new Promise((ok) => { for (const e of ['connect', 'disconnect']) imkey.addEventListener(e, ok, { once: true }) })
		for (;;) {
			const next = changed()
			if (await is()) return true
			await next
		}
	}
	globalThis.ask = async (serials, text, keep) => JSON.stringify(await Promise.all((await imkey.getDevices()).filter((d) => serials.includes(d.serialNumber)).map(async (d) => {
		const code = (e) => e.code ?? String(e)
		try {
			const { seid, serial } = await d.open()
			const answer = {
				serial: d.serialNumber, info: serial, seid,
				status: await d.bindingStatus().catch(code),
				code: await d.revealBindingCode().catch(code),
				address: await d.ethereum.getAccount().then((a) => a.address, code),
				signature: await d.ethereum.signMessage(text + serial).then((s) => s.signature, code),
			}
			if (!keep.includes(d.serialNumber)) await d.close()
			return answer
		} catch (e) {
			return { serial: d.serialNumber, status: code(e) }
		}
	})))`

// answer is what a device answered.
type answer struct{ Serial, Info, SEID, Status, Code, Address, Signature string }

// owned is one of the ten devices, and what it must answer.
type owned struct {
	n       int // its index in Sim.Devices
	serial  string
	seid    string
	address string
	code    string

	mu  sync.Mutex
	bus []byte // what went over its bus
}

// tap records what goes over the bus.
func (o *owned) tap(e usb.TapEvent) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.bus = append(o.bus, e.Data...)
}

// saw says whether a text went over the bus of the device in clear.
func (o *owned) saw(secret string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return bytes.Contains(o.bus, []byte(secret))
}

// TestTenDevicesAreNeverMixedUp plugs ten bound devices in and out at random. Each is always recognised: its address and its
// signatures are those of its own wallet, and its code is its own. A device that copies the serial number or the SEID of
// another one receives nothing that belongs to that one.
func TestTenDevicesAreNeverMixedUp(t *testing.T) {
	t.Parallel()
	const ten = 10
	rounds := full(20, 200)
	seed := seed(t)
	random := rand.New(rand.NewPCG(seed, 1))
	devices := make([]*owned, ten)
	options := make([]device.Options, ten, ten+2)
	for i := range devices {
		entropy := make([]byte, 16)
		for j := range entropy {
			entropy[j] = byte(random.Uint32())
		}
		phrase, err := bip39.NewMnemonic(entropy)
		require.NoError(t, err)
		o := &owned{
			n: i, serial: fmt.Sprintf("imKey011912%05d", 10000+i), address: addressOf(t, phrase),
			seid: strings.ToUpper(hex.EncodeToString(append(entropy[:14:14], 0xEE, byte(i)))),
		}
		devices[i] = o
		options[i] = device.Options{Serial: o.serial, SEID: o.seid, Mnemonic: phrase, Approve: device.Yes, Tap: o.tap}
	}
	// Two impostors: one with the serial number of the first device, one with the serial number and the SEID of the second.
	var namesake, double owned
	options = append(options,
		device.Options{Serial: devices[0].serial, Mnemonic: options[2].Mnemonic, Approve: device.Yes, Tap: namesake.tap},
		device.Options{Serial: devices[1].serial, SEID: devices[1].seid, Mnemonic: options[1].Mnemonic, Approve: device.Yes, Tap: double.tap})
	s := newTabs(t, 30*time.Minute, []string{"127.0.0.1"}, options...)
	for _, d := range s.Devices[ten:] {
		d.Unplug()
	}
	b := s.tab("127.0.0.1")
	b.Run(ask)
	in := map[int]bool{}
	for i := range devices {
		in[i] = true
	}
	there := func() {
		var serials []string
		for i := range in {
			serials = append(serials, devices[i].serial)
		}
		slices.Sort(serials)
		require.True(t, harness.Eval[bool](b, fmt.Sprintf("plugged(%q)", strings.Join(serials, ","))))
	}
	there()
	for _, o := range devices {
		require.Equal(t, jobEnd{}, run(b, fmt.Sprintf("await find(%q); await device.open(); await device.showBindingCode()", o.serial)))
		o.code = s.Devices[o.n].Code()
		require.Equal(t, jobEnd{}, run(b, fmt.Sprintf("await device.bind(%q); await device.close()", o.code)))
	}

	asked := func(round int, of []int) map[string]answer {
		var serials, keep []string
		for _, i := range of {
			serials = append(serials, devices[i].serial)
			if random.IntN(2) == 0 {
				keep = append(keep, devices[i].serial)
			}
		}
		var answers []answer
		text := harness.Eval[string](b, fmt.Sprintf("ask(%s, 'round %d of ', %s)", jsList(serials), round, jsList(keep)))
		require.NoError(t, json.Unmarshal([]byte(text), &answers))
		by := map[string]answer{}
		for _, a := range answers {
			by[a.Serial] = a
		}
		require.Len(t, by, len(of), text)
		return by
	}
	checked, plugs := 0, 0
	check := func(round int, of []int) {
		by := asked(round, of)
		for _, i := range of {
			o := devices[i]
			a := by[o.serial]
			where := fmt.Sprintf("device %d in round %d of seed %d", i, round, seed)
			require.Equal(t, answer{Serial: o.serial, Info: o.serial, SEID: o.seid, Status: "bound", Code: o.code, Address: a.Address, Signature: a.Signature}, a, where)
			require.Equal(t, o.address, strings.ToLower(a.Address), where)
			require.Equal(t, o.address, harness.Signer(t, harness.PersonalDigest(fmt.Sprintf("round %d of %s", round, o.serial)), a.Signature), where)
			checked++
		}
	}
	for round := range rounds {
		order := random.Perm(ten)[:1+random.IntN(full(4, ten))]
		for _, i := range order {
			plugs++
			if in[i] {
				s.Devices[i].Unplug()
				delete(in, i)
			} else {
				s.Devices[i].Plug()
				in[i] = true
			}
		}
		there()
		var of []int
		for i := range in {
			of = append(of, i)
		}
		slices.Sort(of)
		random.Shuffle(len(of), func(i, j int) { of[i], of[j] = of[j], of[i] })
		check(round, of[:min(len(of), full(3, ten))])
	}

	for i := range devices {
		if in[i] {
			s.Devices[i].Unplug()
			delete(in, i)
		}
	}
	for i, impostor := range map[int]*owned{0: &namesake, 1: &double} {
		there()
		s.Devices[ten+i].Plug()
		in[i] = true
		there()
		a := asked(rounds, []int{i})[devices[i].serial]
		s.Devices[ten+i].Unplug()
		delete(in, i)
		there()
		want := answer{Serial: devices[i].serial, Info: devices[i].serial, SEID: a.SEID, Status: "unbound", Code: "not-bound", Address: "not-bound", Signature: "not-bound"}
		if i == 1 {
			want.SEID, want.Status = devices[1].seid, "device-mismatch"
			want.Code, want.Address, want.Signature = want.Status, want.Status, want.Status
		} else {
			require.NotEqual(t, devices[0].seid, a.SEID)
		}
		require.Equal(t, want, a, "an impostor")
		require.False(t, impostor.saw(devices[i].code))
		s.Devices[i].Plug()
		in[i] = true
		there()
		check(rounds, []int{i}) // the real one is unchanged
		s.Devices[i].Unplug()
		delete(in, i)
	}
	for _, o := range devices {
		for _, other := range devices {
			require.False(t, o.saw(other.code), "no code is sent to a device in clear")
		}
	}
	t.Logf("seed %d: ten devices, %d rounds, %d times plugged in or out, %d times opened and asked, none mixed up; two impostors got nothing",
		seed, rounds, plugs, checked)
}

// jsList writes strings as a JavaScript array.
func jsList(all []string) string {
	b, _ := json.Marshal(append([]string{}, all...))
	return string(b)
}

// addressOf returns the first Ethereum address of a wallet. It does not use core.
func addressOf(t *testing.T, phrase string) string {
	t.Helper()
	master, err := hd.FromMnemonic(phrase)
	require.NoError(t, err)
	path, err := hd.ParsePath("m/44'/60'/0'/0/0")
	require.NoError(t, err)
	key, err := master.Derive(path)
	require.NoError(t, err)
	public := key.Private().PubKey().SerializeUncompressed()
	return "0x" + hex.EncodeToString(harness.Keccak(public[1:])[12:])
}
