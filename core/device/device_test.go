package device_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/apdu"
	"imkey-connect/core/device"
	"imkey-connect/core/errcode"
	"imkey-connect/core/frame"
	"imkey-connect/core/transport/transporttest"
)

const seid = "19060000000200860001010000000014"

// The commands of the card manager: core/PROTOCOL.md section 3.
const (
	selectManager    = "00A4040000"
	selectIMK        = "00A4040005695F696D6B00"
	selectBootLoader = "00A404000BD0426F6F746C6F6164657200"
	readSEID         = "80CB800005DFFF028101"
	readSerial       = "80CA004400"
	readFirmware     = "80CB800005DFFF02800300"
	readBootLoader   = "80CA800900"
	readCertificate  = "80CABF2106A6048302151800"
	readBattery      = "00D6FEED01"
	readLifeCycle    = "80CB800005DFFF02814700"
	readOldLifeCycle = "FFDCFEED00"
	readBLEName      = "FFDB465400"
	readBLEVersion   = "80CB800005DFFF02810000"
)

// imKey is a device that answers all commands of the card manager.
func imKey() *transporttest.Table {
	d := transporttest.NewTable()
	d.Answer(selectManager, "9000")
	d.Answer(selectBootLoader, "6A82")
	d.Answer(readSEID, seid+"9000")
	d.Answer(readSerial, "696D4B65793031313931323030303031"+"9000")
	d.Answer(readFirmware, "12059000")
	d.Answer(readBootLoader, "11009000")
	d.Answer(readCertificate, "7F21009000")
	d.Answer(readBattery, "559000")
	d.Answer(readLifeCycle, "019000")
	d.Answer(readBLEName, "696D4B657934"+"9000")
	d.Answer(readBLEVersion, "21009000")
	return d
}

// bubble runs a test in fake time with a device.
func bubble(t *testing.T, d func() *transporttest.Table, test func(t *testing.T, d *transporttest.Table)) {
	synctest.Test(t, func(t *testing.T) {
		table := d()
		defer table.Unplug()
		go table.Play(t.Context())
		test(t, table)
	})
}

func TestIdentify(t *testing.T) {
	bubble(t, imKey, func(t *testing.T, d *transporttest.Table) {
		dev, err := device.Open(t.Context(), d, nil)
		require.NoError(t, err)
		require.Equal(t, device.Info{
			SEID: seid, Serial: "imKey01191200001", Firmware: "1.2.05", BootLoader: "1.1.00", Battery: 85,
			LifeCycle: "activated", BLEName: "imKey4", BLEVersion: "2.1.00", Certificate: []byte{0x7F, 0x21, 0},
		}, dev.Info())
		require.ElementsMatch(t, []string{selectManager, readSEID, readSerial, readFirmware, readBootLoader, readCertificate,
			readBattery, readLifeCycle, readBLEName, readBLEVersion}, d.Sent())
		require.Equal(t, selectManager, d.Sent()[0])
	})
}

func TestUnansweredFieldsAreEmpty(t *testing.T) {
	least := func() *transporttest.Table {
		d := transporttest.NewTable() // 6D00 to the rest
		d.Answer(selectManager, "9000")
		d.Answer(readSEID, seid+"9000")
		d.Answer(readSerial, "419000")
		return d
	}
	bubble(t, least, func(t *testing.T, d *transporttest.Table) {
		dev, err := device.Open(t.Context(), d, nil)
		require.NoError(t, err)
		require.Equal(t, device.Info{SEID: seid, Serial: "A", Battery: -1}, dev.Info())
	})
}

