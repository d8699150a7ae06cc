package bitcoin

import (
	"bytes"
	"encoding/binary"
	"io"

	"github.com/btcsuite/btcd/wire/v2"

	"imkey-connect/core/apdu"
)

// maxAmount is the greatest amount that btcsuite's type for an output can hold.
const maxAmount = 1<<63 - 1

func readOutPoint(r io.Reader, o *wire.OutPoint) error {
	if _, err := io.ReadFull(r, o.Hash[:]); err != nil {
		return err
	}
	return binary.Read(r, binary.LittleEndian, &o.Index)
}

// reader reads the parts of a payload. After an error every further read gives zeros.
type reader struct {
	*bytes.Reader
	err error
}

func (r *reader) read(b []byte) {
	if r.err == nil {
		_, r.err = io.ReadFull(r.Reader, b)
	}
	if r.err != nil {
		clear(b)
	}
}

func (r *reader) byte() byte {
	var b [1]byte
	r.read(b[:])
	return b[0]
}

func (r *reader) big16() uint16 {
	var b [2]byte
	r.read(b[:])
	return binary.BigEndian.Uint16(b[:])
}

func (r *reader) big64() uint64 {
	var b [8]byte
	r.read(b[:])
	return binary.BigEndian.Uint64(b[:])
}

func (r *reader) little32() uint32 {
	var b [4]byte
	r.read(b[:])
	return binary.LittleEndian.Uint32(b[:])
}

func (r *reader) little64() uint64 {
	var b [8]byte
	r.read(b[:])
	return binary.LittleEndian.Uint64(b[:])
}

// script reads a script after its length as a CompactSize number.
func (r *reader) script() (script []byte) {
	if r.err == nil {
		script, r.err = wire.ReadVarBytes(r.Reader, 0, maxScript, "script")
	}
	return script
}

// input reads an outpoint, a script and a sequence.
func (r *reader) input() *wire.TxIn {
	in := &wire.TxIn{}
	r.read(in.PreviousOutPoint.Hash[:])
	in.PreviousOutPoint.Index = r.little32()
	in.SignatureScript = r.script()
	in.Sequence = r.little32()
	return in
}

// outputs reads the number of outputs, and the outputs.
func (r *reader) outputs() []*wire.TxOut {
	if r.err != nil {
		return nil
	}
	var count uint64
	if count, r.err = wire.ReadVarInt(r.Reader, 0); count > uint64(r.Len()) {
		r.err = io.ErrUnexpectedEOF // each output has 9 bytes or more
	}
	outputs := []*wire.TxOut{}
	for ; count > 0 && r.err == nil; count-- {
		value := r.little64()
		script := r.script()
		if value > maxAmount {
			r.err = apdu.WrongData
		}
		outputs = append(outputs, wire.NewTxOut(int64(value), script))
	}
	return outputs
}
