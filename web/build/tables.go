package build

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"strings"
)

// The linker writes a table of all functions into the data. Most of it serves stack traces, which no user sees: the names of
// functions, the names of files, and for each function the programs that map its instructions to files and lines. stripTables clears
// these parts. It keeps what the runtime needs to unwind the stack and to find pointers on it: pcsp, and most of pcdata and funcdata.
//
// The layout is that of pcHeader and moduledata in Go's runtime/symtab.go, and of _func in runtime/runtime2.go:
//
//	header   magic, 8 bytes; then 8 words of 8 bytes: number of functions, number of files, unused, and the offsets of the parts
//	names    the names of functions, each with a zero at its end
//	units    for each file of a compilation unit, where its name is
//	files    the names of files, each with a zero at its end
//	programs what maps instructions to values: a zigzag-encoded difference of the value, a difference of the address, and so on to a zero
//	funcs    for each function two words of 4 bytes, its entry and the offset of its _func from here; then all _func
var tableMagic = []byte{0xF1, 0xFF, 0xFF, 0xFF, 0, 0, 1, 8} // since Go 1.20; the size of an instruction, the size of a pointer

const (
	tableHeader = 8 + 8*8
	funcSize    = 11 * 4 // without pcdata and funcdata
)

// The fields of _func, in bytes from its start.
const (
	funcName  = 4
	funcArgs  = 8
	funcPCSP  = 16
	funcFile  = 20
	funcLine  = 24
	funcNData = 28 // the number of pcdata, which follow _func
	funcUnit  = 32
	funcStart = 36 // the line at which the function starts

	funcNFuncdata = 43 // one byte: the number of funcdata, which follow pcdata
)

// What internal/abi/symtab.go numbers and nothing in a browser reads.
var (
	// PCDATA_UnsafePoint says where a signal may preempt a goroutine, and there are no signals. PCDATA_ArgLiveIndex serves stack traces.
	unusedPCData = []int{0, 3}
	// FUNCDATA_ArgInfo and FUNCDATA_ArgLiveInfo serve stack traces, FUNCDATA_WrapInfo the execution tracer.
	unusedFuncdata = []int{5, 6, 7}
)

var errTables = errors.New("the table of functions has a form that this build does not know")

// functions is the table of functions.
type functions struct {
	names, files, programs, funcs []byte
	at                            int   // where funcs is in the memory
	structs                       []int // where each _func is in funcs
}

// stripTables clears what only stack traces need, in place, and what the functions need that cut says do not run. If it finds no table, several tables, or one in a form that it does not
// know, as with a later Go, it changes nothing and returns errTables.
func stripTables(segments []segment, cut map[int]bool) error {
	table, err := findTable(segments)
	if err != nil {
		return err
	}
	used, err := table.usedPrograms(cut)
	if err != nil {
		return err
	}
	kept := map[uint32]bool{} // the names that are kept, by their place
	var ofRuntime uint32      // the name that all functions of the runtime get
	for i, at := range table.structs {
		f := table.funcs[at:]
		if cut[i] {
			table.clearFunction(at)
		}
		for _, field := range []int{funcFile, funcLine, funcUnit, funcStart} {
			clear(f[field : field+4])
		}
		n := int(word(f, funcNData))
		for _, i := range unusedPCData {
			if i < n {
				clear(f[funcSize+4*i : funcSize+4*i+4]) // there is no such program
			}
		}
		for _, i := range unusedFuncdata {
			if i < int(f[funcNFuncdata]) {
				binary.LittleEndian.PutUint32(f[funcSize+4*(n+i):], math.MaxUint32) // there is no such data
			}
		}
		place := word(f, funcName)
		switch name := table.name(place); {
		case name == "reflect.makeFuncStub", name == "reflect.methodValueCall":
			// The garbage collector looks for their arguments.
		case strings.HasPrefix(name, "runtime."):
			// isSystemGoroutine looks at the package of a goroutine's first function.
			if ofRuntime == 0 {
				ofRuntime = place
			}
			place = ofRuntime
		default:
			place = 0
		}
		binary.LittleEndian.PutUint32(f[funcName:], place)
		kept[place] = true
	}
	for at := 0; at < len(table.names); {
		n := len(table.name(uint32(at)))
		if at == 0 || !kept[uint32(at)] {
			clear(table.names[at : at+n])
		}
		at += n + 1
	}
	clear(table.files)
	for i := range table.programs {
		if !used[i] {
			table.programs[i] = 0
		}
	}
	return nil
}

