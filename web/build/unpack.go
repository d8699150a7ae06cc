package build

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// Two thirds of the table of functions follow from the rest of it, and what remains repeats itself by column and not by function.
// packTables replaces the table by its columns, and unpackTables writes the function that restores it when the module is instantiated.
//
// These follow from the rest:
//
//	entries  the index of each function, which is in the index of the table and again in its _func: they are in order
//	places   the offset of each _func: they lie one after the other, each on a multiple of 8 bytes
//	buckets  what runtime.findfunc reads first, 20 bytes for each 4096 addresses: every function has 65536, so it has 16 buckets

const (
	bucketSize      = 20 // findfuncbucket in runtime/symtab.go
	bucketsPerEntry = 16
)

// packing says where the parts are, in the module's memory.
type packing struct {
	index, funcs int // the index of the table; the base of the offsets of _func
	first        int // the offset of the first _func
	count, entry int // the number of functions; the entry of the first
	pcdata       int // the largest number of pcdata of a function
	funcdata     int // the largest number of funcdata
	buckets, at  int // the number of buckets, and where they are. The columns are there until they are unpacked.
}

// packTables packs the table of functions in place. If the segments have another form than this package knows, it changes nothing and
// returns errTables.
func packTables(segments []segment) (packing, error) {
	table, err := findTable(segments)
	if err != nil {
		return packing{}, err
	}
	p := packing{index: table.at, funcs: table.at, count: len(table.structs), entry: int(word(table.funcs, 0)), first: table.structs[0]}
	next := p.first
	var fixed, pcdata, funcdata [][]byte // the columns
	column := func(all *[][]byte, n int, value []byte) {
		for len(*all) <= n {
			*all = append(*all, nil)
		}
		(*all)[n] = append((*all)[n], value...)
	}
	for i, at := range table.structs {
		f := table.funcs[at:]
		if at != next || int(word(table.funcs, 8*i)) != p.entry+i || int(word(f, 0)) != p.entry+i {
			return packing{}, errTables
		}
		for n := range funcSize/4 - 1 {
			column(&fixed, n, f[4+4*n:8+4*n])
		}
		words := f[funcSize:]
		npcdata, nfuncdata := int(word(f, funcNData)), int(f[funcNFuncdata])
		for n := range npcdata {
			column(&pcdata, n, words[4*n:4*n+4])
		}
		for n := range nfuncdata {
			column(&funcdata, n, words[4*(npcdata+n):4*(npcdata+n)+4])
		}
		next = aligned(at + funcSize + 4*(npcdata+nfuncdata))
	}
	if next > len(table.funcs) {
		return packing{}, errTables
	}
	p.pcdata, p.funcdata = len(pcdata), len(funcdata)
	columns := bytes.Join(slices.Concat(fixed, pcdata, funcdata), nil)
	buckets := findBuckets(segments, p.count)
	if len(buckets.data) < len(columns) {
		return packing{}, errTables
	}
	p.buckets, p.at = len(buckets.data)/bucketSize, buckets.at

	for i, at := range table.structs {
		clear(table.funcs[8*i : 8*i+8])
		clear(table.funcs[at : at+funcSize+4*(int(word(table.funcs[at:], funcNData))+int(table.funcs[at+funcNFuncdata]))])
	}
	clear(buckets.data)
	copy(buckets.data, columns)
	return p, nil
}

func aligned(n int) int { return (n + 7) &^ 7 }

// findBuckets finds the one array of buckets for a number of functions. The last function may have fewer than the others, or none.
func findBuckets(segments []segment, count int) segment {
	var all []byte
	for n := range bucketsPerEntry * count {
		all = binary.LittleEndian.AppendUint32(all, uint32(n/bucketsPerEntry))
		all = append(all, make([]byte, bucketSize-4)...)
	}
	const each = bucketSize * bucketsPerEntry
	if count < 4 {
		return segment{}
	}
	var found segment
	for _, s := range segments {
		// The buckets of the first function are zeros.
		for from := 0; ; {
			n := bytes.Index(s.data[from:], all[each:3*each])
			if n < 0 {
				break
			}
			at := from + n - each
			from += n + 1
			if at < 0 {
				continue
			}
			same := 0
			for same < len(all) && at+same+bucketSize <= len(s.data) && bytes.Equal(s.data[at+same:at+same+bucketSize], all[same:same+bucketSize]) {
				same += bucketSize
			}
			if same < len(all)-each {
				continue
			}
			if found.data != nil {
				return segment{}
			}
			found = segment{s.at + at, s.data[at : at+same]}
		}
	}
	return found
}

