package device

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"

	"imkey-connect/devicesim/internal/strictjson"
	"imkey-connect/devicesim/se"
)

// memory is what survives a power cut. It is a plain value: a change is made to a copy, which replaces the memory once it is
// stored. It holds secrets, as a real secure element does.
type memory struct {
	Serial    string   `json:"serial"`
	CA        string   `json:"ca"` // public key, hex
	SE        se.State `json:"se"`
	Activated bool     `json:"activated"` // the device has had a wallet or a binding
	Mnemonic  string   `json:"mnemonic,omitempty"`
	PIN       string   `json:"pin,omitempty"`
	WrongPINs int      `json:"wrongPins"` // in a row
	BLEName   string   `json:"bleName"`
	Battery   byte     `json:"battery"`
}

// afterReset returns the memory after a reset: that of a new device, except that it stays activated.
func (m memory) afterReset() memory {
	return memory{
		Serial: m.Serial, CA: m.CA, SE: m.SE.AfterReset(), Activated: m.Activated, BLEName: defaultBLEName(m.Serial),
		Battery: m.Battery,
	}
}

func (m memory) check() error {
	ca, err := hex.DecodeString(m.CA)
	switch {
	case err != nil || len(ca) != se.PointSize:
		return errors.New("ca")
	case checkSerial(m.Serial) != nil:
		return errors.New("serial")
	case m.PIN != "" && checkPIN(m.PIN) != nil:
		return errors.New("pin")
	case m.WrongPINs < 0 || m.WrongPINs > MaxWrongPINs:
		return errors.New("wrongPins")
	case !validBLEName(m.BLEName):
		return errors.New("bleName")
	case checkBattery(int(m.Battery)) != nil:
		return errors.New("battery")
	case m.SE.Certificate == nil:
		return errors.New("se")
	}
	if m.Mnemonic != "" {
		if words, err := parseMnemonic(m.Mnemonic); err != nil || words != m.Mnemonic {
			return errors.New("mnemonic")
		}
	}
	return nil
}

const stateVersion = 1

// stateDocument is the content of the state file. The digest is over the device's JSON without white space. It detects a file
// that was damaged or edited.
type stateDocument struct {
	Version int             `json:"version"`
	SHA256  string          `json:"sha256"`
	Device  json.RawMessage `json:"device"`
}

func encodeState(m memory) ([]byte, error) {
	body, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	b, err := json.MarshalIndent(stateDocument{stateVersion, hex.EncodeToString(sum[:]), body}, "", "  ")
	return append(b, '\n'), err
}

func decodeState(path string, b []byte) (memory, error) {
	bad := func(reason string, err error) (memory, error) {
		return memory{}, &StateError{Path: path, Reason: reason, Err: err}
	}
	var doc stateDocument
	if err := strictjson.Decode(b, &doc); err != nil {
		return bad("not a state file, or damaged", err)
	}
	if doc.Version != stateVersion {
		return bad("unknown version, written by another release", nil)
	}
	var body bytes.Buffer
	if err := json.Compact(&body, doc.Device); err != nil {
		return bad("damaged", err)
	}
	if sum := sha256.Sum256(body.Bytes()); hex.EncodeToString(sum[:]) != doc.SHA256 {
		return bad("damaged: the checksum is wrong", nil)
	}
	var m memory
	if err := strictjson.Decode(doc.Device, &m); err != nil {
		return bad("damaged", err)
	}
	if err := m.check(); err != nil {
		return bad("damaged", err)
	}
	return m, nil
}
