//go:build js && wasm

package interop

import (
	"math"
	"strings"

	"github.com/hack-pad/safejs"

	"imkey-connect/core/errcode"
)

// Argument returns an argument of a call, or undefined if it is missing.
func Argument(args []safejs.Value, i int) safejs.Value {
	if i < len(args) {
		return args[i]
	}
	return safejs.Undefined()
}

// TypeOf is Value.Type without a panic. ok is false for a type that syscall/js does not know, such as a BigInt.
func TypeOf(v safejs.Value) (t safejs.Type, ok bool) {
	defer func() {
		if recover() != nil {
			t, ok = safejs.TypeUndefined, false
		}
	}()
	return v.Type(), true
}

// Is reports whether v has the type t.
func Is(v safejs.Value, t safejs.Type) bool {
	got, ok := TypeOf(v)
	return ok && got == t
}

// Absent reports whether v is undefined or null.
func Absent(v safejs.Value) bool { return v.IsUndefined() || v.IsNull() }

// IsObject reports whether v is an object or a function.
func IsObject(v safejs.Value) bool { return Is(v, safejs.TypeObject) || Is(v, safejs.TypeFunction) }

// String reads a string. It does not convert other values.
func String(v safejs.Value) (string, bool) {
	if !Is(v, safejs.TypeString) {
		return "", false
	}
	s, err := v.String()
	return s, err == nil
}

// Bool reads true or false. It does not convert other values.
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
	backing := o.Object("buffer") // with a number, the constructor would make a new array
	if o.Err() != nil {
		return nil, false
	}
	// CopyBytesToGo accepts a Uint8Array of this realm only.
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

// Object reads the properties of a page's value, each once. It keeps the first error, and after an error everything that it reads is
// zero. Err returns the error, which names the property by its path.
type Object struct {
	v    safejs.Value
	path string
	err  error
}

// ReadObject returns an Object for v. path is the name of v in errors. If it is empty, errors have only the names of properties.
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

// ReadOptions is ReadObject for an argument that may be undefined. Then all properties are undefined.
func ReadOptions(v safejs.Value, path string) *Object {
	if v.IsUndefined() {
		return &Object{v: v, path: path}
	}
	return ReadObject(v, path)
}

// Err returns the first error, or nil. It has code invalid-argument, unless Adopt got another one.
func (o *Object) Err() error { return o.err }

// At returns the name of a property in errors.
func (o *Object) At(name string) string {
	if o.path == "" {
		return name
	}
	return o.path + "." + name
}

// Adopt keeps an error, unless there is one already.
func (o *Object) Adopt(err error) {
	if o.err == nil {
		o.err = err
	}
}

// Fail keeps an error about a property.
func (o *Object) Fail(name, reason string) { o.Adopt(errcode.Invalid(o.At(name), reason)) }

// Refuse keeps the error that a property is not what was expected.
func (o *Object) Refuse(name, expected string) { o.Fail(name, "not "+expected) }

// Only refuses the object if it has a property of its own that is not among names. There is a space before and after each of these, since a
// list of them costs bytes of the module. A property that is undefined or null does not count.
func (o *Object) Only(names string) {
	if o.err != nil || o.v.IsUndefined() {
		return
	}
	keys, err := with(keysOf, o.v)
	list, ok := List(keys, maxNames)
	if err != nil || !ok {
		o.Refuse("its properties", "readable, or there are too many")
	}
	for _, key := range list {
		name, _ := Text(key, maxName)
		if name != "" && strings.Contains(names, " "+name+" ") {
			continue
		}
		if v, err := Get(o.v, name); name == "" || err != nil || !Absent(v) {
			o.Refuse(name, "known here")
		}
	}
}

// The limits on the properties of an object whose names are known.
const maxNames, maxName = 100, 64

// Value reads a property of any type, whose name is written in this program. A missing one is undefined.
func (o *Object) Value(name string) safejs.Value {
	if o.err != nil || o.v.IsUndefined() {
		return safejs.Undefined()
	}
	v, err := Get(o.v, constant(name))
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

// OptionalBool reads a property that is true, false or undefined. It returns nil for undefined.
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
		o.Refuse(name, "an array, or it is too long")
	}
	return list
}

// List reads an array, or an object like an array, of at most max elements.
func List(v safejs.Value, max int) ([]safejs.Value, bool) {
	if !Is(v, safejs.TypeObject) {
		return nil, false
	}
	length, err := Get(v, constant("length"))
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
