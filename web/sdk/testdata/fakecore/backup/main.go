//go:build js && wasm

// Command backup stands in for imkey-backup.wasm.
package main

import (
	"os"
	"syscall/js"
)

func main() {
	instance := os.Args[1]
	ready := js.Global().Get(instance)
	js.Global().Delete(instance)
	ended := make(chan struct{})

	backup := js.Global().Get("Object").New()
	var host js.Value
	backup.Set("init", function(func(args []js.Value) any {
		host = args[0]
		return nil
	}))
	backup.Set("exportBinding", function(func(args []js.Value) any {
		switch args[1].String() {
		case "stop":
			go os.Exit(4)
			return js.Global().Get("Promise").New(function(func([]js.Value) any { return nil }))
		case "never":
			return js.Global().Get("Promise").New(function(func([]js.Value) any { return nil }))
		}
		// What it was called with, for the test to look at.
		return resolved(js.Global().Get("TextEncoder").New().Call("encode", told(args)))
	}))
	backup.Set("importBinding", function(func(args []js.Value) any {
		if args[1].String() == "wrong" {
			return rejected(host.Call("makeError", "wrong-passphrase", "another passphrase", js.Undefined(), true, js.Undefined()))
		}
		return resolved(map[string]any{"seid": "19060000000200860001010000000014", "name": told(args), "serial": instance})
	}))
	backup.Set("end", function(func([]js.Value) any {
		close(ended)
		return nil
	}))
	ready.Invoke(backup)
	<-ended
}

func told(args []js.Value) string {
	list := js.Global().Get("Array").New()
	for _, a := range args {
		list.Call("push", a)
	}
	return js.Global().Get("JSON").Call("stringify", list).String()
}

func function(f func([]js.Value) any) js.Func {
	return js.FuncOf(func(_ js.Value, args []js.Value) any { return f(args) })
}

func resolved(v any) js.Value        { return js.Global().Get("Promise").Call("resolve", v) }
func rejected(err js.Value) js.Value { return js.Global().Get("Promise").Call("reject", err) }
