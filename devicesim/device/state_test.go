package device

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device/hosttest"
	"imkey-connect/devicesim/fakeca"
)

func TestStateFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.json")
	d := newDevice(t, Options{StateFile: file, PIN: "1234", Mnemonic: testMnemonic})
	require.NoError(t, d.Unlock("1234"))
	h := newHost(t, d, 1)
	code := h.Bind()
	h.OK(hosttest.SelectCardManager)
	h.OK("FFDA4654056162636465" + "00")
	require.NoError(t, d.SetBattery(42))
	before := d.Status()
	cert := h.OK(hosttest.ReadCertificate)
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	require.NoError(t, d.Close())

	d = newDevice(t, Options{StateFile: file, PIN: "1234", Mnemonic: testMnemonic, Serial: before.Serial, SEID: strings.ToLower(before.SEID)})
	require.True(t, d.Status().Locked)
	require.NoError(t, d.Unlock("1234"))
	require.Equal(t, before, d.Status())
	h = newHost(t, d, 1)
	require.Equal(t, cert, h.OK(hosttest.ReadCertificate))
	require.Equal(t, "abcde", string(h.OK("FFDB465400")))
	require.Equal(t, hosttest.BoundToThis, h.Check())
	require.Equal(t, hosttest.RightCode, h.Verify(code))
	entries, err := os.ReadDir(filepath.Dir(file))
	require.NoError(t, err)
	require.Len(t, entries, 1, "there is no other file")
	require.NoError(t, d.Close())

	other, err := fakeca.New(nil)
	require.NoError(t, err)
	for name, o := range map[string]Options{
		"Serial": {Serial: "imKey01000000000"}, "SEID": {SEID: strings.Repeat("00", 16)}, "PIN": {PIN: "4321"}, "CA": {CA: other},
		"Mnemonic": {Mnemonic: "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"},
	} {
		o.StateFile = file
		_, err := New(o)
		var option *OptionError
		require.ErrorAs(t, err, &option, name)
		require.Equal(t, name, option.Option)
	}
}

// TestDamagedStateFile flips each bit and cuts the file at each length. Each is an error, and the file stays unchanged.
func TestDamagedStateFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.json")
	d := newDevice(t, Options{StateFile: file, PIN: "1234", Mnemonic: testMnemonic})
	require.NoError(t, d.Unlock("1234"))
	newHost(t, d, 1).Bind()
	want := d.memory
	require.NoError(t, d.Close())
	good, err := os.ReadFile(file)
	require.NoError(t, err)

	damaged := func(b []byte) {
		t.Helper()
		m, err := decodeState(file, b)
		if err == nil {
			// White space and the case of keys do not change the state.
			require.Equal(t, want, m)
			return
		}
		var state *StateError
		require.ErrorAs(t, err, &state)
		require.NotContains(t, err.Error(), "kidney")
	}
	for n := range good {
		damaged(good[:n])
	}
	for bit := range 8 * len(good) {
		b := bytes.Clone(good)
		b[bit/8] ^= 1 << (bit % 8)
		damaged(b)
	}
	for _, text := range []string{"null", "{}", "[]", `{"version":2}`, string(good) + "{}", `{"version":1,"sha256":"","device":{}}`, `{"version":1}`} {
		_, err := decodeState(file, []byte(text))
		require.Error(t, err, text)
	}

	require.NoError(t, os.WriteFile(file, good[:len(good)/2], 0o600))
	_, err = New(Options{StateFile: file})
	var state *StateError
	require.ErrorAs(t, err, &state)
	require.Contains(t, err.Error(), file)
	after, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, good[:len(good)/2], after)
	_, err = New(Options{StateFile: filepath.Join(file, "no", "such")})
	require.ErrorAs(t, err, &state)
}

// TestImpossibleState decodes files with a right checksum and a state that no device can be in.
func TestImpossibleState(t *testing.T) {
	d := newDevice(t, Options{PIN: "1234", Mnemonic: testMnemonic})
	good := d.memory
	for name, change := range map[string]func(*memory){
		"serial": func(m *memory) { m.Serial = "a b" }, "ca": func(m *memory) { m.CA = "04" },
		"pin": func(m *memory) { m.PIN = "x" }, "wrongPins": func(m *memory) { m.WrongPINs = 6 },
		"ble": func(m *memory) { m.BLEName = "" }, "battery": func(m *memory) { m.Battery = 101 },
		"mnemonic": func(m *memory) { m.Mnemonic += " wife" }, "codes": func(m *memory) { m.SE.WrongCodes = -1 },
		"certificate": func(m *memory) { m.SE.Certificate = nil },
	} {
		m := good
		change(&m)
		b, err := encodeState(m)
		require.NoError(t, err)
		_, err = decodeState("f", b)
		var state *StateError
		require.ErrorAs(t, err, &state, name)
	}
	b, err := json.Marshal(good)
	require.NoError(t, err)
	require.Contains(t, string(b), "kidney", "the file has secrets, which is the reason for its mode")
}