// findTable finds the one table, and checks everything that stripTables relies on.
func findTable(segments []segment) (*functions, error) {
	var whole []byte
	start := 0
	for _, s := range segments {
		for rest := s.data; ; rest = rest[len(tableMagic):] {
			at := bytes.Index(rest, tableMagic)
			if at < 0 {
				break
			}
			if rest = rest[at:]; whole != nil {
				return nil, errTables
			}
			whole, start = rest, s.at+len(s.data)-len(rest)
		}
	}
	if len(whole) < tableHeader {
		return nil, errTables
	}
	// names, units, files, programs, funcs
	parts := [5]uint64{}
	last := uint64(tableHeader)
	for i := range parts {
		parts[i] = binary.LittleEndian.Uint64(whole[8+8*(3+i):])
		if parts[i] < last || parts[i] >= uint64(len(whole)) {
			return nil, errTables
		}
		last = parts[i]
	}
	t := &functions{
		names: whole[parts[0]:parts[1]], files: whole[parts[1]:parts[3]], programs: whole[parts[3]:parts[4]], funcs: whole[parts[4]:],
		at: start + int(parts[4]),
	}
	if parts[0] != tableHeader || len(t.names) == 0 || t.names[len(t.names)-1] != 0 {
		return nil, errTables
	}
	count := binary.LittleEndian.Uint64(whole[8:])
	if count == 0 || count >= uint64(len(t.funcs)/8) {
		return nil, errTables
	}
	for i := range int(count) {
		at := int(word(t.funcs, 8*i+4))
		if at < 8*int(count)+4 || at%4 != 0 || at > len(t.funcs)-funcSize {
			return nil, errTables
		}
		if n := int(word(t.funcs[at:], funcNData)); n > 16 || at+funcSize+4*(n+int(t.funcs[at+funcNFuncdata])) > len(t.funcs) || int(word(t.funcs[at:], funcName)) >= len(t.names) {
			return nil, errTables
		}
		t.structs = append(t.structs, at)
	}
	return t, nil
}

// clearFunction removes what a function needs to be on a stack. It stays as long as it was.
func (t *functions) clearFunction(at int) {
	f := t.funcs[at:]
	clear(f[funcArgs : funcPCSP+4])
	n := int(word(f, funcNData))
	clear(f[funcSize : funcSize+4*n])
	for i := range int(f[funcNFuncdata]) {
		binary.LittleEndian.PutUint32(f[funcSize+4*(n+i):], math.MaxUint32)
	}
}

// namesOfAll returns the names of all functions in their order.
func (t *functions) namesOfAll() []string {
	all := make([]string, len(t.structs))
	for i, at := range t.structs {
		all[i] = t.name(word(t.funcs[at:], funcName))
	}
	return all
}

// usedPrograms marks the bytes of the programs that the runtime needs. Several functions and purposes may share one program.
func (t *functions) usedPrograms(cut map[int]bool) ([]bool, error) {
	used := make([]bool, len(t.programs))
	for i, at := range t.structs {
		if cut[i] {
			continue
		}
		f := t.funcs[at:]
		fields := []int{funcPCSP}
		for n := range int(word(f, funcNData)) {
			if slices.Contains(unusedPCData, n) {
				continue
			}
			fields = append(fields, funcSize+4*n)
		}
		for _, field := range fields {
			start := int(word(f, field))
			if start == 0 {
				continue // there is none
			}
			end, err := t.endOfProgram(start)
			if err != nil {
				return nil, err
			}
			for i := start; i < end; i++ {
				used[i] = true
			}
		}
	}
	return used, nil
}

// endOfProgram follows a program as step does in runtime/symtab.go.
func (t *functions) endOfProgram(at int) (int, error) {
	for first := true; ; first = false {
		if at >= len(t.programs) {
			return 0, errTables
		}
		if t.programs[at] == 0 && !first {
			return at + 1, nil
		}
		for range 2 { // the difference of the value, the difference of the address
			n := 0
			for at+n < len(t.programs) && t.programs[at+n]&0x80 != 0 {
				n++
			}
			if at += n + 1; n > 4 || at > len(t.programs) {
				return 0, errTables
			}
		}
	}
}

// name returns the name at a place in names.
func (t *functions) name(at uint32) string {
	name := t.names[at:]
	return string(name[:bytes.IndexByte(name, 0)])
}

func word(b []byte, at int) uint32 {
	return binary.LittleEndian.Uint32(b[at:])
}
