package simtest_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/binding"
	coredevice "imkey-connect/core/device"
	"imkey-connect/core/ethereum"
	"imkey-connect/devicesim/device"
)

// TestDevicesSignAtOnce has many bound devices in one process sign at the same time. Every signature is right, and no device holds up
// another. IMKEY_FULL takes 1,000 devices. IMKEY_DEVICES gives the numbers, separated by commas; then the times are written into the
// folder IMKEY_BENCH, which make bench does.
func TestDevicesSignAtOnce(t *testing.T) {
	counts := []int{20}
	if os.Getenv("IMKEY_FULL") != "" {
		counts = []int{1000}
	}
	if list := os.Getenv("IMKEY_DEVICES"); list != "" {
		counts = nil
		for text := range strings.SplitSeq(list, ",") {
			n, err := strconv.Atoi(text)
			require.NoError(t, err)
			counts = append(counts, n)
		}
	}
	from, err := ethereum.ParseAddress(testAddress)
	require.NoError(t, err)
	const each = 4 // signatures of a device
	var times, speeds [][]float64
	for _, count := range counts {
		type signer struct {
			ethereum *ethereum.Ethereum
			packets  *counter
		}
		signers := make([]signer, count)
		var group sync.WaitGroup
		slots := make(chan struct{}, runtime.GOMAXPROCS(0))
		for n := range signers {
			d := newDevice(t, device.Options{Mnemonic: testPhrase, Approve: device.Yes})
			group.Go(func() {
				slots <- struct{}{}
				defer func() { <-slots }()
				h := newHost(t, d)
				link, err := d.Link(h.ctx)
				if err != nil {
					t.Error(err)
					return
				}
				c := &counter{Link: link}
				dev, err := coredevice.Open(h.ctx, c, nil)
				if err != nil {
					t.Error(err)
					return
				}
				b := binding.New(dev, binding.Config{Store: h.store, TrustedCAs: h.trustedCAs})
				if _, err := b.Status(h.ctx); err != nil {
					t.Error(err)
					return
				}
				if err := b.Bind(h.ctx, h.readCode(d), binding.BindOptions{}); err != nil {
					t.Error(err)
					return
				}
				signers[n] = signer{ethereum.New(dev, binder(b, binding.Consent{})), c}
				if _, err := signers[n].ethereum.SignMessage(h.ctx, by, []byte("first")); err != nil {
					t.Error(err)
				}
				c.taken()
			})
		}
		group.Wait()
		require.False(t, t.Failed())

		began := time.Now()
		for _, s := range signers {
			group.Go(func() {
				for i := range each {
					signed, err := s.ethereum.SignMessage(t.Context(), by, []byte{'m', byte('0' + i)})
					if err != nil || signed.From != from {
						t.Error(err)
						return
					}
				}
			})
		}
		group.Wait()
		took := time.Since(began)
		require.False(t, t.Failed())
		packets := 0
		for _, s := range signers {
			packets += s.packets.taken()
		}
		perCore := float64(packets) / took.Seconds() / float64(runtime.GOMAXPROCS(0))
		t.Logf("%d devices: %d signatures, %d packets in %v, %.0f packets per second and core", count, count*each, packets, took.Round(time.Millisecond), perCore)
		times = append(times, []float64{float64(took.Microseconds()) / 1000 / each})
		speeds = append(speeds, []float64{perCore})
	}
	if folder := os.Getenv("IMKEY_BENCH"); folder != "" {
		text, err := json.Marshal(map[string]any{"x": counts, "ms": times, "packets": speeds})
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(folder, "devices.json"), text, 0o644))
	}
}
