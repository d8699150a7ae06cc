//go:build js && wasm

package interop

import (
	"sync"

	"github.com/hack-pad/safejs"
)

// Go's wasm_exec.js catches exceptions in calls, but not in reads of properties: a getter or a proxy of the page that throws
// would unwind straight through Go's stack and leave the module in ruins. Properties are therefore read by calling
// Reflect.get, and methods by Reflect.get and Reflect.apply.
var reflect = sync.OnceValues(func() (fns [2]safejs.Value, err error) {
	object, err := safejs.Global().Get("Reflect")
	if err != nil {
		return fns, err
	}
	for i, name := range []string{"get", "apply"} {
		if fns[i], err = object.Get(name); err != nil {
			return fns, err
		}
	}
	return fns, nil
})

// builtin is a function of the browser's, found when it is first wanted: a static one by its class and name, a method by
// class, "prototype" and name. A method takes what it is called on as its first argument.
func builtin(path ...string) func() (safejs.Value, error) {
	return sync.OnceValues(func() (safejs.Value, error) {
		fn := safejs.Global()
		for _, name := range path {
			var err error
			if fn, err = Get(fn, name); err != nil {
				return fn, err
			}
		}
		if len(path) < 3 {
			return fn, nil
		}
		call, err := Get(fn, "call")
		if err != nil {
			return fn, err
		}
		return CallNow(call, "bind", fn)
	})
}

// with calls such a function.
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

// CallNow calls a method and returns what it returns. What it throws is an *Exception.
func CallNow(v safejs.Value, method string, args ...any) (safejs.Value, error) {
	fns, err := reflect()
	if err != nil {
		return safejs.Undefined(), err
	}
	fn, err := Get(v, method)
	if err != nil {
		return safejs.Undefined(), err
	}
	got, err := fns[1].Invoke(fn, v, args)
	return got, Thrown(err)
}

// Construct calls a constructor.
func Construct(class safejs.Value, args ...any) (safejs.Value, error) {
	v, err := class.New(args...)
	return v, Thrown(err)
}

// global reads a global of the browser, whose own getters do not throw.
func global(name string) (safejs.Value, error) {
	return Get(safejs.Global(), name)
}

func construct(class string, args ...any) (safejs.Value, error) {
	c, err := global(class)
	if err != nil {
		return safejs.Undefined(), err
	}
	return Construct(c, args...)
}
