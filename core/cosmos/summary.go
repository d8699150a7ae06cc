package cosmos

import (
	"slices"
	"strconv"
	"strings"

	"imkey-connect/core/bech32"
	"imkey-connect/core/errcode"
	"imkey-connect/core/ethereum"
)

// Summary says what a document does. It is computed from the document.
type Summary struct {
	Kind ethereum.Kind
	// Payment, Receiver and Fee are the texts for the device's screen: ASCII, at most 255 bytes each. All three are empty for a message
	// of ADR-36, of which the device shows the hash.
	Payment, Receiver, Fee string
	// Types are the types of the messages.
	Types []string
	// Blind reports that the texts do not say all that the document does.
	Blind bool
}

// The kinds of messages.
const (
	Send                       = ethereum.Transfer
	Delegate     ethereum.Kind = "delegate"
	Undelegate   ethereum.Kind = "undelegate"
	ClaimRewards ethereum.Kind = "claim-rewards"
	Vote         ethereum.Kind = "vote"
	IBCTransfer  ethereum.Kind = "ibc-transfer"
	Arbitrary    ethereum.Kind = "arbitrary"
	Several      ethereum.Kind = "several"
	Other        ethereum.Kind = "other"
)

// Document is what a user signs: an amino document or a SignDoc.
type Document struct {
	ChainID, Memo string

	signBytes []byte
	messages  []message
	keys      [][]byte // the public keys of a SignDoc's signers, each in its Any
	arbitrary bool     // a message of ADR-36
	summary   Summary
}

// message is a message in words.
type message struct {
	kind              ethereum.Kind
	typ               string
	signer            string // an address that must be the account's
	payment, receiver string
	blind             bool
	// wrong is why no chain accepts the message, or empty.
	wrong string
}

// coin is an amount in the smallest units of a denomination.
type coin struct{ denom, amount string }

// String writes an amount exactly: 0.001 ATOM for uatom, and other denominations as they are.
func (c coin) String() string {
	if c.denom != "uatom" {
		return c.amount + " " + c.denom
	}
	digits := c.amount
	for len(digits) < 7 {
		digits = "0" + digits
	}
	whole, fraction := digits[:len(digits)-6], digits[len(digits)-6:]
	for fraction != "" && fraction[len(fraction)-1] == '0' {
		fraction = fraction[:len(fraction)-1]
	}
	if fraction != "" {
		whole += "." + fraction
	}
	return whole + " ATOM"
}

// denomination reports whether a text can name a coin: 3 to 128 of a few characters, and a letter first.
func denomination(s string) bool {
	for i, c := range []byte(s) {
		letter := c|' ' >= 'a' && c|' ' <= 'z'
		if !letter && (i == 0 || !(c >= '-' && c <= ':' || c == '_')) { // - . / 0 to 9 :
			return false
		}
	}
	return len(s) >= 3 && len(s) <= 128
}

// pays returns why no chain accepts a payment to a receiver, or an empty text.
func pays(receiver string, coins ...coin) string {
	switch {
	case !isAddress(receiver):
		return "a receiver or validator that is not an address in small letters"
	case len(coins) == 0 || slices.ContainsFunc(coins, coin.zero):
		return "an amount of zero"
	}
	return ""
}

func (c coin) zero() bool { return c.amount == "0" }

func sum(coins []coin) string {
	text := ""
	for _, c := range coins {
		if text = plus(text, c.String()); len(text) > tooLong {
			break
		}
	}
	return text
}

// plus adds a part to a sum in words.
func plus(sum, part string) string {
	if sum == "" {
		return part
	}
	return sum + " + " + part
}

func (d *Document) add(m message) { d.messages = append(d.messages, m) }

func (d *Document) send(from, to string, coins []coin) {
	d.add(message{kind: Send, typ: "MsgSend", signer: from, payment: sum(coins), receiver: to, wrong: pays(to, coins...)})
}

func (d *Document) delegate(on bool, delegator, validator string, c coin) {
	if on {
		d.add(message{kind: Delegate, typ: "MsgDelegate", signer: delegator, payment: "Delegate " + c.String(), receiver: validator, wrong: pays(validator, c)})
		return
	}
	d.add(message{kind: Undelegate, typ: "MsgUndelegate", signer: delegator, payment: "Undelegate " + c.String(), receiver: validator, wrong: pays(validator, c)})
}

