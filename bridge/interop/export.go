//go:build js && wasm

package interop

import (
	"errors"
	"runtime"
	"strconv"

	"github.com/hack-pad/safejs"

	"imkey-connect/core/errcode"
)

// Exporter exports Go functions to JavaScript. Its zero value makes plain Error objects until SetErrorFactory is called.
type Exporter struct {
	makeError safejs.Value
}

// SetErrorFactory sets the page's function that makes the errors that promises are rejected with:
// makeError(code, detail, statusWord | undefined, retryable, data | undefined).
func (x *Exporter) SetErrorFactory(makeError safejs.Value) { x.makeError = makeError }

// Func exports fn as a function that returns a promise. fn runs on a goroutine of its own and may block. Its result is
// anything that safejs takes as an argument; its error, or a panic in it, rejects the promise. The function lives as long
// as the module: the caller does not release it unless it knows that nobody can call it any more.
func (x *Exporter) Func(name string, fn func(args []safejs.Value) (any, error)) (*Func, error) {
	return newFunc(func(args []safejs.Value) any {
		promise, err := x.promise(name, func() (any, error) { return fn(args) })
		if err != nil {
			// The page broke Promise itself; there is no better way left to tell it.
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
	// Recovers once more: making the error calls the page's factory, and a fault there must not end the module either.
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
		err = errcode.Wrap(errcode.Internal, name+": its result is no JavaScript value", err)
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

// panicked describes a panic for developers by where it happened. Of what it was raised with it tells only what Go's
// runtime itself raised: another value may hold anything, secrets too; and a stack trace shows arguments.
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

// panicSite names the function and line that panicked: the first frame of ours below the runtime's.
func panicSite() string {
	var pcs [32]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs[:])])
	for below := false; ; {
		f, more := frames.Next()
		switch {
		case f.Function == "runtime.gopanic":
			below = true
		case below && len(f.Function) > 8 && f.Function[:8] != "runtime.":
			return f.Function + ":" + strconv.Itoa(f.Line)
		}
		if !more {
			return ""
		}
	}
}

// Error makes the JavaScript error for err: what the page's factory makes of its code, what [errcode.Detail] says, status word,
// whether the call may be tried again, and data. Code and data are those of the outermost errcode error in err's chain.
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

// details are the status word and the data nearest to the outside in err's chain, each undefined where there is none.
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

// plainError stands in where the page's factory does not work.
func (x *Exporter) plainError(code errcode.Code, message string) safejs.Value {
	v, err := construct("Error", message)
	if err != nil {
		return safejs.Undefined()
	}
	_ = v.Set("code", string(code))
	_ = v.Set("retryable", code.Retryable())
	return v
}
