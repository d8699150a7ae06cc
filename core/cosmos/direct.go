package cosmos

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"imkey-connect/core/errcode"
	"imkey-connect/core/protobuf"
)

// ParseDirect reads a SignDoc of the mode SIGN_MODE_DIRECT: body_bytes, auth_info_bytes, chain_id and account_number, in the one form in
// which libraries write it. The sign bytes are its bytes. Errors have code invalid-argument.
func ParseDirect(signDoc []byte) (*Document, error) {
	if len(signDoc) == 0 || len(signDoc) > MaxDocument {
		return nil, errcode.Invalid(place, "between 1 and 1048576 bytes")
	}
	d := &Document{signBytes: slices.Clone(signDoc)}
	m := protobuf.Read(place, d.signBytes)
	body, auth := m.Bytes(1), m.Bytes(2)
	d.ChainID = string(m.Bytes(3))
	m.Number(4)
	if err := m.Err(); err != nil {
		return nil, err
	}
	if d.ChainID == "" || !utf8.ValidString(d.ChainID) {
		return nil, errcode.Invalid(place, "no chain id, or one that is not UTF-8")
	}
	m = protobuf.Read(place, body)
	messages := m.Repeated(1)
	d.Memo = string(m.Bytes(2))
	m.Number(3)
	// Extensions can mean anything.
	extensions := m.Rest()
	if err := m.Err(); err != nil {
		return nil, err
	}
	if !utf8.ValidString(d.Memo) {
		return nil, errcode.Invalid(place, "a memo that is not UTF-8")
	}
	coins, payer, granter, err := d.authInfo(auth)
	if err != nil {
		return nil, err
	}
	for _, any := range messages {
		m := protobuf.Read(place, any)
		kind, value := string(m.Bytes(1)), m.Bytes(2)
		if !utf8.ValidString(kind) {
			m.Fail("a type that is not UTF-8")
		}
		if err := m.Err(); err != nil {
			return nil, err
		}
		if err := d.direct(kind, value); err != nil {
			return nil, err
		}
	}
	if extensions {
		d.other("extension options")
	}
	return d, d.finish(coins, payer, granter)
}

// authInfo reads the signers and the fee.
func (d *Document) authInfo(b []byte) (coins []coin, payer, granter string, err error) {
	m := protobuf.Read(place, b)
	for _, info := range m.Repeated(1) {
		signer := protobuf.Read(place, info)
		key := signer.Bytes(1)
		signer.Bytes(2)
		signer.Number(3)
		if err := signer.Err(); err != nil {
			return nil, "", "", err
		}
		if key != nil {
			d.keys = append(d.keys, key)
		}
	}
	fees := m.Repeated(2)
	if m.Rest() || len(fees) > 1 {
		m.Fail("a fee that is not known here")
	}
	if err := m.Err(); err != nil || len(fees) == 0 {
		return nil, "", "", err
	}
	fee := protobuf.Read(place, fees[0])
	for _, b := range fee.Repeated(1) {
		c, err := directCoin(b)
		if err != nil {
			return nil, "", "", err
		}
		coins = append(coins, c)
	}
	fee.Number(2)
	payer, granter = string(fee.Bytes(3)), string(fee.Bytes(4))
	return coins, payer, granter, fee.Err()
}

func directCoin(b []byte) (c coin, err error) {
	m := protobuf.Read(place, b)
	c = coin{string(m.Bytes(1)), string(m.Bytes(2))}
	if !whole(c.amount) {
		m.Fail("an amount that is not a whole number")
	}
	if !denomination(c.denom) {
		m.Fail("an amount of a coin that no chain has")
	}
	return c, m.Err()
}

// direct reads a message of a known type, or says of another one its type.
func (d *Document) direct(kind string, value []byte) error {
	m := protobuf.Read(place, value)
	text := func(number int) string { return string(m.Bytes(number)) }
	one := func(number int) coin {
		c, err := directCoin(m.Bytes(number))
		if err != nil {
			m.Fail("a malformed amount")
		}
		return c
	}
	switch strings.TrimPrefix(kind, "/") {
	case "cosmos.bank.v1beta1.MsgSend":
		from, to := text(1), text(2)
		var coins []coin
		for _, b := range m.Repeated(3) {
			c, err := directCoin(b)
			if err != nil {
				return err
			}
			coins = append(coins, c)
		}
		d.send(from, to, coins)
	case "cosmos.staking.v1beta1.MsgDelegate", "cosmos.staking.v1beta1.MsgUndelegate":
		d.delegate(strings.HasSuffix(kind, "MsgDelegate"), text(1), text(2), one(3))
	case "cosmos.distribution.v1beta1.MsgWithdrawDelegatorReward":
		d.claim(text(1), text(2))
	case "cosmos.gov.v1beta1.MsgVote":
		proposal, voter := m.Number(1), text(2)
		d.vote(voter, strconv.FormatInt(proposal, 10), m.Number(3))
	case "ibc.applications.transfer.v1.MsgTransfer":
		port, channel, token, sender, receiver := text(1), text(2), one(3), text(4), text(5)
		m.Repeated(6) // timeout_height
		m.Number(7)
		d.transfer(sender, receiver, port, channel, text(8), token)
	default:
		m.Rest()
		d.other(kind)
		return nil
	}
	return m.Err()
}