// cutDisk is a disk that loses power at one step. Data that was not synced is kept, lost, or kept by half. A rename that was not
// synced may be lost.
type cutDisk struct {
	t      *testing.T
	steps  int // until the cut; counted down
	cut    bool
	loss   int // how much of unsynced data is lost: 0 none, 1 half, 2 all
	undo   func()
	number int
}

var errCut = errors.New("power cut")

func (c *cutDisk) step() error {
	if c.cut {
		return errCut
	}
	c.number++
	if c.steps--; c.steps < 0 {
		c.cut = true
		if c.undo != nil {
			c.undo()
		}
		return errCut
	}
	return nil
}

type cutFile struct {
	disk *cutDisk
	path string
	file
	synced bool
}

func (c *cutDisk) create(path string) (file, error) {
	if err := c.step(); err != nil {
		return nil, err
	}
	f, err := osDisk{}.create(path)
	w := &cutFile{disk: c, path: path, file: f}
	c.undo = func() { // at the cut, data that was not synced may be lost
		if b, err := os.ReadFile(path); err == nil && !w.synced {
			require.NoError(c.t, os.WriteFile(path, b[:len(b)*(2-c.loss)/2], 0o600))
		}
	}
	return w, err
}

func (f *cutFile) Write(b []byte) (int, error) {
	if err := f.disk.step(); err != nil {
		return 0, err
	}
	return f.file.Write(b)
}

func (f *cutFile) Sync() error {
	if err := f.disk.step(); err != nil {
		return err
	}
	f.synced = true
	return f.file.Sync()
}

func (f *cutFile) Close() error {
	if err := f.file.Close(); err != nil {
		return err
	}
	return f.disk.step()
}

func (c *cutDisk) rename(from, to string) error {
	if err := c.step(); err != nil {
		return err
	}
	old, oldErr := os.ReadFile(to)
	next, err := os.ReadFile(from)
	require.NoError(c.t, err)
	before := c.undo
	c.undo = func() { // without a sync of the folder, the rename may be lost, or be durable before the data
		before()
		if c.loss > 0 && oldErr == nil {
			require.NoError(c.t, os.WriteFile(to, old, 0o600))
			require.NoError(c.t, os.WriteFile(from, next, 0o600))
		}
	}
	if err := (osDisk{}).rename(from, to); err != nil {
		return err
	}
	// From now on, data that was not synced belongs to the target.
	return nil
}

func (c *cutDisk) syncDir(dir string) error {
	if err := c.step(); err != nil {
		return err
	}
	c.undo = nil
	return osDisk{}.syncDir(dir)
}

// TestStateFileCut cuts the power at each step of a write. The file has either all old bytes or all new ones.
func TestStateFileCut(t *testing.T) {
	old, next := memoryOf(t, 1), memoryOf(t, 2)
	oldBytes, err := encodeState(old)
	require.NoError(t, err)
	nextBytes, err := encodeState(next)
	require.NoError(t, err)
	seenOld, seenNew := 0, 0
	for loss := range 3 {
		for steps := 0; ; steps++ {
			f := newStateFile(filepath.Join(t.TempDir(), "state.json"))
			require.NoError(t, f.write(oldBytes))
			disk := &cutDisk{t: t, steps: steps, loss: loss}
			f.disk = disk
			err := f.write(nextBytes)
			b, readErr := f.read()
			require.NoError(t, readErr)
			m, decodeErr := decodeState(f.path, b)
			require.NoError(t, decodeErr, "cut at step %d, loss %d", steps, loss)
			switch m.Serial {
			case old.Serial:
				seenOld++
				require.Error(t, err, "a write that has returned is durable")
			case next.Serial:
				seenNew++
			default:
				require.Fail(t, "neither")
			}
			f.disk = osDisk{}
			require.NoError(t, f.write(nextBytes), "a file that the cut left behind does not disturb")
			if !disk.cut {
				require.NoError(t, err)
				require.Equal(t, 6, disk.number, "create, write, sync, close, rename, sync of the folder")
				break
			}
			require.ErrorIs(t, err, errCut)
		}
	}
	t.Logf("%d times the old state, %d times the new one", seenOld, seenNew)
	require.Positive(t, seenOld)
	require.Positive(t, seenNew)
}

