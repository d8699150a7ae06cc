package build

import (
	"bytes"
	"errors"
	"slices"
)

// Go's linker leaves out every short run of zeros in the module's data, and so splits the data into tens of thousands of
// segments. This saves bytes, but costs more after compression: the headers of the segments look random and interrupt
// repetitions. joinSegments writes the same memory in few segments, which makes the compressed module a tenth smaller.

const (
	sectionTypes     = 1
	sectionImports   = 2
	sectionFunctions = 3
	sectionStart     = 8
	sectionCode      = 10
	sectionData      = 11
	sectionDataCount = 12

	// gap is the shortest run of zeros that is still left out, in bytes. Shorter runs compress to almost nothing.
	gap = 512
)

var wasmMagic = []byte("\x00asm\x01\x00\x00\x00")

var errWASM = errors.New("not a WebAssembly module as Go's linker writes them")

// segment is a part of the memory's initial content.
type segment struct {
	at   int
	data []byte
}

// joinSegments rewrites the data section of a module, and copies everything else unchanged. edit may change the contents of the joined
// segments and of other sections, and returns the body of a function that runs when the module is instantiated, or nil.
func joinSegments(module []byte, edit func([]section, []segment) []byte) ([]byte, error) {
	sections, err := splitSections(module)
	if err != nil {
		return nil, err
	}
	var start []byte
	for i, s := range sections {
		switch s.id {
		case sectionDataCount:
			return nil, errWASM // this section would have to be changed, too; Go writes none
		case sectionData:
			segments, err := readSegments(s.content)
			if err != nil {
				return nil, err
			}
			if segments, err = join(segments); err != nil {
				return nil, err
			}
			start = edit(sections, segments)
			sections[i].content = writeSegments(cut(segments))
		}
	}
	if start != nil {
		if sections, err = addStart(sections, start); err != nil {
			return nil, err
		}
	}
	return writeSections(sections), nil
}

// addStart adds a function without parameters and results, which runs when the module is instantiated.
func addStart(sections []section, body []byte) ([]section, error) {
	added := map[byte][]byte{
		sectionTypes: {0x60, 0, 0},
		sectionCode:  append(appendUnsigned(nil, len(body)), body...),
	}
	functions, place := 0, -1
	for i, s := range sections {
		switch {
		case s.id == sectionStart:
			return nil, errWASM
		case s.id > sectionStart && place < 0:
			place = i
		case s.id == sectionImports:
			n, err := importedFunctions(s.content)
			if err != nil {
				return nil, err
			}
			functions += n
		}
		if s.id != sectionTypes && s.id != sectionFunctions && s.id != sectionCode {
			continue
		}
		count, rest, err := unsigned(s.content)
		if err != nil {
			return nil, err
		}
		switch s.id {
		case sectionTypes:
			added[sectionFunctions] = appendUnsigned(nil, count)
		case sectionFunctions:
			functions += count
		}
		sections[i].content = slices.Concat(appendUnsigned(nil, count+1), rest, added[s.id])
	}
	if place < 0 {
		return nil, errWASM
	}
	return slices.Insert(sections, place, section{sectionStart, appendUnsigned(nil, functions)}), nil
}

// importedFunctions returns the number of imports, which must be functions.
func importedFunctions(b []byte) (int, error) {
	count, b, err := unsigned(b)
	for range count {
		for range 2 { // the module, the name
			var n int
			if n, b, err = unsigned(b); err != nil || n > len(b) {
				return 0, errWASM
			}
			b = b[n:]
		}
		if len(b) == 0 || b[0] != 0 {
			return 0, errWASM
		}
		if _, b, err = unsigned(b[1:]); err != nil { // its type
			return 0, errWASM
		}
	}
	return count, err
}

type section struct {
	id      byte
	content []byte
}

func splitSections(module []byte) ([]section, error) {
	if !bytes.HasPrefix(module, wasmMagic) {
		return nil, errWASM
	}
	var sections []section
	for rest := module[8:]; len(rest) > 0; {
		id := rest[0]
		n, body, err := unsigned(rest[1:])
		if err != nil || n > len(body) {
			return nil, errWASM
		}
		sections, rest = append(sections, section{id, body[:n]}), body[n:]
	}
	return sections, nil
}

