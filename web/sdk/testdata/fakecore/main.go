//go:build js && wasm

// Command fakecore stands in for imkey.wasm: it speaks to imkey.js as imkey.wasm does, and misbehaves when a test wants it to.
package main

import (
	"os"
	"syscall/js"
)

func main() {
	instance := os.Args[1]
	ready := js.Global().Get(instance)
	js.Global().Delete(instance)
	if !js.Global().Get(instance).IsUndefined() {
		panic("the entry could not be deleted")
	}

	core := js.Global().Get("Object").New()
	var host js.Value
	core.Set("init", function(func(args []js.Value) any {
		host = args[0]
		return nil
	}))
	core.Set("open", function(func(args []js.Value) any {
		usb, options := args[0], args[1]
		if usb.Get("productId").Int() != 0x0891 {
			return rejected(host.Call("makeError", "not-imkey", "not an imKey", js.Undefined(), false, js.Undefined()))
		}
		if script := usb.Get("core"); script.Truthy() { // the test plays the device
			return script.Invoke(options, host)
		}
		return resolved(device(host, usb, options, instance))
	}))
	core.Set("memory", map[string]any{"of": "the first module"})
	core.Set("known", function(func([]js.Value) any { return resolved([]any{}) }))
	core.Set("describe", function(func(args []js.Value) any {
		return resolved(map[string]any{"blind": false, "digest": args[0], "value": args[1], "options": append(args, js.Undefined())[2]})
	}))
	for _, name := range []string{"rename", "forget", "reread"} {
		core.Set(name, function(func(args []js.Value) any {
			host.Call("recordChanged", args[len(args)-1].Get("store"), args[0])
			return resolved(js.Undefined())
		}))
	}
	ready.Invoke(core)
	select {}
}

func device(host, usb, options js.Value, instance string) js.Value {
	onEvent := options.Get("onEvent")
	d := js.Global().Get("Object").New()
	d.Set("info", map[string]any{
		"serial": usb.Get("serialNumber"), "seid": instance, // which shows whether two devices share an instance
		"lifeCycle": js.Global().Get("JSON").Call("stringify", options),
	})
	d.Set("bindingStatus", function(func([]js.Value) any { return resolved("unbound") }))
	never := js.Global().Get("Promise").New(function(func([]js.Value) any { return nil }))
	d.Set("showBindingCode", function(func([]js.Value) any {
		if navigator := js.Global().Get("navigator"); navigator.Truthy() && navigator.Get("locks").Truthy() {
			granted := function(func([]js.Value) any { return never })
			navigator.Get("locks").Call("request", "imkey", map[string]any{}, granted)
		}
		return never
	}))
	d.Set("bind", function(func(args []js.Value) any {
		onEvent.Invoke("interaction", map[string]any{"state": "waiting", "reason": "confirm"})
		return rejected(host.Call("makeError", "wrong-code", "another code", 0x9000, true, map[string]any{
			"options": js.Global().Get("JSON").Call("stringify", args[1]),
		}))
	}))
	d.Set("revealBindingCode", function(func([]js.Value) any {
		js.Global().Call("setTimeout", js.Global().Get("Object"), 0) // a method that needs its own global as this
		_, hasFS := os.Stat("/")
		return resolved(js.Global().Get("typeof").IsUndefined() && hasFS != nil && js.Global().Get("fs").Get("constants").Truthy())
	}))
	d.Set("forget", function(func([]js.Value) any {
		go os.Exit(3)
		return never
	}))
	d.Set("close", function(func([]js.Value) any {
		onEvent.Invoke("disconnect", map[string]any{})
		return resolved(js.Undefined())
	}))
	return d
}

func function(f func([]js.Value) any) js.Func {
	return js.FuncOf(func(_ js.Value, args []js.Value) any { return f(args) })
}

func resolved(v any) js.Value        { return js.Global().Get("Promise").Call("resolve", v) }
func rejected(err js.Value) js.Value { return js.Global().Get("Promise").Call("reject", err) }