func memoryOf(t *testing.T, seed byte) memory {
	m, err := manufacture(Options{Rand: hosttest.Seeded(seed)})
	require.NoError(t, err)
	return m
}

// TestBindingCut cuts the power at each step of each write of an IDENTITY_VERIFY. Afterwards the binding is complete or absent,
// and a wrong code that was compared is counted.
func TestBindingCut(t *testing.T) {
	cuts := 0
	for _, right := range []bool{false, true} {
		for loss := range 3 {
			for steps := 0; ; steps++ {
				file := filepath.Join(t.TempDir(), "state.json")
				d := newDevice(t, Options{StateFile: file})
				h := newHost(t, d, 1)
				h.Check()
				code := shownCode(d)
				disk := &cutDisk{t: t, steps: steps, loss: loss}
				d.mu.Lock()
				d.file.disk = disk
				d.mu.Unlock()
				typed := code
				if !right {
					typed = hosttest.Wrong(code)
				}
				data, sw := h.Raw(h.Proof(typed))
				answered := sw == 0x9000
				require.Equal(t, answered, !disk.cut)
				require.NoError(t, d.Close())

				d = newDevice(t, Options{StateFile: file})
				h = newHost(t, d, 1)
				status, left := h.Check(), d.Status().CodeAttemptsLeft
				require.Contains(t, []byte{hosttest.Unbound, hosttest.BoundToThis}, status)
				if status == hosttest.BoundToThis {
					require.True(t, right)
					require.Equal(t, 10, left)
				}
				if answered {
					require.Equal(t, map[bool]byte{true: hosttest.RightCode, false: hosttest.WrongCode}[right], data[0])
					require.Equal(t, map[bool]byte{true: hosttest.BoundToThis, false: hosttest.Unbound}[right], status)
					require.Equal(t, map[bool]int{true: 10, false: 9}[right], left)
				}
				if steps >= 6 && status != hosttest.BoundToThis {
					require.Equal(t, 9, left, "counted before it was compared")
				}
				h.OK(hosttest.ShowCode)
				require.Equal(t, code, shownCode(d))
				require.Equal(t, hosttest.RightCode, h.Verify(code))
				require.NoError(t, d.Close())
				if answered {
					break
				}
				cuts++
			}
		}
	}
	t.Logf("%d cuts", cuts)
}

// TestPowerCutStopsCommands checks that PowerCut ends a command at its next write, without an answer, and that earlier writes
// are kept.
func TestPowerCutStopsCommands(t *testing.T) {
	d := newDevice(t, Options{})
	h := newHost(t, d, 1)
	h.Check()
	code := shownCode(d)
	d.dying.Store(true)
	h.Message(h.Proof(code))
	d.powerFails()
	await(t, d, "no power", func(s Status) bool { return !s.Plugged })
	require.NoError(t, d.Plug())
	h = newHost(t, d, 1)
	require.Equal(t, hosttest.Unbound, h.Check())
	require.Equal(t, hosttest.RightCode, h.Verify(code))
}

// TestDiskFull checks that a command has no effect if its effect cannot be stored.
func TestDiskFull(t *testing.T) {
	d := newDevice(t, Options{StateFile: filepath.Join(t.TempDir(), "state.json")})
	h := newHost(t, d, 1)
	h.Check()
	code := shownCode(d)
	d.mu.Lock()
	d.file.disk = &cutDisk{t: t}
	d.mu.Unlock()
	_, sw := h.Raw(h.Proof(code))
	require.Equal(t, errFault, sw)
	var state *StateError
	require.ErrorAs(t, d.Restore(testMnemonic), &state)
	require.ErrorAs(t, d.SetPIN("1234"), &state)
	require.ErrorAs(t, d.Reset(), &state)
	require.ErrorAs(t, d.SetBattery(1), &state)
	s := d.Status()
	require.Equal(t, []any{false, false, "code-shown", 100, 10}, []any{s.Wallet, s.PINSet, s.Binding, s.Battery, s.CodeAttemptsLeft})
	d.mu.Lock()
	d.file.disk = osDisk{}
	d.mu.Unlock()
	require.Equal(t, hosttest.RightCode, h.Verify(code))
}
