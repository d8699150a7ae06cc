//go:build js && wasm

package main

import (
	"context"
	"strings"
	"sync"

	"github.com/hack-pad/safejs"

	"imkey-connect/bridge/idb"
	"imkey-connect/bridge/interop"
	"imkey-connect/bridge/records"
	"imkey-connect/core/binding"
	"imkey-connect/core/device"
	"imkey-connect/core/errcode"
)

// core is the object that the module gives to JavaScript. Its functions and those of the devices exist as long as the module. A
// device's method is a function of the module bound to the device's number, so that a closed device has no function to
// release, and its methods still answer.
type core struct {
	exporter interop.Exporter
	methods  map[string]*interop.Func // the methods of devices; the first argument is the device's number
	locks    safejs.Value

	// The stores of the page.
	indexedDB func() binding.Store // made by the first call
	memory    binding.Store
	changed   safejs.Value // recordChanged of the page, after init

	mu        sync.Mutex
	devices   map[int]*openDevice
	alive     map[*openDevice]struct{} // these devices, and those that are being opened
	last      int                      // the last device's number
	plugs     []plug                   // the devices that were open, the last one last
	persisted *bool                    // whether the browser keeps the site's data, once it answered
}

func newCore() (*core, error) {
	c := &core{devices: map[int]*openDevice{}, alive: map[*openDevice]struct{}{}, methods: map[string]*interop.Func{}, locks: records.Locks(), changed: safejs.Undefined()}
	c.indexedDB = sync.OnceValue(func() binding.Store {
		return c.share(idb.New(idb.Browser(), c.setPersisted), indexedDB, safejs.Undefined())
	})
	c.memory = c.share(&binding.MemoryStore{}, memory, safejs.Undefined())
	for name, method := range deviceMethods {
		f, err := c.exporter.Func(name, func(args []safejs.Value) (any, error) {
			d, err := c.device(interop.Argument(args, 0))
			if err != nil {
				if name == "close" && err == errClosed {
					return nil, nil
				}
				return nil, err
			}
			return method(d, args[1:])
		})
		if err != nil {
			return nil, err
		}
		c.methods[name] = f
	}
	return c, nil
}

// object returns the JavaScript object of the core.
func (c *core) object() (safejs.Value, error) {
	initialise, err := interop.CallbackReturning(func(args []safejs.Value) any {
		host := interop.Argument(args, 0)
		if makeError, err := interop.Get(host, "makeError"); err == nil {
			c.exporter.SetErrorFactory(makeError)
		}
		if changed, err := interop.Get(host, "recordChanged"); err == nil {
			c.changed = changed
		}
		return safejs.Undefined()
	})
	if err != nil {
		return safejs.Undefined(), err
	}
	object := map[string]any{"init": safejs.Unsafe(initialise.Value())}
	for name, function := range map[string]func([]safejs.Value) (any, error){
		"open": c.open, "known": c.known, "rename": c.rename, "forget": c.forget, "reread": c.reread, "describe": describeRequest,
	} {
		f, err := c.exporter.Func(name, function)
		if err != nil {
			return safejs.Undefined(), err
		}
		object[name] = safejs.Unsafe(f.Value())
	}
	if object["memory"], err = c.memoryObject(); err != nil {
		return safejs.Undefined(), err
	}
	// A plain callback and no exported function, since suspend must be done when the call returns.
	suspend, err := interop.Callback(func(args []safejs.Value) {
		busy, _ := interop.Argument(args, 0).Truthy()
		c.suspend(busy)
	})
	if err != nil {
		return safejs.Undefined(), err
	}
	object["suspend"] = safejs.Unsafe(suspend.Value())
	return safejs.ValueOf(object)
}