// unpackTables returns the body of the function that restores what packTables packed, as in the code section.
func (p packing) unpackTables() []byte {
	var a assembler
	const i, f, from, k, off = 0, 1, 2, 3, 4 // the locals, of type i32
	// 1. the index, and the fixed part of each _func
	a.set(off, func() { a.constant(p.first) })
	a.repeat(i, func() { a.constant(p.count) }, func() {
		a.set(f, func() { a.add(func() { a.get(off) }, p.funcs) })
		entry := func() { a.add(func() { a.get(i) }, p.entry) }
		row := func() { a.get(i); a.constant(3); a.op(shl) }
		a.store(p.index, row, entry)
		a.store(p.index+4, row, func() { a.get(off) })
		a.store(0, func() { a.get(f) }, entry)
		a.set(from, func() { a.get(i); a.constant(2); a.op(shl) })
		for n := range funcSize/4 - 1 {
			a.store(4+4*n, func() { a.get(f) }, func() { a.get(from); a.load(p.at + 4*n*p.count) })
		}
		a.set(off, func() {
			a.add(func() {
				a.get(off)
				a.get(f)
				a.load(funcNData)
				a.get(f)
				a.loadByte(funcNFuncdata)
				a.op(add)
				a.constant(2)
				a.op(shl)
				a.op(add)
			}, funcSize+7)
			a.constant(-8)
			a.op(and)
		})
	})
	// 2. pcdata, 3. funcdata: a column has a word for each function with that pcdata or funcdata
	a.set(from, func() { a.constant(p.at + (funcSize-4)*p.count) })
	for part, columns := range []int{p.pcdata, p.funcdata} {
		if columns == 0 {
			continue
		}
		a.repeat(k, func() { a.constant(columns) }, func() {
			a.repeat(i, func() { a.constant(p.count) }, func() {
				a.set(f, func() { a.add(func() { a.get(i); a.constant(3); a.op(shl); a.load(p.index + 4) }, p.funcs) })
				a.get(k)
				a.get(f)
				if part == 0 {
					a.load(funcNData)
				} else {
					a.loadByte(funcNFuncdata)
				}
				a.op(less)
				a.when(func() {
					a.store(funcSize, func() {
						a.get(k)
						if part == 1 {
							a.get(f)
							a.load(funcNData)
							a.op(add)
						}
						a.constant(2)
						a.op(shl)
						a.get(f)
						a.op(add)
					}, func() { a.get(from); a.load(0) })
					a.set(from, func() { a.add(func() { a.get(from) }, 4) })
				})
			})
		})
	}
	// 4. the buckets
	a.constant(p.at)
	a.constant(0)
	a.constant(p.buckets * bucketSize)
	a.code = append(a.code, 0xFC, 0x0B, 0) // memory.fill
	a.repeat(i, func() { a.constant(p.buckets) }, func() {
		a.store(p.at, func() { a.get(i); a.constant(bucketSize); a.op(mul) }, func() { a.get(i); a.constant(4); a.op(shr) })
	})
	body := append([]byte{1, 5, 0x7F}, a.code...) // five locals of type i32
	return append(body, 0x0B)
}

// The operations on i32 that unpackTables needs.
const (
	less = 0x49 // unsigned
	add  = 0x6A
	mul  = 0x6C
	and  = 0x71
	shl  = 0x74
	shr  = 0x76 // unsigned
)

// assembler writes instructions of WebAssembly. An argument that is a function writes what pushes a value.
type assembler struct{ code []byte }

func (a *assembler) op(code byte) { a.code = append(a.code, code) }

func (a *assembler) get(local byte) { a.code = append(a.code, 0x20, local) }

func (a *assembler) set(local byte, value func()) {
	value()
	a.code = append(a.code, 0x21, local)
}

func (a *assembler) constant(n int) {
	a.op(0x41)
	if n < 0 { // above -64
		a.op(byte(n & 0x7F))
		return
	}
	a.code = appendSigned(a.code, n)
}

func (a *assembler) add(value func(), n int) {
	value()
	a.constant(n)
	a.op(add)
}

// load replaces the address on the stack by the word at this offset from it.
func (a *assembler) load(offset int) { a.code = appendUnsigned(append(a.code, 0x28, 2), offset) }

func (a *assembler) loadByte(offset int) { a.code = appendUnsigned(append(a.code, 0x2D, 0), offset) }

func (a *assembler) store(offset int, address, value func()) {
	address()
	value()
	a.code = appendUnsigned(append(a.code, 0x36, 2), offset)
}

// repeat runs body with local = 0, 1 … below a limit that is at least 1.
func (a *assembler) repeat(local byte, limit, body func()) {
	a.set(local, func() { a.constant(0) })
	a.code = append(a.code, 0x03, 0x40)
	body()
	a.add(func() { a.get(local) }, 1)
	a.code = append(a.code, 0x22, local) // and keep it
	limit()
	a.op(less)
	a.code = append(a.code, 0x0D, 0, 0x0B)
}

// when runs body if the value on the stack is not 0.
func (a *assembler) when(body func()) {
	a.code = append(a.code, 0x04, 0x40)
	body()
	a.op(0x0B)
}
