package bitcoin

import (
	"encoding/hex"
	"strconv"

	"imkey-connect/core/hdpath"
)

// The notes of a summary.
const (
	// NoteDust: nodes do not relay an output with so little, so the transaction may never be mined.
	NoteDust = "dust"
	// NoteHighFee: the fee is above the bound, and the caller agreed to it.
	NoteHighFee = "high-fee"
	// NoteForeignInputs: not all inputs are the wallet's. The amounts of the others are claims.
	NoteForeignInputs = "foreign-inputs"
	// NoteNoAddress: an output has a script without an address. What the device shows of it is not known.
	NoteNoAddress = "no-address"
)

// Payment is an output that the device shows.
type Payment struct {
	// Index is the number of the output.
	Index  int
	Amount uint64
	// Address is empty for a script without one.
	Address string
	Script  []byte
}

// Change is an output that goes back to the wallet. The device does not show it.
type Change struct {
	Index   int
	Amount  uint64
	Address string
	Path    hdpath.Path
}

// Summary says what a transaction does. It is computed from the transaction and the device's keys.
type Summary struct {
	Payments []Payment
	Change   []Change
	// Spent is the sum of the inputs, Own that of those which are signed. Fee is what miners get.
	Spent, Own, Fee uint64
	// Signed are the inputs that are signed, Unsigned the others.
	Signed, Unsigned []int
	Notes            []string
	// Blind reports that the device may not show all that is signed.
	Blind bool
}

// Paid is the sum of the payments.
func (s *Summary) Paid() (total uint64) {
	for _, p := range s.Payments {
		total += p.Amount
	}
	return total
}

func (s *Summary) note(note string) {
	for _, n := range s.Notes {
		if n == note {
			return
		}
	}
	s.Notes = append(s.Notes, note)
}

func (pl *plan) summarise() {
	s := &pl.summary
	s.Fee = pl.fee
	for i := range pl.spends {
		if pl.spends[i].typ == 0 {
			s.Unsigned = append(s.Unsigned, i)
			continue
		}
		s.Signed = append(s.Signed, i)
		s.Own += pl.spends[i].Amount
	}
	if len(s.Unsigned) > 0 {
		s.note(NoteForeignInputs)
	}
	for _, i := range pl.shown {
		o := pl.tx.Outputs[i]
		text, ok := pl.network.AddressOf(o.Script)
		s.Payments = append(s.Payments, Payment{i, o.Amount, text, o.Script})
		if !ok && !isData(o.Script) {
			s.note(NoteNoAddress)
			s.Blind = true
		}
	}
	for _, o := range pl.tx.Outputs {
		if !isData(o.Script) && o.Amount < Dust(o.Script) {
			s.note(NoteDust)
		}
	}
}

// Dust returns the least amount of an output that nodes relay, at their default of 3 satoshi for each virtual byte that spending it
// takes.
func Dust(script []byte) uint64 {
	n := uint64(len(script)) + 9
	if _, _, ok := witnessProgram(script); ok {
		return 3 * (n + 32 + 4 + 1 + 107/4 + 4)
	}
	return 3 * (n + 32 + 4 + 1 + 107 + 4)
}

// AmountText writes an amount exactly, with as many decimal places as it needs: 1 BTC, 0.0001 BTC.
func AmountText(satoshi uint64) string {
	digits := strconv.FormatUint(satoshi, 10)
	for len(digits) < 9 {
		digits = "0" + digits
	}
	whole, fraction := digits[:len(digits)-8], digits[len(digits)-8:]
	for fraction != "" && fraction[len(fraction)-1] == '0' {
		fraction = fraction[:len(fraction)-1]
	}
	if fraction != "" {
		whole += "." + fraction
	}
	return whole + " BTC"
}

// Text says in words what an output pays: an amount and an address, or the script in hex.
func (p *Payment) Text() string {
	to := p.Address
	switch {
	case to != "":
	case isData(p.Script) && p.Amount == 0:
		return "data " + hex.EncodeToString(p.Script[1:])
	default:
		to = "script " + hex.EncodeToString(p.Script)
	}
	return AmountText(p.Amount) + " to " + to
}