func TestStrangeAnswersToOptionalCommands(t *testing.T) {
	for name, c := range map[string]struct {
		command, answer string
		check           func(*testing.T, device.Info)
	}{
		"charging":                             {readBattery, "FF9000", func(t *testing.T, i device.Info) { require.True(t, i.Charging); require.Equal(t, -1, i.Battery) }},
		"empty":                                {readBattery, "009000", func(t *testing.T, i device.Info) { require.False(t, i.Charging); require.Zero(t, i.Battery) }},
		"full":                                 {readBattery, "649000", func(t *testing.T, i device.Info) { require.Equal(t, 100, i.Battery) }},
		"101 percent":                          {readBattery, "659000", func(t *testing.T, i device.Info) { require.False(t, i.Charging); require.Equal(t, -1, i.Battery) }},
		"no battery byte":                      {readBattery, "9000", func(t *testing.T, i device.Info) { require.Equal(t, -1, i.Battery) }},
		"two battery bytes":                    {readBattery, "55559000", func(t *testing.T, i device.Info) { require.Equal(t, -1, i.Battery) }},
		"not activated":                        {readLifeCycle, "009000", func(t *testing.T, i device.Info) { require.Equal(t, "not-activated", i.LifeCycle) }},
		"an unknown life cycle":                {readLifeCycle, "779000", func(t *testing.T, i device.Info) { require.Empty(t, i.LifeCycle) }},
		"a firmware version that is too short": {readFirmware, "129000", func(t *testing.T, i device.Info) { require.Empty(t, i.Firmware) }},
		"a firmware version that is too long":  {readFirmware, "1234567890123456789000", func(t *testing.T, i device.Info) { require.Empty(t, i.Firmware) }},
		"no firmware version":                  {readFirmware, "9000", func(t *testing.T, i device.Info) { require.Empty(t, i.Firmware) }},
		"a name of escapes":                    {readBLEName, "1B5B324A9000", func(t *testing.T, i device.Info) { require.Empty(t, i.BLEName) }},
		"an empty certificate":                 {readCertificate, "9000", func(t *testing.T, i device.Info) { require.Empty(t, i.Certificate) }},
		"an odd certificate":                   {readCertificate, "00FF009000", func(t *testing.T, i device.Info) { require.Equal(t, []byte{0, 0xFF, 0}, i.Certificate) }},
		"a refused certificate":                {readCertificate, "00FF006A80", func(t *testing.T, i device.Info) { require.Empty(t, i.Certificate) }},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, imKey, func(t *testing.T, d *transporttest.Table) {
				d.Answer(c.command, c.answer)
				dev, err := device.Open(t.Context(), d, nil)
				require.NoError(t, err)
				c.check(t, dev.Info())
			})
		})
	}
}

func TestNativeLifeCycles(t *testing.T) {
	for answer, want := range map[string]string{"80": "initialised", "89": "activated", "81": "no-pin", "83": "no-wallet",
		"84": "creating", "85": "recovering", "86": "ready", "00": ""} {
		bubble(t, imKey, func(t *testing.T, d *transporttest.Table) {
			d.Answer(readLifeCycle, "6D00")
			d.Answer(readOldLifeCycle, answer+"9000")
			dev, err := device.Open(t.Context(), d, nil)
			require.NoError(t, err)
			require.Equal(t, want, dev.Info().LifeCycle)
		})
	}
}

