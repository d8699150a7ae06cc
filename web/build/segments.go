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
	sectionData      = 11
	sectionDataCount = 12

	// gap is the shortest run of zeros that is still left out, in bytes. Shorter runs compress to almost nothing.
	gap = 512
)

var errWASM = errors.New("not a WebAssembly module as Go's linker writes them")

// segment is a part of the memory's initial content.
type segment struct {
	at   int
	data []byte
}

// joinSegments rewrites the data section of a module, and copies everything else unchanged. edit may change the contents of the joined
// segments.
func joinSegments(module []byte, edit func([]segment)) ([]byte, error) {
	sections, err := splitSections(module)
	if err != nil {
		return nil, err
	}
	out := bytes.Clone(module[:8])
	for _, s := range sections {
		content := s.content
		switch s.id {
		case sectionDataCount:
			return nil, errWASM // this section would have to be changed, too; Go writes none
		case sectionData:
			segments, err := readSegments(content)
			if err != nil {
				return nil, err
			}
			if segments, err = join(segments); err != nil {
				return nil, err
			}
			edit(segments)
			content = writeSegments(segments)
		}
		out = append(out, s.id)
		out = appendUnsigned(out, len(content))
		out = append(out, content...)
	}
	return out, nil
}

type section struct {
	id      byte
	content []byte
}

func splitSections(module []byte) ([]section, error) {
	if !bytes.HasPrefix(module, []byte("\x00asm\x01\x00\x00\x00")) {
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