func (c *core) open(args []safejs.Value) (any, error) {
	options, err := readOpenOptions(interop.Argument(args, 1))
	if err != nil {
		return nil, err
	}
	store, err := c.store(options.store)
	if err != nil {
		return nil, err
	}
	d := &openDevice{core: c, options: options, turn: make(chan struct{}, 1), asks: interaction{"reason": confirm}}
	d.life, d.end = context.WithCancelCause(context.Background())
	ctx, stop, err := interop.WithSignal(d.life, options.signal)
	if err != nil {
		return nil, err
	}
	defer stop()
	c.mu.Lock()
	c.alive[d] = struct{}{}
	c.mu.Unlock()
	if err := d.open(ctx, interop.Argument(args, 0), store); err != nil {
		c.drop(d)
		return nil, d.cause(err)
	}
	return d.object, nil
}

// plug is a device that was open and was not unplugged since, as far as the page knows: when it is plugged in again, the browser has
// another USBDevice for it. device is nil for one that was found to be another one than the page believed.
type plug struct {
	usb    safejs.Value
	device *device.Device
}

// maxPlugs bounds the devices that are remembered.
const maxPlugs = 16

// before returns the device of an earlier open of this plug-in. doubted reports that the next open has to read its certificate.
func (c *core) before(usb safejs.Value) (d *device.Device, doubted bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.plugs {
		if p.usb.Equal(usb) {
			return p.device, p.device == nil
		}
	}
	return nil, false
}

// keep remembers a device for the next open. If d is nil, the next open reads what the device is.
func (c *core) keep(usb safejs.Value, d *device.Device) {
	c.mu.Lock()
	defer c.mu.Unlock()
	plugs := make([]plug, 0, len(c.plugs)+1)
	for _, p := range c.plugs {
		if !p.usb.Equal(usb) {
			plugs = append(plugs, p)
		}
	}
	plugs = append(plugs, plug{usb, d})
	c.plugs = plugs[max(0, len(plugs)-maxPlugs):]
}

// drop removes a device from the core.
func (c *core) drop(d *openDevice) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.alive, d)
	delete(c.devices, d.number)
}

// add gives a device its number and its JavaScript object.
func (c *core) add(d *openDevice) (safejs.Value, error) {
	object, err := safejs.ValueOf(map[string]any{})
	if err != nil {
		return object, err
	}
	c.mu.Lock()
	c.last++
	d.number = c.last
	c.devices[d.number] = d
	c.mu.Unlock()
	parts := map[string]safejs.Value{"": object}
	for name, f := range c.methods {
		part, method := "", name
		if before, after, ok := strings.Cut(name, "."); ok {
			part, method = before, after
		}
		if _, ok := parts[part]; !ok {
			if parts[part], err = safejs.ValueOf(map[string]any{}); err != nil {
				return object, err
			}
			if err := object.Set(part, parts[part]); err != nil {
				return object, err
			}
		}
		bound, err := interop.CallNow(f.Value(), "bind", safejs.Null(), d.number)
		if err == nil {
			err = parts[part].Set(method, bound)
		}
		if err != nil {
			return object, err
		}
	}
	return object, object.Set("info", d.info())
}

var errClosed = errcode.New(errcode.DeviceDisconnected, "this device was closed; open it again")

func (c *core) device(number safejs.Value) (*openDevice, error) {
	n, ok := interop.Int(number, 1<<30)
	if !ok {
		return nil, errcode.New(errcode.Internal, "the method has no device")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if d := c.devices[n]; d != nil {
		return d, nil
	}
	return nil, errClosed
}

// setPersisted stores the browser's answer, and sets it in the info of every open device.
func (c *core) setPersisted(answer bool) {
	c.mu.Lock()
	c.persisted = &answer
	open := make([]*openDevice, 0, len(c.devices))
	for _, d := range c.devices {
		open = append(open, d)
	}
	c.mu.Unlock()
	for _, d := range open {
		_ = d.object.Set("info", d.info())
	}
}

func (c *core) persistence() any {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.persisted == nil {
		return nil
	}
	return *c.persisted
}