func writeSections(sections []section) []byte {
	out := bytes.Clone(wasmMagic)
	for _, s := range sections {
		out = append(out, s.id)
		out = appendUnsigned(out, len(s.content))
		out = append(out, s.content...)
	}
	return out
}

// readSegments reads the segments of a data section. They must be active, for memory 0, and at constant addresses.
func readSegments(b []byte) ([]segment, error) {
	count, b, err := unsigned(b)
	if err != nil {
		return nil, err
	}
	var segments []segment
	for range count {
		// 00: active, memory 0. 41: i32.const. 0B: end.
		if len(b) < 2 || b[0] != 0x00 || b[1] != 0x41 {
			return nil, errWASM
		}
		at, rest, err := signed(b[2:])
		if err != nil || len(rest) < 1 || rest[0] != 0x0B {
			return nil, errWASM
		}
		n, rest, err := unsigned(rest[1:])
		if err != nil || n > len(rest) {
			return nil, errWASM
		}
		segments, b = append(segments, segment{at, rest[:n]}), rest[n:]
	}
	if len(b) != 0 {
		return nil, errWASM
	}
	return segments, nil
}

// join sorts segments, which must not overlap, and fills the short gaps between them with zeros.
func join(segments []segment) ([]segment, error) {
	slices.SortFunc(segments, func(a, b segment) int { return a.at - b.at })
	var joined []segment
	end := 0
	for _, s := range segments {
		if s.at < end {
			return nil, errWASM
		}
		end = s.at + len(s.data)
		if n := len(joined); n > 0 {
			last := &joined[n-1]
			if between := s.at - last.at - len(last.data); between < gap {
				last.data = append(append(last.data, make([]byte, between)...), s.data...)
				continue
			}
		}
		joined = append(joined, segment{s.at, bytes.Clone(s.data)})
	}
	return joined, nil
}

// cut leaves out the long runs of zeros.
func cut(segments []segment) []segment {
	var all []segment
	zeros := make([]byte, gap)
	for _, s := range segments {
		for len(s.data) > 0 {
			end, next := len(s.data), len(s.data)
			if n := bytes.Index(s.data, zeros); n >= 0 {
				end, next = n, len(s.data)-len(bytes.TrimLeft(s.data[n:], "\x00"))
			}
			if end > 0 {
				all = append(all, segment{s.at, s.data[:end]})
			}
			s = segment{s.at + next, s.data[next:]}
		}
	}
	return all
}

func writeSegments(segments []segment) []byte {
	out := appendUnsigned(nil, len(segments))
	for _, s := range segments {
		out = append(out, 0x00, 0x41)
		out = appendSigned(out, s.at)
		out = append(out, 0x0B)
		out = appendUnsigned(out, len(s.data))
		out = append(out, s.data...)
	}
	return out
}

// The integers of the format are LEB128: constants are signed, all others unsigned. All are below 2^31.

func unsigned(b []byte) (n int, rest []byte, err error) {
	for i := range min(len(b), 5) {
		n |= int(b[i]&0x7F) << (7 * i)
		if b[i]&0x80 == 0 {
			return n, b[i+1:], nil
		}
	}
	return 0, nil, errWASM
}

func signed(b []byte) (n int, rest []byte, err error) {
	n, rest, err = unsigned(b)
	if err != nil || b[len(b)-len(rest)-1]&0x40 != 0 {
		return 0, nil, errWASM // Go's memory has no negative addresses
	}
	return n, rest, nil
}

func appendUnsigned(b []byte, n int) []byte {
	for n >= 0x80 {
		b = append(b, byte(n)|0x80)
		n >>= 7
	}
	return append(b, byte(n))
}

func appendSigned(b []byte, n int) []byte {
	for n >= 0x40 {
		b = append(b, byte(n&0x7F)|0x80)
		n >>= 7
	}
	return append(b, byte(n))
}