func TestRefusedDevices(t *testing.T) {
	for name, c := range map[string]struct {
		rows map[string]string
		want errcode.Code
	}{
		"no card manager":                              {map[string]string{selectManager: "6A82"}, errcode.NotIMKey},
		"a card manager that refuses":                  {map[string]string{selectManager: "6985"}, errcode.NotIMKey},
		"in its boot loader":                           {map[string]string{selectManager: "6A82", selectBootLoader: "9000"}, errcode.BootLoader},
		"a boot loader that selects":                   {map[string]string{readSEID: "6D00", readSerial: "6D00", selectBootLoader: "9000"}, errcode.BootLoader},
		"no SEID":                                      {map[string]string{readSEID: "6D00"}, errcode.NotIMKey},
		"an empty SEID":                                {map[string]string{readSEID: "9000"}, errcode.NotIMKey},
		"a SEID of 15 bytes":                           {map[string]string{readSEID: seid[2:] + "9000"}, errcode.NotIMKey},
		"a SEID of 17 bytes":                           {map[string]string{readSEID: seid + "009000"}, errcode.NotIMKey},
		"no serial number":                             {map[string]string{readSerial: "6D00"}, errcode.NotIMKey},
		"a serial number of bytes":                     {map[string]string{readSerial: "00019000"}, errcode.NotIMKey},
		"a serial number with CR LF":                   {map[string]string{readSerial: "410D0A9000"}, errcode.NotIMKey},
		"an answer of one byte to SELECT":              {map[string]string{selectManager: "90"}, errcode.Protocol},
		"an answer of one byte":                        {map[string]string{readSEID: "90"}, errcode.Protocol},
		"an answer of one byte to an optional command": {map[string]string{readBattery: "90"}, errcode.Protocol},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, imKey, func(t *testing.T, d *transporttest.Table) {
				for command, answer := range c.rows {
					d.Answer(command, answer)
				}
				dev, err := device.Open(t.Context(), d, nil)
				require.Equal(t, c.want, errcode.Of(err), "%v", err)
				require.Nil(t, dev)
				_, err = d.Receive(t.Context())
				require.ErrorIs(t, err, errcode.DeviceDisconnected, "the link is closed")
			})
		})
	}
}

func TestSilentDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pipe := transporttest.NewPipe()
		_, err := device.Open(t.Context(), pipe, nil)
		require.Equal(t, errcode.Timeout, errcode.Of(err))
		_, err = pipe.Receive(t.Context())
		require.ErrorIs(t, err, errcode.DeviceDisconnected)
	})
}

func TestUnpluggedDuringIdentification(t *testing.T) {
	bubble(t, imKey, func(t *testing.T, d *transporttest.Table) {
		d.On(readCertificate, func([]byte) []byte { d.Unplug(); return nil })
		_, err := device.Open(t.Context(), d, nil)
		require.Equal(t, errcode.DeviceDisconnected, errcode.Of(err))
	})
}

func TestSelectingApplets(t *testing.T) {
	for name, c := range map[string]struct {
		imk, boot string
		want      errcode.Code
	}{
		"there":                        {"9000", "6A82", ""},
		"with its version":             {"312E302E309000", "6A82", ""},
		"missing":                      {"6A82", "6A82", errcode.AppletMissing},
		"missing, boot loader refuses": {"6A82", "6D00", errcode.AppletMissing},
		"in the boot loader":           {"6A82", "9000", errcode.BootLoader},
		"locked":                       {"F081", "6A82", errcode.Locked},
		"in its menu":                  {"F080", "6A82", errcode.InMenu},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, imKey, func(t *testing.T, d *transporttest.Table) {
				dev, err := device.Open(t.Context(), d, nil)
				require.NoError(t, err)
				d.Answer(selectIMK, c.imk)
				d.Answer(selectBootLoader, c.boot)
				err = dev.Do(t.Context(), func(s *device.Session) error {
					require.Equal(t, seid, s.SEID())
					return s.Select(t.Context(), device.IMK)
				})
				require.Equal(t, c.want, errcode.Of(err))
			})
		})
	}
}

func TestCertificate(t *testing.T) {
	bubble(t, imKey, func(t *testing.T, d *transporttest.Table) {
		dev, err := device.Open(t.Context(), d, nil)
		require.NoError(t, err)
		read := func() (b []byte, err error) {
			err = dev.Do(t.Context(), func(s *device.Session) (err error) { b, err = s.Certificate(t.Context()); return err })
			return b, err
		}
		b, err := read()
		require.NoError(t, err)
		require.Equal(t, []byte{0x7F, 0x21, 0}, b)
		d.Answer(readCertificate, "6D00")
		_, err = read()
		require.Equal(t, errcode.UnsupportedMethod, errcode.Of(err))
		d.Answer(selectManager, "F000")
		_, err = read()
		require.Equal(t, errcode.WalletMissing, errcode.Of(err))
	})
}

