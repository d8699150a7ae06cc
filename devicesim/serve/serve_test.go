package serve

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/transport"
	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/trace"
)

func start(t *testing.T, o Options) *Simulator {
	s, err := Start(o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func body(t *testing.T, url string) string {
	response, err := http.Get(url)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, response.StatusCode, "%s", text)
	return string(text)
}

// The generator of secp256k1, as an app key.
const appKey = "0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798" +
	"483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"

// TestTraceHasNoCode has a code drawn and shown, and looks for it in the trace.
func TestTraceHasNoCode(t *testing.T) {
	s := start(t, Options{Devices: []device.Options{{}}})
	link, err := s.Device(1).Link(t.Context())
	require.NoError(t, err)
	channel, err := transport.Open(t.Context(), link)
	require.NoError(t, err)
	for _, command := range []string{"00a4040005695f696d6b00", "8071000041" + appKey + "00"} {
		apdu, err := hex.DecodeString(command)
		require.NoError(t, err)
		response, err := channel.Exchange(t.Context(), apdu, time.Minute, nil)
		require.NoError(t, err)
		require.Equal(t, "9000", hex.EncodeToString(response[len(response)-2:]))
	}
	require.NoError(t, channel.Close())

	var status device.Status
	require.NoError(t, json.Unmarshal([]byte(body(t, s.URL()+"/sim/v1/device")), &status))
	require.Equal(t, "code-shown", status.Binding)
	code := ""
	for _, line := range status.Screen {
		if len(strings.ReplaceAll(line, " ", "")) == 8 && strings.ToUpper(line) == line {
			code = strings.ReplaceAll(strings.TrimSpace(line), " ", "")
		}
	}
	require.Len(t, code, 8, "%q", status.Screen)

	lines := body(t, s.URL()+"/sim/v1/trace")
	require.Contains(t, lines, "SELECT IMK → ok")
	require.Contains(t, lines, "BIND_CHECK → unbound")
	require.Contains(t, lines, `"kind":"screen"`)
	require.Contains(t, lines, "attached by this process")
	for _, secret := range []string{code, hex.EncodeToString([]byte(code))} {
		require.NotContains(t, strings.ToUpper(lines), strings.ToUpper(secret))
	}
	scanner := bufio.NewScanner(strings.NewReader(lines))
	n := uint64(0)
	for scanner.Scan() {
		var e trace.Event
		require.NoError(t, json.Unmarshal(scanner.Bytes(), &e))
		n++
		require.Equal(t, n, e.N)
		require.NotEmpty(t, e.Text)
	}
}

func TestStartClosesEverythingOnFailure(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	for name, o := range map[string]Options{
		"no devices":      {},
		"a bad address":   {Addr: "nowhere.invalid:x", Devices: []device.Options{{}}},
		"a taken address": {USBIP: taken.Addr().String(), Devices: []device.Options{{}}},
		"a bad device":    {Devices: []device.Options{{}, {PIN: "x"}}},
	} {
		s, err := Start(o)
		require.Error(t, err, name)
		require.Nil(t, s, name)
	}
}

func TestCloseTwice(t *testing.T) {
	s := start(t, Options{USBIP: "127.0.0.1:0", Devices: []device.Options{{}, {}}})
	require.NoError(t, s.Close())
	require.NoError(t, s.Close())
	require.False(t, s.Device(2).Port().Plugged())
}

func TestAddresses(t *testing.T) {
	s := start(t, Options{Addr: "0.0.0.0:0", Devices: []device.Options{{}}})
	require.Regexp(t, `^http://127\.0\.0\.1:\d+$`, s.URL())
	require.Regexp(t, `^http://localhost:\d+$`, s.Origin("localhost"))
	require.Empty(t, s.USBIP())
}

// TestDevicesDiffer checks that devices with the same randomness draw different serial numbers and SEIDs, and none that another
// device has by its options.
func TestDevicesDiffer(t *testing.T) {
	luck := func() io.Reader { return rand.NewChaCha8([32]byte{7}) }
	alone := start(t, Options{Devices: []device.Options{{Rand: luck()}}}).Status(1)
	s := start(t, Options{Devices: []device.Options{{Rand: luck()}, {Rand: luck()}, {Rand: luck()}, {Serial: alone.Serial, SEID: alone.SEID}}})
	ids := map[string]bool{}
	for n := range 4 {
		ids[s.Status(n+1).Serial], ids[s.Status(n+1).SEID] = true, true
	}
	require.Len(t, ids, 2*4)
}

// full is a full disk.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, syscall.ENOSPC }
func (full) Close() error              { return nil }

func TestWriteErrorsOfARecordingAreReported(t *testing.T) {
	s, err := Start(Options{Devices: []device.Options{{}}, Recording: func(int) (io.WriteCloser, error) { return full{}, nil }})
	require.NoError(t, err)
	require.ErrorIs(t, s.Close(), syscall.ENOSPC)
}

func TestManyDevicesKeepShorterTraces(t *testing.T) {
	for devices, want := range map[int]int{1: 2000, 8: 2000, 16: 1000, 64: 250, 10000: 250} {
		require.Equal(t, want, traceSize(devices), "%d devices", devices)
	}
}
