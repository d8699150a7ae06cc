//go:build js && wasm

package interop

import (
	"errors"
	"runtime"
	"strconv"
	"strings"

	"github.com/hack-pad/safejs"

	"imkey-connect/core/errcode"
)

// Exporter exports Go functions to JavaScript. The zero value makes plain Error objects until SetErrorFactory is called.
type Exporter struct {
	makeError safejs.Value
}

// SetErrorFactory sets the page's function that makes the errors of rejected promises:
// makeError(code, detail, statusWord | undefined, retryable, data | undefined).
func (x *Exporter) SetErrorFactory(makeError safejs.Value) { x.makeError = makeError }

// Func exports fn as a function that returns a promise. fn runs on its own goroutine and may block. Its result is a value that
// safejs accepts as an argument. An error of fn, or a panic in it, rejects the promise. The caller releases the function only
// if JavaScript cannot call it any more.
func (x *Exporter) Func(name string, fn func(args []safejs.Value) (any, error)) (*Func, error) {
	return newFunc(func(args []safejs.Value) any {
		promise, err := x.promise(name, func() (any, error) { return fn(args) })
		if err != nil {
			// The page broke Promise. There is no better way to report it.
			return safejs.Undefined()
		}
		return promise
	})
}

func (x *Exporter) promise(name string, fn func() (any, error)) (promise safejs.Value, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = panicked(name, v)
		}
	}()
	d, err := NewDeferred()
	if err != nil {
		return safejs.Value{}, err
	}
	go x.run(name, fn, d)
	return d.Promise, nil
}

func (x *Exporter) run(name string, fn func() (any, error), d *Deferred) {
	// Making the error calls the page's factory, in which a panic must not end the module either.
	defer func() {
		if v := recover(); v != nil {
			d.Reject(x.plainError(errcode.Internal, errcode.Detail(panicked(name, v))))
		}
	}()
	result, err := call(name, fn)
	if err == nil {
		if err = d.Resolve(result); err == nil {
			return
		}
		err = errcode.Wrap(errcode.Internal, name+": the result is not a JavaScript value", err)
	}
	d.Reject(x.Error(err))
}

func call(name string, fn func() (any, error)) (result any, err error) {
	defer func() {
		if v := recover(); v != nil {
			result, err = nil, panicked(name, v)
		}
	}()
	return fn()
}

// panicked returns an error that says where a panic happened. It includes the value of the panic only if that comes from Go's
// runtime: another value may hold a secret. It includes no stack trace, which shows arguments.
func panicked(name string, v any) error {
	text := name + ": panic"
	if e, ok := v.(runtime.Error); ok {
		text += ": " + e.Error()
	}
	if at := panicSite(); at != "" {
		text += " at " + at
	}
	return errcode.New(errcode.Internal, text)
}

// panicSite returns the function and line that panicked: the first frame outside the runtime below the runtime's own. In a module
// without names of functions, it returns the program counter in hex, the number of the function in its upper bits.
func panicSite() string {
	var pcs [32]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs[:])])
	for below := false; ; {
		f, more := frames.Next()
		inRuntime := strings.HasPrefix(f.Function, "runtime.")
		switch {
		case inRuntime:
			below = true
		case below && f.Function == "":
			return "0x" + strconv.FormatUint(uint64(f.PC), 16)
		case below:
			return f.Function + ":" + strconv.Itoa(f.Line)
		}
		if !more {
			return ""
		}
	}
}

// Error returns the JavaScript error for err. The page's factory makes it from the code, [errcode.Detail], the status word, whether
// the same call may succeed later, and the data. Code and data are those of the outermost errcode error in err's chain.
func (x *Exporter) Error(err error) safejs.Value {
	code, detail := errcode.Of(err), errcode.Detail(err)
	if !Is(x.makeError, safejs.TypeFunction) {
		return x.plainError(code, detail)
	}
	statusWord, data := details(err)
	v, thrown := x.makeError.Invoke(string(code), detail, statusWord, code.Retryable(), data)
	if thrown != nil {
		return x.plainError(code, detail)
	}
	return v
}

// details returns the outermost status word and the outermost data in err's chain, or undefined.
func details(err error) (statusWord, data any) {
	var word uint16
	var facts map[string]any
	var e *errcode.Error
	for ; err != nil && errors.As(err, &e); err = e.Err {
		if word == 0 {
			word = e.StatusWord
		}
		if facts == nil {
			facts = e.Data
		}
	}
	statusWord, data = safejs.Undefined(), safejs.Undefined()
	if word != 0 {
		statusWord = int(word)
	}
	if facts != nil {
		data = facts
	}
	return statusWord, data
}

// plainError returns an error without the page's factory.
func (x *Exporter) plainError(code errcode.Code, message string) safejs.Value {
	v, err := construct("Error", message)
	if err != nil {
		return safejs.Undefined()
	}
	_ = v.Set("code", string(code))
	_ = v.Set("retryable", code.Retryable())
	return v
}
