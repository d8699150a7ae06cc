package se

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"

	"imkey-connect/core/bindcode"
)

// State is what an element stores. It holds secrets: store its JSON form in a file that only its owner can read.
type State struct {
	SEID        [SEIDSize]byte
	Key         [32]byte // the element's private key
	Certificate []byte   // must not be modified
	HasCode     bool
	Code        bindcode.Code
	Bound       bool
	App         [PointSize]byte // the bound app's public key
	WrongCodes  int             // in a row
}

// AfterReset returns the state after a reset of the device: the same element without a code and a binding.
func (s State) AfterReset() State {
	return State{SEID: s.SEID, Key: s.Key, Certificate: s.Certificate}
}

// String returns the SEID only, so that a log never contains the secrets.
func (s State) String() string { return "se.State{" + hex.EncodeToString(s.SEID[:]) + "}" }

// GoString is String.
func (s State) GoString() string { return s.String() }

func (s State) privateKey() *secp256k1.PrivateKey { return secp256k1.PrivKeyFromBytes(s.Key[:]) }

type stateJSON struct {
	SEID        string `json:"seid"`
	Key         string `json:"key"`
	Certificate string `json:"certificate"`
	Code        string `json:"code,omitempty"`
	App         string `json:"app,omitempty"`
	WrongCodes  int    `json:"wrongCodes"`
}

// MarshalJSON encodes the state, with its secrets.
func (s State) MarshalJSON() ([]byte, error) {
	j := stateJSON{
		SEID: hex.EncodeToString(s.SEID[:]), Key: hex.EncodeToString(s.Key[:]),
		Certificate: hex.EncodeToString(s.Certificate), WrongCodes: s.WrongCodes,
	}
	if s.HasCode {
		j.Code = string(s.Code[:])
	}
	if s.Bound {
		j.App = hex.EncodeToString(s.App[:])
	}
	return json.Marshal(j)
}

// UnmarshalJSON decodes what MarshalJSON has written. It fails for a state that no element can be in.
func (s *State) UnmarshalJSON(b []byte) error {
	var j stateJSON
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&j); err != nil {
		return err
	}
	var n State
	var err error
	if n.Certificate, err = hex.DecodeString(j.Certificate); err != nil || len(n.Certificate) == 0 {
		return errors.New("se: certificate")
	}
	if err := fixed(n.SEID[:], j.SEID, "seid"); err != nil {
		return err
	}
	if err := fixed(n.Key[:], j.Key, "key"); err != nil {
		return err
	}
	var scalar secp256k1.ModNScalar
	if scalar.SetByteSlice(n.Key[:]) || scalar.IsZero() {
		return errors.New("se: key out of range")
	}
	if !bytes.Contains(n.Certificate, n.privateKey().PubKey().SerializeUncompressed()) {
		return errors.New("se: the certificate is for another key")
	}
	if j.Code != "" {
		code, err := bindcode.Parse(j.Code)
		if err != nil || string(code[:]) != j.Code {
			return errors.New("se: malformed code")
		}
		n.HasCode, n.Code = true, code
	}
	if j.App != "" {
		if err := fixed(n.App[:], j.App, "app"); err != nil {
			return err
		}
		if _, err := parsePoint(n.App[:]); err != nil {
			return err
		}
		n.Bound = true
	}
	if n.Bound && !n.HasCode {
		return errors.New("se: bound without a code")
	}
	if n.WrongCodes = j.WrongCodes; n.WrongCodes < 0 || n.WrongCodes > MaxWrongCodes {
		return errors.New("se: wrong codes out of range")
	}
	*s = n
	return nil
}

func fixed(dst []byte, text, name string) error {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(dst) {
		return fmt.Errorf("se: malformed %s", name)
	}
	copy(dst, b)
	return nil
}
