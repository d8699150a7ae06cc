//go:build js && wasm

package interop

import (
	"math"

	"github.com/hack-pad/safejs"

	"imkey-connect/core/errcode"
)

// TypeOf is Value.Type without its panic: ok is false for what syscall/js does not know, such as a BigInt.
func TypeOf(v safejs.Value) (t safejs.Type, ok bool) {
	defer func() {
		if recover() != nil {
			t, ok = safejs.TypeUndefined, false
		}
	}()
	return v.Type(), true
}

// Is reports whether v has that type.
func Is(v safejs.Value, t safejs.Type) bool {
	got, ok := TypeOf(v)
	return ok && got == t
}

// Absent reports whether v is undefined or null.
func Absent(v safejs.Value) bool { return v.IsUndefined() || v.IsNull() }

// IsObject reports whether v is an object, of which functions are a kind.
func IsObject(v safejs.Value) bool { return Is(v, safejs.TypeObject) || Is(v, safejs.TypeFunction) }

// String reads a string, and nothing that could be converted to one.
func String(v safejs.Value) (string, bool) {
	if !Is(v, safejs.TypeString) {
		return "", false
	}
	s, err := v.String()
	return s, err == nil
}

// Bool reads true or false, and nothing that is merely truthy.
func Bool(v safejs.Value) (value, ok bool) {
	if !Is(v, safejs.TypeBoolean) {
		return false, false
	}
	b, err := v.Bool()
	return b, err == nil
}

// Int reads a whole number from 0 to max.
func Int(v safejs.Value, max int) (int, bool) {
	if !Is(v, safejs.TypeNumber) {
		return 0, false
	}
	f, err := v.Float()
	if err != nil || f != math.Trunc(f) || f < 0 || f > float64(max) {
		return 0, false
	}
	return int(f), true
}

var isView = builtin("ArrayBuffer", "isView")

// IsBytes reports whether v is a typed array or DataView of any realm.
func IsBytes(v safejs.Value) bool {
	if !Is(v, safejs.TypeObject) {
		return false
	}
	is, err := with(isView, v)
	yes, _ := Bool(is)
	return err == nil && yes
}

// Bytes copies the bytes of a typed array or DataView of any realm, at most max of them.
func Bytes(v safejs.Value, max int) ([]byte, bool) {
	if !IsBytes(v) {
		return nil, false
	}
	o := ReadObject(v, "bytes")
	offset, length := o.Int("byteOffset", math.MaxInt32), o.Int("byteLength", max)
	backing := o.Object("buffer") // a number would make a new, empty array
	if o.Err() != nil {
		return nil, false
	}
	// A view of our own: CopyBytesToGo takes a Uint8Array of this realm only.
	view, err := construct("Uint8Array", backing, offset, length)
	if err != nil {
		return nil, false
	}
	b := make([]byte, length)
	n, err := safejs.CopyBytesToGo(b, view)
	return b, err == nil && n == length
}

// Uint8Array copies b into a new Uint8Array.
func Uint8Array(b []byte) (safejs.Value, error) {
	v, err := construct("Uint8Array", len(b))
	if err != nil {
		return safejs.Value{}, err
	}
	if _, err := safejs.CopyBytesToJS(v, b); err != nil {
		return safejs.Value{}, Thrown(err)
	}
	return v, nil
}

// Object reads the properties of a value that a page gave, each once. The first thing wrong is kept, named by its path,
// and everything read after it is zero; Err has it.
type Object struct {
	v    safejs.Value
	path string
	err  error
}

// ReadObject begins to read v. path names it in errors; an empty one leaves properties their bare names.
func ReadObject(v safejs.Value, path string) *Object {
	o := &Object{v: v, path: path}
	if !IsObject(v) {
		if path == "" {
			path = "the argument"
		}
		o.err = errcode.Invalid(path, "not an object")
	}
	return o
}

// ReadOptions is ReadObject for an argument that may be undefined; then so are all its properties.
func ReadOptions(v safejs.Value, path string) *Object {
	if v.IsUndefined() {
		return &Object{v: v, path: path}
	}
	return ReadObject(v, path)
}

// Err is nil, or an error with code invalid-argument.
func (o *Object) Err() error { return o.err }

// At names a property in errors.
func (o *Object) At(name string) string {
	if o.path == "" {
		return name
	}
	return o.path + "." + name
}

// Adopt notes what is wrong with something that was read out of the object.
func (o *Object) Adopt(err error) {
	if o.err == nil {
		o.err = err
	}
}

// Fail notes what is wrong with property name.
func (o *Object) Fail(name, reason string) { o.Adopt(errcode.Invalid(o.At(name), reason)) }

// Refuse notes that property name is not what it should be.
func (o *Object) Refuse(name, expected string) { o.Fail(name, "not "+expected) }

// Value reads a property as it is, undefined where it is missing.
func (o *Object) Value(name string) safejs.Value {
	if o.err != nil || o.v.IsUndefined() {
		return safejs.Undefined()
	}
	v, err := Get(o.v, name)
	if err != nil {
		o.Refuse(name, "readable")
		return safejs.Undefined()
	}
	return v
}

// Object reads a property that is an object.
func (o *Object) Object(name string) safejs.Value {
	v := o.Value(name)
	if !IsObject(v) {
		o.Refuse(name, "an object")
	}
	return v
}

// Func reads a property that is a function.
func (o *Object) Func(name string) safejs.Value {
	v := o.Value(name)
	if !Is(v, safejs.TypeFunction) {
		o.Refuse(name, "a function")
	}
	return v
}

// String reads a property that is a string.
func (o *Object) String(name string) string {
	s, ok := String(o.Value(name))
	if !ok {
		o.Refuse(name, "a string")
	}
	return s
}

// Bool reads a property that is true or false.
func (o *Object) Bool(name string) bool {
	b, ok := Bool(o.Value(name))
	if !ok {
		o.Refuse(name, "true or false")
	}
	return b
}

// OptionalBool reads a property that is true, false or undefined, which gives nil.
func (o *Object) OptionalBool(name string) *bool {
	v := o.Value(name)
	if v.IsUndefined() {
		return nil
	}
	b, ok := Bool(v)
	if !ok {
		o.Refuse(name, "true or false")
		return nil
	}
	return &b
}

// Int reads a property that is a whole number from 0 to max.
func (o *Object) Int(name string, max int) int {
	n, ok := Int(o.Value(name), max)
	if !ok {
		o.Refuse(name, "a whole number in range")
	}
	return n
}

// List reads a property that is an array of at most max elements.
func (o *Object) List(name string, max int) []safejs.Value {
	v := o.Value(name)
	if o.err != nil {
		return nil
	}
	list, ok := List(v, max)
	if !ok {
		o.Refuse(name, "an array of a sensible length")
	}
	return list
}

// List reads an array, or what looks like one, of at most max elements.
func List(v safejs.Value, max int) ([]safejs.Value, bool) {
	if !Is(v, safejs.TypeObject) {
		return nil, false
	}
	length, err := Get(v, "length")
	if err != nil {
		return nil, false
	}
	n, ok := Int(length, max)
	if !ok {
		return nil, false
	}
	list := make([]safejs.Value, n)
	for i := range list {
		if list[i], err = Get(v, i); err != nil {
			return nil, false
		}
	}
	return list, true
}
