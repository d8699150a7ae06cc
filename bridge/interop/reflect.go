//go:build js && wasm

package interop

import (
	"sync"

	"github.com/hack-pad/safejs"
)

// Go's wasm_exec.js catches exceptions in calls, but not in reads of properties. An exception in a getter or a proxy of the page
// would unwind Go's stack and break the module. So properties are read by a call of Reflect.get. Methods are called by
// Function.prototype.call, as a function that gets the method, the object and the arguments.
var reflect = sync.OnceValues(func() (fns [2]safejs.Value, err error) {
	for i, path := range [2][2]string{{"Reflect", "get"}, {"Function", "prototype"}} {
		if fns[i], err = safejs.Global().Get(path[0]); err == nil {
			fns[i], err = fns[i].Get(path[1])
		}
		if err != nil {
			return fns, err
		}
	}
	call, err := fns[1].Get("call")
	if err == nil {
		fns[1], err = call.Call("bind", call)
	}
	return fns, err
})

// names has names of properties as JavaScript's strings, since each conversion takes a call.
var names = map[string]safejs.Value{}

// constant returns a name that is written in this program, to be given to Get.
func constant(name string) any {
	v, ok := names[name]
	if !ok {
		var err error
		if v, err = safejs.ValueOf(name); err != nil {
			return name
		}
		names[name] = v
	}
	return v
}

// builtin returns a function of the browser, which is looked up by the first call. The path of a static function is its class
// and name, that of a method is its class, "prototype" and name. A method gets its object as the first argument.
func builtin(path ...string) func() (safejs.Value, error) {
	return sync.OnceValues(func() (safejs.Value, error) {
		class, fn := safejs.Undefined(), safejs.Global()
		for _, name := range path {
			var err error
			class = fn
			if fn, err = Get(fn, name); err != nil {
				return fn, err
			}
		}
		if len(path) < 3 {
			return CallNow(fn, "bind", class)
		}
		call, err := Get(fn, "call")
		if err != nil {
			return fn, err
		}
		return CallNow(call, "bind", fn)
	})
}

// with calls a function that builtin returned.
func with(fn func() (safejs.Value, error), args ...any) (safejs.Value, error) {
	f, err := fn()
	if err != nil {
		return f, err
	}
	got, err := f.Invoke(args...)
	return got, Thrown(err)
}

// Get reads a property, or an element by its index (an int). A getter that throws gives an *Exception.
func Get(v safejs.Value, property any) (safejs.Value, error) {
	fns, err := reflect()
	if err != nil {
		return safejs.Undefined(), err
	}
	got, err := fns[0].Invoke(v, property)
	return got, Thrown(err)
}

// CallNow calls a method, whose name is written in this program, and returns its result. An exception is an *Exception.
func CallNow(v safejs.Value, method string, args ...any) (safejs.Value, error) {
	fns, err := reflect()
	if err != nil {
		return safejs.Undefined(), err
	}
	fn, err := Get(v, constant(method))
	if err != nil {
		return safejs.Undefined(), err
	}
	got, err := fns[1].Invoke(append([]any{fn, v}, args...)...)
	return got, Thrown(err)
}

// Construct calls a constructor.
func Construct(class safejs.Value, args ...any) (safejs.Value, error) {
	v, err := class.New(args...)
	return v, Thrown(err)
}

// global reads a property of the global object.
func global(name string) (safejs.Value, error) {
	return Get(safejs.Global(), constant(name))
}

func construct(class string, args ...any) (safejs.Value, error) {
	c, err := global(class)
	if err != nil {
		return safejs.Undefined(), err
	}
	return Construct(c, args...)
}
