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
	"imkey-connect/core/errcode"
)

// core is the module's one object. Its functions, and those of the devices, live as long as the module: a device's methods
// are the module's, bound to the device's number, so that a closed device has nothing to release and its methods still
// answer.
type core struct {
	exporter interop.Exporter
	methods  map[string]*interop.Func // of a device; the first argument is its number
	locks    safejs.Value

	// One store each for all of a page, made when first asked for.
	indexedDB func() binding.Store
	memory    binding.Store
	changed   safejs.Value // the page's recordChanged, once init brought it

	mu        sync.Mutex
	devices   map[int]*openDevice
	alive     map[*openDevice]struct{} // those, and those that are being opened
	last      int
	persisted *bool // the browser's answer, once there is one
}

func newCore() (*core, error) {
	c := &core{devices: map[int]*openDevice{}, alive: map[*openDevice]struct{}{}, methods: map[string]*interop.Func{}, locks: records.Locks(), changed: safejs.Undefined()}
	c.indexedDB = sync.OnceValue(func() binding.Store {
		return c.share(idb.New(idb.Browser(), c.setPersisted), indexedDB, safejs.Undefined())
	})
	c.memory = c.share(&binding.MemoryStore{}, memory, safejs.Undefined())
	for name, method := range deviceMethods {
		f, err := c.exporter.Func(name, func(args []safejs.Value) (any, error) {
			d, err := c.device(argument(args, 0))
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

// object is the core as JavaScript sees it.
func (c *core) object() (safejs.Value, error) {
	initialise, err := interop.CallbackReturning(func(args []safejs.Value) any {
		host := argument(args, 0)
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
		"open": c.open, "known": c.known, "rename": c.rename, "forget": c.forget, "reread": c.reread,
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
	// Not by the exporter: all of it is done when the call returns.
	suspend, err := interop.Callback(func([]safejs.Value) { c.suspend() })
	if err != nil {
		return safejs.Undefined(), err
	}
	object["suspend"] = safejs.Unsafe(suspend.Value())
	return safejs.ValueOf(object)
}

func (c *core) open(args []safejs.Value) (any, error) {
	options, err := readOpenOptions(argument(args, 1))
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
	if err := d.open(ctx, argument(args, 0), store); err != nil {
		c.drop(d)
		return nil, d.cause(err)
	}
	return d.object, nil
}

// drop forgets a device.
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
		return nil, errcode.New(errcode.Internal, "a method of no device")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if d := c.devices[n]; d != nil {
		return d, nil
	}
	return nil, errClosed
}

// setPersisted takes the browser's answer into the info of every open device.
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
