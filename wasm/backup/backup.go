//go:build js && wasm

package main

import (
	"context"
	"sync"

	"github.com/hack-pad/safejs"

	"imkey-connect/bridge/idb"
	"imkey-connect/bridge/interop"
	"imkey-connect/bridge/jsstore"
	"imkey-connect/bridge/records"
	"imkey-connect/core/binding"
	"imkey-connect/core/errcode"
	"imkey-connect/wasm/backup/sealed"
)

// backup is the object that the module gives to JavaScript.
type backup struct {
	exporter interop.Exporter
	env      idb.Env
	locks    safejs.Value
	work     int // the work factor of new files
	once     sync.Once
	ended    chan struct{}
}

// object returns the JavaScript object of the backup.
func (b *backup) object() (safejs.Value, error) {
	initialise, err := interop.CallbackReturning(func(args []safejs.Value) any {
		if makeError, err := interop.Get(interop.Argument(args, 0), "makeError"); err == nil {
			b.exporter.SetErrorFactory(makeError)
		}
		return safejs.Undefined()
	})
	if err != nil {
		return safejs.Undefined(), err
	}
	end, err := interop.Callback(func([]safejs.Value) { b.once.Do(func() { close(b.ended) }) })
	if err != nil {
		return safejs.Undefined(), err
	}
	object := map[string]any{"init": safejs.Unsafe(initialise.Value()), "end": safejs.Unsafe(end.Value())}
	for name, function := range map[string]func([]safejs.Value) (any, error){
		"exportBinding": b.exportBinding, "importBinding": b.importBinding,
	} {
		f, err := b.exporter.Func(name, function)
		if err != nil {
			return safejs.Undefined(), err
		}
		object[name] = safejs.Unsafe(f.Value())
	}
	return safejs.ValueOf(object)
}

func (b *backup) exportBinding(args []safejs.Value) (any, error) {
	seid, _ := interop.String(interop.Argument(args, 0))
	if !binding.ValidSEID(seid) {
		return nil, binding.ErrSEID
	}
	passphrase, err := readPassphrase(interop.Argument(args, 1))
	if err != nil {
		return nil, err
	}
	if err := sealed.CheckNew(passphrase); err != nil {
		return nil, err
	}
	options, err := b.read(interop.Argument(args, 2))
	if err != nil {
		return nil, err
	}
	defer options.end()
	record, err := binding.Export(options.ctx, options.store, seid, options.shown)
	if err != nil {
		return nil, err
	}
	defer clear(record)
	file, err := sealed.Seal(record, passphrase, b.work)
	if err != nil {
		return nil, err
	}
	return interop.Uint8Array(file)
}

func (b *backup) importBinding(args []safejs.Value) (any, error) {
	if !interop.IsBytes(interop.Argument(args, 0)) {
		return nil, errcode.Invalid("file", "not a Uint8Array")
	}
	file, ok := interop.Bytes(interop.Argument(args, 0), sealed.MaxFile)
	if !ok {
		return nil, binding.InvalidFile("not-a-binding", "the file is too long")
	}
	passphrase, err := readPassphrase(interop.Argument(args, 1))
	if err != nil {
		return nil, err
	}
	options, err := b.read(interop.Argument(args, 2))
	if err != nil {
		return nil, err
	}
	defer options.end()
	record, err := sealed.Open(file, passphrase)
	if err != nil {
		return nil, err
	}
	defer clear(record)
	known, err := binding.Import(options.ctx, options.store, record, options.choices)
	if err != nil {
		return nil, err
	}
	return records.KnownDevice(known), nil
}

// options are the options of one call.
type options struct {
	ctx     context.Context // ends when the caller's signal fires
	store   binding.Store
	choices binding.ImportOptions
	shown   *binding.Identity // the device that the user saw, or nil
	end     func()
}

func (b *backup) read(v safejs.Value) (options, error) {
	o := interop.ReadObject(v, "options")
	var options options
	if replace := o.OptionalBool("replace"); replace != nil {
		options.choices.Replace = *replace
	}
	if seid := o.Value("seid"); !seid.IsUndefined() {
		options.choices.SEID, _ = interop.String(seid)
		if !binding.ValidSEID(options.choices.SEID) {
			o.Adopt(binding.ErrSEID)
		}
	}
	if serial := o.Value("serial"); !serial.IsUndefined() {
		options.choices.Serial, _ = interop.String(serial)
		if options.choices.Serial == "" {
			o.Adopt(errcode.Invalid(o.At("serial"), "not a serial number"))
		}
	}
	options.shown = records.ReadShown(o)
	store, signal := o.Value("store"), o.Value("signal")
	if o.Err() != nil {
		return options, o.Err()
	}
	var err error
	kind, named := interop.String(store)
	closeStore := func() {}
	switch {
	case named && kind == "indexeddb":
		database := idb.New(b.env, nil)
		options.store, closeStore = database, database.Close
	case named && kind == "memory":
		options.store, err = jsstore.New(o.Value("memory"))
	default:
		kind = "own"
		options.store, err = jsstore.New(store)
	}
	if err != nil {
		return options, err
	}
	options.store = records.Share(options.store, kind, b.locks, nil)
	ctx, stop, err := interop.WithSignal(context.Background(), signal)
	if err != nil {
		closeStore()
		return options, err
	}
	options.ctx, options.end = ctx, func() { closeStore(); stop() }
	return options, nil
}

// readPassphrase reads a passphrase in NFKC.
func readPassphrase(v safejs.Value) (string, error) {
	passphrase, ok := interop.NFKC(v, sealed.MaxPassphrase)
	if !ok {
		return "", errcode.Because(errcode.InvalidArgument, "passphrase", "the passphrase is not a string or is too long")
	}
	return passphrase, nil
}