// pendingIMK makes SELECT of the IMK applet wait for a user who never answers.
func pendingIMK(d *transporttest.Table) (arrived chan struct{}) {
	arrived = make(chan struct{}, 10)
	d.On(selectIMK, func([]byte) []byte {
		d.Reply(frame.KeepAlive(2))
		arrived <- struct{}{}
		return nil
	})
	return arrived
}

func selectIMKOn(dev *device.Device, ctx context.Context) error {
	return dev.Do(ctx, func(s *device.Session) error { return s.Select(ctx, device.IMK) })
}

func TestCloseEndsAnOperation(t *testing.T) {
	bubble(t, imKey, func(t *testing.T, d *transporttest.Table) {
		arrived := pendingIMK(d)
		dev, err := device.Open(t.Context(), d, nil)
		require.NoError(t, err)
		failed := make(chan error, 2)
		for range 2 { // one at it, one waiting for its turn
			go func() { failed <- selectIMKOn(dev, t.Context()) }()
		}
		<-arrived
		synctest.Wait()
		require.NoError(t, dev.Close())
		for range 2 {
			require.Equal(t, errcode.DeviceDisconnected, errcode.Of(<-failed))
		}
		require.NoError(t, dev.Close(), "a second time is no error")
		require.Equal(t, errcode.DeviceDisconnected, errcode.Of(selectIMKOn(dev, t.Context())))
		err = dev.Do(t.Context(), func(*device.Session) error { t.Error("an operation on a closed device"); return nil })
		require.Equal(t, errcode.DeviceDisconnected, errcode.Of(err))
		require.Equal(t, seid, dev.Info().SEID, "the information stays readable")
	})
}

func TestOneOperationAtATime(t *testing.T) {
	bubble(t, imKey, func(t *testing.T, d *transporttest.Table) {
		dev, err := device.Open(t.Context(), d, nil)
		require.NoError(t, err)
		inside, leave := make(chan struct{}), make(chan struct{})
		done := make(chan error, 2)
		go func() {
			done <- dev.Do(t.Context(), func(*device.Session) error { close(inside); <-leave; return nil })
		}()
		<-inside
		second := false
		go func() {
			done <- dev.Do(t.Context(), func(*device.Session) error { second = true; return nil })
		}()
		synctest.Wait()
		require.False(t, second, "it waits for its turn")
		require.Equal(t, seid, dev.Info().SEID, "meanwhile the information is readable")

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err = dev.Do(ctx, func(*device.Session) error { return nil })
		require.Equal(t, errcode.Timeout, errcode.Of(err))
		ctx, abort := context.WithCancel(t.Context())
		abort()
		err = dev.Do(ctx, func(*device.Session) error { return nil })
		require.Equal(t, errcode.Aborted, errcode.Of(err))

		close(leave)
		require.NoError(t, <-done)
		require.NoError(t, <-done)
		require.True(t, second)
	})
}

func TestOperationAfterAPanic(t *testing.T) {
	bubble(t, imKey, func(t *testing.T, d *transporttest.Table) {
		dev, err := device.Open(t.Context(), d, nil)
		require.NoError(t, err)
		require.Panics(t, func() { _ = dev.Do(t.Context(), func(*device.Session) error { panic("a bug") }) })
		require.NoError(t, dev.Do(t.Context(), func(*device.Session) error { return nil }))
	})
}

func TestWaitingIsReportedOnceAndEnds(t *testing.T) {
	bubble(t, imKey, func(t *testing.T, d *transporttest.Table) {
		arrived := pendingIMK(d)
		var told []bool
		dev, err := device.Open(t.Context(), d, func(waits bool) { told = append(told, waits) })
		require.NoError(t, err)
		require.Empty(t, told)
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-arrived; cancel() }()
		require.Equal(t, errcode.Aborted, errcode.Of(selectIMKOn(dev, ctx)))
		require.Equal(t, []bool{true, false}, told, "after each of the outcomes")
		d.Answer(selectIMK, "9000")
		require.NoError(t, selectIMKOn(dev, t.Context()))
		require.Len(t, told, 2)
	})
}

