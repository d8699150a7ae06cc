package tabs

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/usb"
	"imkey-connect/web/e2e/harness"
)

// TestTabsCompeteForADevice has three tabs, two of one site and one of another, open one device at the same time, and sometimes
// another program claims it. Every attempt succeeds or fails with an error that says who has the device. No exchange is
// interrupted, and after every round a tab opens the device without a new plug.
func TestTabsCompeteForADevice(t *testing.T) {
	t.Parallel()
	rounds := full(20, 200)
	seed := seed(t)
	random := rand.New(rand.NewPCG(seed, 0))
	var w wireOrder
	s := newTabs(t, 20*time.Minute, []string{"127.0.0.1", "localhost"}, device.Options{Mnemonic: harness.TestPhrase(t), Tap: w.tap})
	device := s.Devices[0]
	all := []*harness.Browser{s.tab("127.0.0.1"), s.tab("127.0.0.1"), s.tab("localhost")}
	site, foreign := all[:2], all[2]
	for _, b := range all {
		b.Run("await find()")
	}
	require.Equal(t, jobEnd{}, run(site[0], "await device.open(); await device.showBindingCode()"))
	require.Equal(t, jobEnd{}, run(site[0], fmt.Sprintf("await device.bind(%q); await device.close()", device.Code())))

	counts := map[string]int{}
	slowest := time.Duration(0)
	for round := range rounds {
		contenders := slices.Clone(site)
		if random.IntN(3) == 0 {
			contenders = slices.Clone(all)
		}
		random.Shuffle(len(contenders), func(i, j int) { contenders[i], contenders[j] = contenders[j], contenders[i] })
		program := random.IntN(10) == 0
		device.Simulated.Port().SetAccess(usb.Access{Claimed: program})
		began := time.Now()
		for _, b := range contenders {
			takeOver, keep, job := random.IntN(4) > 0, random.IntN(2) == 0, "await device.bindingStatus()"
			if b != foreign && random.IntN(2) == 0 {
				job = "await device.ethereum.getAccount({ verify: true, signal })" // the user does not answer
			}
			harness.Eval[bool](b, fmt.Sprintf(`begin(async (signal) => {
				try { await device.open({ takeOver: %v }); %s } finally { if (%v || signal.aborted) await device.close() }
			})`, takeOver, job, !keep))
		}
		waits := 0
		for _, b := range contenders {
			if harness.Eval[string](b, "settled()") == "waiting" {
				waits++
			}
		}
		for _, b := range contenders { // ends the jobs that wait for the user
			b.Run("stop()")
		}
		for _, b := range contenders {
			o := harness.Eval[jobEnd](b, "within(30000)")
			counts[o.String()]++
			require.Contains(t, []string{"", "in-use-elsewhere", "aborted"}, o.Code, "round %d of seed %d: %v", round, seed, o)
			if o.Code == "in-use-elsewhere" {
				require.Contains(t, []string{"tab", "program"}, o.Holder, "round %d of seed %d", round, seed)
				require.True(t, o.Holder == "tab" || program || len(contenders) == 3, "round %d of seed %d: no program claims the device", round, seed)
			}
			require.True(t, o.Code != "aborted" || waits > 0, "round %d of seed %d", round, seed)
		}
		slowest = max(slowest, time.Since(began))

		device.Simulated.Port().SetAccess(usb.Access{})
		foreign.Run("await device.close()")
		next := site[random.IntN(2)]
		require.Equal(t, jobEnd{}, run(next, `
			await device.open({ takeOver: true })
			if (await device.bindingStatus() !== 'bound') throw new Error('it is not bound')`), "round %d of seed %d", round, seed)
		if random.IntN(2) == 0 {
			next.Run("await device.close()")
		}
	}
	exchanges, cancels := w.check(t)
	lost := harness.Eval[int](site[0], "lost") + harness.Eval[int](site[1], "lost")
	require.Positive(t, lost)
	require.Positive(t, counts["done"])
	t.Logf("seed %d: %d rounds, %d exchanges and %d CANCELs, none interrupted; the device was taken over %d times; attempts: %s; the slowest round took %v",
		seed, rounds, exchanges, cancels, lost, tally(counts), slowest.Round(time.Millisecond))
}

// seed returns the seed of IMKEY_SEED, or a new one.
func seed(t *testing.T) uint64 {
	seed := uint64(time.Now().UnixNano()) % 1_000_000
	if text := os.Getenv("IMKEY_SEED"); text != "" {
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		require.NoError(t, err)
	}
	return seed
}

// tally writes counts as a list.
func tally(counts map[string]int) string {
	var all []string
	for what, n := range counts {
		all = append(all, fmt.Sprintf("%d %s", n, what))
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}
