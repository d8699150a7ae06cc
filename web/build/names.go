package build

import (
	"bytes"
	"encoding/binary"
	"strings"
)

// The linker writes the name of every function into the data, for stack traces. The names are 3 % of the module after
// compression. A stack trace is as good without them, because it still gives file and line. blankNames overwrites the names with
// zeros, except those that Go's runtime compares with.

// tableMagic begins the table of functions since Go 1.20: magic, two zeros, the size of an instruction, the size of a pointer.
// See pcHeader in Go's runtime/symtab.go.
var tableMagic = []byte{0xF1, 0xFF, 0xFF, 0xFF, 0, 0, 1, 8}

// The places of two fields of the header, in bytes. They are offsets from the header.
const (
	namesField    = 8 + 3*8 // the names start here
	namesEndField = 8 + 4*8 // the next table starts here
	tableHeader   = 8 + 8*8
)

// blankNames changes segments in place. It changes nothing if it does not find exactly one table in the form that it knows, as with
// a later Go.
func blankNames(segments []segment) {
	var names []byte
	for _, s := range segments {
		for rest := s.data; ; rest = rest[len(tableMagic):] {
			at := bytes.Index(rest, tableMagic)
			if at < 0 {
				break
			}
			if rest = rest[at:]; len(rest) < tableHeader || names != nil {
				return
			}
			start, end := binary.LittleEndian.Uint64(rest[namesField:]), binary.LittleEndian.Uint64(rest[namesEndField:])
			if start != tableHeader || end <= start || end > uint64(len(rest)) || rest[end-1] != 0 {
				return
			}
			names = rest[start:end]
		}
	}
	for len(names) > 0 {
		n := bytes.IndexByte(names, 0)
		if !needsName(string(names[:n])) {
			clear(names[:n])
		}
		names = names[n+1:]
	}
}

// needsName reports whether the runtime compares with the name: isSystemGoroutine with the package of a goroutine's first function, and
// the garbage collector with the stubs of reflect.
func needsName(name string) bool {
	switch name {
	case "reflect.makeFuncStub", "reflect.methodValueCall":
		return true
	}
	return strings.HasPrefix(name, "runtime.") && strings.Count(name, ".") == 1
}