func (d *Document) claim(delegator, validator string) {
	m := message{kind: ClaimRewards, typ: "MsgWithdrawDelegatorReward", signer: delegator, payment: "Claim rewards", receiver: validator}
	if !isAddress(validator) {
		m.wrong = "a validator that is not an address in small letters"
	}
	d.add(m)
}

func (d *Document) vote(voter, proposal string, option int64) {
	words := map[int64]string{1: "YES", 2: "ABSTAIN", 3: "NO", 4: "NO WITH VETO"}
	m := message{kind: Vote, typ: "MsgVote", signer: voter, payment: "Vote " + words[option], receiver: "proposal " + proposal}
	if words[option] == "" {
		m.payment, m.blind = "Vote option "+strconv.FormatInt(option, 10), true
	}
	d.add(m)
}

func (d *Document) transfer(sender, receiver, port, channel, memo string, c coin) {
	m := message{kind: IBCTransfer, typ: "MsgTransfer", signer: sender, payment: c.String() + " by IBC " + channel, receiver: receiver}
	// The memo of a transfer can make the receiving chain call a contract.
	m.blind = memo != "" || port != "transfer"
	lower, _ := bech32.Fold(receiver)
	switch {
	case c.zero():
		m.wrong = "an amount of zero"
	case receiver == "" || len(receiver) > most || !printable(receiver):
		m.wrong = "a receiver that the device cannot show"
	case receiver != lower && isAddress(lower): // other chains may have addresses of another kind
		m.wrong = "a receiver with capital letters"
	}
	d.add(m)
}

func (d *Document) other(kind string) {
	d.add(message{kind: Other, typ: kind, payment: "Other message: " + kind, receiver: "unknown", blind: true})
}

// hub is the beginning of the chain ids of the Cosmos Hub, whose coin is ATOM.
const hub = "cosmoshub-"

// most is the largest number of bytes of a text for the screen: its length has one byte.
const most = 0xFF

// tooLong is a length of texts at which no more is added to them.
const tooLong = 1 << 12

// printable reports whether the device can show a text.
func printable(s string) bool {
	for _, c := range []byte(s) {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}

// finish makes the summary of the messages. Errors have code invalid-argument.
func (d *Document) finish(fee []coin, payer, granter string) error {
	s := &d.summary
	if len(d.messages) == 0 {
		return errcode.Invalid(place, "no message")
	}
	for i, m := range d.messages {
		if m.wrong != "" {
			return errcode.Invalid(place, m.wrong)
		}
		s.Types = append(s.Types, m.typ)
		s.Blind = s.Blind || m.blind
		switch {
		case i == 0:
			s.Kind, s.Receiver = m.kind, m.receiver
		case m.receiver != s.Receiver:
			s.Receiver = strconv.Itoa(len(d.messages)) + " receivers"
		}
		if i > 0 {
			s.Kind = Several
		}
	}
	if d.arbitrary {
		return nil
	}
	for _, m := range d.messages {
		text := m.payment
		if m.receiver != s.Receiver {
			text += " to " + m.receiver
		}
		if s.Payment = plus(s.Payment, text); len(s.Payment) > tooLong {
			break
		}
	}
	s.Fee = sum(fee)
	if payer != "" || granter != "" {
		s.Blind = true
	}
	chain := ""
	if !strings.HasPrefix(d.ChainID, hub) {
		chain = ", on " + d.ChainID
	}
	if d.Memo != "" {
		memo := `, memo "` + d.Memo + `"`
		if len(s.Payment+memo+chain) > most || !printable(memo) {
			memo = ", memo of " + strconv.Itoa(len(d.Memo)) + " bytes"
			s.Blind = true
		}
		s.Payment += memo
	}
	s.Payment += chain
	for i, text := range []*string{&s.Payment, &s.Receiver, &s.Fee} {
		if *text == "" && i == 2 {
			*text = "0"
		}
		if printable(*text) && len(*text) <= most {
			continue
		}
		s.Blind = true
		*text = []string{strconv.Itoa(len(d.messages)) + " messages that the screen cannot show", "see the page", "see the page"}[i]
	}
	return nil
}

// Summary says what the document does, and has the texts for the device's screen.
func (d *Document) Summary() Summary { return d.summary }
