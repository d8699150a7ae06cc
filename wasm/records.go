//go:build js && wasm

package main

import (
	"context"
	"errors"

	"github.com/hack-pad/safejs"

	"imkey-connect/bridge/interop"
	"imkey-connect/bridge/jsstore"
	"imkey-connect/bridge/records"
	"imkey-connect/core/binding"
	"imkey-connect/core/errcode"
)

// The kinds of stores.
const (
	indexedDB = "indexeddb"
	memory    = "memory"
	own       = "own" // the page's object
)

// storeChoice is a page's choice of a store: a name, or an object of the page.
type storeChoice struct {
	name   string
	object safejs.Value
}

// value returns the choice as the page made it.
func (s storeChoice) value() any {
	if s.name != "" {
		return s.name
	}
	return s.object
}

func (s storeChoice) is(other storeChoice) bool {
	return s.name == other.name && (s.name != "" || s.object.Equal(other.object))
}

func readStore(o *interop.Object) storeChoice {
	v := o.Value("store")
	if name, ok := interop.String(v); ok && (name == indexedDB || name == memory) {
		return storeChoice{name: name}
	}
	if !interop.IsObject(v) {
		o.Refuse("store", `"indexeddb", "memory" or a Store`)
	}
	return storeChoice{object: v}
}

func (c *core) store(choice storeChoice) (binding.Store, error) {
	switch choice.name {
	case indexedDB:
		return c.indexedDB(), nil
	case memory:
		return c.memory, nil
	}
	store, err := jsstore.New(choice.object)
	if err != nil {
		return nil, err
	}
	return c.share(store, own, choice.object), nil
}

// memoryObject returns the store in memory for the module that exports and imports bindings. The SDK gives it to no other code:
// with it, records leave this module's memory.
func (c *core) memoryObject() (any, error) {
	ctx := context.Background()
	object := map[string]any{}
	for name, function := range map[string]func(seid string, args []safejs.Value) (any, error){
		"get": func(seid string, _ []safejs.Value) (any, error) {
			b, err := c.memory.Get(ctx, seid)
			if errors.Is(err, binding.ErrNoRecord) {
				return safejs.Undefined(), nil
			}
			if err != nil {
				return nil, err
			}
			defer clear(b)
			return interop.Uint8Array(b)
		},
		"put": func(seid string, args []safejs.Value) (any, error) {
			b, ok := interop.Bytes(interop.Argument(args, 1), 1<<16)
			if !ok {
				return nil, errcode.Invalid("record", "not a Uint8Array")
			}
			defer clear(b)
			return nil, c.memory.Put(ctx, seid, b)
		},
		"delete": func(seid string, _ []safejs.Value) (any, error) { return nil, c.memory.Delete(ctx, seid) },
		"list": func(string, []safejs.Value) (any, error) {
			seids, err := c.memory.List(ctx)
			list := make([]any, len(seids))
			for i, seid := range seids {
				list[i] = seid
			}
			return list, err
		},
	} {
		f, err := c.exporter.Func(name, func(args []safejs.Value) (any, error) {
			seid, _ := interop.String(interop.Argument(args, 0))
			if name != "list" && !binding.ValidSEID(seid) {
				return nil, binding.ErrSEID
			}
			return function(seid, args)
		})
		if err != nil {
			return nil, err
		}
		object[name] = safejs.Unsafe(f.Value())
	}
	return object, nil
}

func (c *core) share(store binding.Store, kind string, object safejs.Value) binding.Store {
	choice := storeChoice{name: kind}
	if kind == own {
		choice = storeChoice{object: object}
	}
	return records.Share(store, kind, c.locks, func(seid string, now *binding.Known) { c.recordChanged(choice, seid, now) })
}

// recordChanged updates the open devices of a changed record, and calls the page's recordChanged.
func (c *core) recordChanged(choice storeChoice, seid string, now *binding.Known) {
	c.mu.Lock()
	var about []*openDevice
	for _, d := range c.devices {
		if d.options.store.is(choice) && d.device.Info().SEID == seid {
			about = append(about, d)
		}
	}
	c.mu.Unlock()
	for _, d := range about {
		d.setKnown(now)
	}
	if interop.Is(c.changed, safejs.TypeFunction) {
		_, _ = c.changed.Invoke(choice.value(), seid) // an exception of the page is ignored
	}
}

// look reads what the record says, for the device's info. An error is ignored: it comes again when a call needs the record.
func (d *openDevice) look(ctx context.Context, store binding.Store) {
	if known, err := binding.Look(ctx, store, d.device.Info().SEID); err == nil {
		d.mu.Lock()
		d.known = &known
		d.mu.Unlock()
	}
}

func (d *openDevice) setKnown(now *binding.Known) {
	d.mu.Lock()
	d.known = now
	d.mu.Unlock()
	_ = d.object.Set("info", d.info())
}

// recordArguments reads the arguments of a call for records. options is the index of the options, which name the store. The
// first argument is the SEID, unless options is 0.
func (c *core) recordArguments(args []safejs.Value, options int) (a recordArguments, err error) {
	if options > 0 {
		a.seid, _ = interop.String(interop.Argument(args, 0))
		if !binding.ValidSEID(a.seid) {
			return a, binding.ErrSEID
		}
	}
	o := interop.ReadObject(interop.Argument(args, options), "options")
	a.choice, a.shown = readStore(o), records.ReadShown(o)
	if o.Err() != nil {
		return a, o.Err()
	}
	a.store, err = c.store(a.choice)
	return a, err
}

// recordArguments are the arguments of a call for records.
type recordArguments struct {
	choice storeChoice
	store  binding.Store
	seid   string
	shown  *binding.Identity // the device that the user saw, or nil
}

// known implements known(options), which returns what the records of a store say.
func (c *core) known(args []safejs.Value) (any, error) {
	a, err := c.recordArguments(args, 0)
	if err != nil {
		return nil, err
	}
	all, err := binding.List(context.Background(), a.store)
	if err != nil {
		return nil, err
	}
	list := make([]any, len(all))
	for i, k := range all {
		list[i] = records.KnownDevice(k)
	}
	return list, nil
}

// rename implements rename(seid, name | null, options).
func (c *core) rename(args []safejs.Value) (any, error) {
	a, err := c.recordArguments(args, 2)
	if err != nil {
		return nil, err
	}
	name, ok := interop.String(interop.Argument(args, 1))
	if !ok && !interop.Argument(args, 1).IsNull() {
		return nil, errcode.Invalid("name", "neither a string nor null")
	}
	return nil, binding.Rename(context.Background(), a.store, a.seid, name, a.shown)
}

// forget implements forget(seid, options).
func (c *core) forget(args []safejs.Value) (any, error) {
	a, err := c.recordArguments(args, 1)
	if err != nil {
		return nil, err
	}
	return nil, binding.Forget(context.Background(), a.store, a.seid, a.shown)
}

// reread implements reread(seid, options), which the SDK calls after another module changed the record.
func (c *core) reread(args []safejs.Value) (any, error) {
	a, err := c.recordArguments(args, 1)
	if err != nil {
		return nil, err
	}
	known, err := binding.Look(context.Background(), a.store, a.seid)
	if err != nil {
		c.recordChanged(a.choice, a.seid, nil)
		return nil, nil
	}
	c.recordChanged(a.choice, a.seid, &known)
	return nil, nil
}
