package simtest_test

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/binding"
	coredevice "imkey-connect/core/device"
	"imkey-connect/core/ethereum"
	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/serve"
	"imkey-connect/devicesim/simtest"
)

// perDevice is the maximum memory of a device that was bound and has signed, with its trace, in bytes.
const perDevice = 150_000

// TestAFarmOfDevices binds and signs ten times with many devices in one process, each with its own state, screen, trace and control
// path. With IMKEY_FULL=1 it has a thousand devices.
func TestAFarmOfDevices(t *testing.T) {
	sizes := []int{10, 30}
	if os.Getenv("IMKEY_FULL") != "" {
		sizes = []int{10, 100, 1000}
	}
	bindAndSign(t, newDevice(t, device.Options{Mnemonic: testPhrase, Approve: device.Yes})) // allocates the tables of the curves first
	for _, n := range sizes {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			before := heap()
			began := time.Now()
			options := serve.Options{}
			for range n {
				options.Devices = append(options.Devices, device.Options{Mnemonic: testPhrase, Approve: device.Yes})
			}
			s, err := serve.Start(options)
			require.NoError(t, err)
			t.Cleanup(func() { s.Close() })
			made := time.Since(began)
			idle := heap() - before

			began = time.Now()
			turn := make(chan int)
			var working sync.WaitGroup
			for range 16 { // a host that opens a device first waits whether it is quiet
				working.Go(func() {
					for i := range turn {
						bindAndSign(t, s.Device(i))
					}
				})
			}
			for i := range n {
				turn <- i + 1
			}
			close(turn)
			working.Wait()
			worked := time.Since(began)
			require.False(t, t.Failed())
			used := heap() - before
			serials := map[string]bool{}
			for i := range n {
				status := s.Status(i + 1)
				require.Equal(t, "bound", status.Binding)
				serials[status.Serial] = true
			}
			require.Len(t, serials, n)
			t.Logf("%4d devices: made in %v; bound, signed 10 times each in %v, %v a device; %d bytes of heap a device when new, %d after that (over the link in process: what sockets and browsers take is not in it)",
				n, made.Round(time.Millisecond), worked.Round(time.Millisecond), (worked / time.Duration(n)).Round(time.Millisecond/10), idle/int64(n), used/int64(n))
			require.Less(t, used/int64(n), int64(perDevice))
		})
	}
}

// heap returns the memory in use after a garbage collection.
func heap() int64 {
	runtime.GC()
	runtime.GC() // frees what finalizers have released
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func bindAndSign(t *testing.T, d *device.Device) {
	h := newHost(t, d)
	link, err := d.Link(h.ctx)
	if !check(t, err) {
		return
	}
	dev, err := coredevice.Open(h.ctx, link, nil)
	if !check(t, err) {
		return
	}
	defer dev.Close()
	b := binding.New(dev, binding.Config{Store: h.store, TrustedCAs: h.trustedCAs})
	if _, err := b.Status(h.ctx); !check(t, err) || !check(t, b.ShowCode(h.ctx)) {
		return
	}
	code, err := simtest.ReadCode(h.ctx, d)
	if !check(t, err) || !check(t, b.Bind(h.ctx, code, binding.BindOptions{})) {
		return
	}
	e := ethereum.New(dev, h)
	for range 10 {
		signed, err := e.SignMessage(h.ctx, by, []byte("one of ten"))
		if !check(t, err) {
			return
		}
		if signed.From.String() != testAddress {
			t.Errorf("signed by %s", signed.From)
		}
	}
}

// check is require.NoError for other goroutines than the test's.
func check(t *testing.T, err error) bool {
	if err != nil {
		t.Error(err)
	}
	return err == nil
}