// It is not known whether real devices send keep-alives. A device that sends none must count as waiting, too.
func TestSilentDeviceThatAsksIsWaiting(t *testing.T) {
	show := apdu.New(0x80, 0x56, 0, 0, nil)
	for name, c := range map[string]struct {
		after time.Duration // until the answer; 0 is at once
		told  []time.Duration
	}{
		"at once":     {0, nil},
		"soon":        {200 * time.Millisecond, nil},
		"in a minute": {time.Minute, []time.Duration{300 * time.Millisecond, time.Minute}},
		"never":       {time.Hour, []time.Duration{300 * time.Millisecond, 2*time.Minute + 300*time.Millisecond}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, imKey, func(t *testing.T, d *transporttest.Table) {
				d.On("8056", func([]byte) []byte {
					if c.after == time.Hour {
						return nil
					}
					time.Sleep(c.after) // of fake time
					return []byte{0x90, 0x00}
				})
				var began time.Time
				var told []time.Duration
				dev, err := device.Open(t.Context(), d, func(waits bool) {
					require.Equal(t, len(told)%2 == 0, waits)
					told = append(told, time.Since(began))
				})
				require.NoError(t, err)
				began = time.Now()
				err = dev.Do(t.Context(), func(s *device.Session) error {
					_, err := s.Ask(t.Context(), show, 2*time.Minute)
					return err
				})
				if c.after == time.Hour {
					require.Equal(t, errcode.Timeout, errcode.Of(err))
				} else {
					require.NoError(t, err)
				}
				require.Equal(t, c.told, told, "once at the beginning and once at the end")

				if c.after == time.Minute { // a command that does not ask the user is only slow
					told = nil
					require.NoError(t, dev.Do(t.Context(), func(s *device.Session) error {
						_, err := s.Transmit(t.Context(), show, 2*time.Minute)
						return err
					}))
					require.Empty(t, told)
				}
			})
		})
	}
}

func TestKeepAlivesAreReportedOnce(t *testing.T) {
	bubble(t, imKey, func(t *testing.T, d *transporttest.Table) {
		d.On("8056", func([]byte) []byte {
			for range 5 {
				time.Sleep(500 * time.Millisecond) // of fake time
				d.Reply(frame.KeepAlive(2))
			}
			return []byte{0x90, 0x00}
		})
		var told []bool
		dev, err := device.Open(t.Context(), d, func(waits bool) { told = append(told, waits) })
		require.NoError(t, err)
		require.NoError(t, dev.Do(t.Context(), func(s *device.Session) error {
			_, err := s.Ask(t.Context(), apdu.New(0x80, 0x56, 0, 0, nil), time.Second)
			return err
		}))
		require.Equal(t, []bool{true, false}, told)
	})
}

func TestTransmitReturnsEveryStatusWord(t *testing.T) {
	bubble(t, imKey, func(t *testing.T, d *transporttest.Table) {
		dev, err := device.Open(t.Context(), d, nil)
		require.NoError(t, err)
		d.Answer("8072", "AB6985")
		err = dev.Do(t.Context(), func(s *device.Session) error {
			r, err := s.Transmit(t.Context(), apdu.New(0x80, 0x72, 0, 0, nil), 0)
			require.Equal(t, apdu.Response{Data: []byte{0xAB}, SW: apdu.ConditionsNotSatisfied}, r)
			return err
		})
		require.NoError(t, err)
		err = dev.Do(t.Context(), func(s *device.Session) error {
			_, err := s.Transmit(t.Context(), apdu.New(0x80, 0x72, 0, 0, make([]byte, 256)), 0)
			return err
		})
		require.Equal(t, errcode.Internal, errcode.Of(err))
	})
}
