package ethereum

import (
	"encoding/hex"
	"math/big"

	"imkey-connect/devicesim/rlp"
)

// transaction is the part of an unsigned transaction that the screen shows.
type transaction struct {
	chainID *big.Int // 0: legacy, valid on any chain
	to      []byte   // 20 bytes; empty creates a contract
	value   *big.Int
	data    []byte
}

// parseTransaction parses an unsigned transaction of type 0 (with or without EIP-155) or 2 (EIP-1559). It returns nil for
// any other bytes, and for an encoding that nodes reject.
func parseTransaction(b []byte) *transaction {
	dynamic := len(b) > 0 && b[0] == 0x02
	if dynamic {
		b = b[1:]
	}
	list, err := rlp.Decode(b)
	if err != nil || !list.List {
		return nil
	}
	f, chainID := list.Items, []byte(nil)
	switch {
	case dynamic:
		// chainId, nonce, maxPriorityFeePerGas, maxFeePerGas, gas, to, value, data, accessList
		if len(f) != 9 || !f[0].Integer(32) || !f[2].Integer(32) || !accessList(f[8]) {
			return nil
		}
		chainID = f[0].Bytes
		f = append([]rlp.Item{f[1]}, f[3:8]...)
	case len(f) == 9:
		if !f[6].Integer(32) || !f[7].Fixed(0) || !f[8].Fixed(0) {
			return nil
		}
		chainID = f[6].Bytes
		f = f[:6]
	case len(f) != 6:
		return nil
	}
	// nonce, price, gas, to, value, data
	if !f[0].Integer(8) || !f[1].Integer(32) || !f[2].Integer(8) || !f[3].Fixed(20) && !f[3].Fixed(0) || !f[4].Integer(32) || f[5].List {
		return nil
	}
	return &transaction{
		chainID: new(big.Int).SetBytes(chainID), to: f[3].Bytes, value: new(big.Int).SetBytes(f[4].Bytes), data: f[5].Bytes,
	}
}

// accessList reports whether an item is an access list: addresses, each with its storage keys (EIP-2930).
func accessList(list rlp.Item) bool {
	if !list.List {
		return false
	}
	for _, entry := range list.Items {
		if len(entry.Items) != 2 || !entry.Items[0].Fixed(20) || !entry.Items[1].List {
			return false
		}
		for _, key := range entry.Items[1].Items {
			if !key.Fixed(32) {
				return false
			}
		}
	}
	return true
}

// transfer returns the payment and the receiver that the transaction itself states. It reports false unless the transaction
// is a plain transfer of the native coin or an ERC-20 transfer of a known token.
func (t *transaction) transfer() (payment, receiver string, ok bool) {
	switch {
	case len(t.to) == 0:
		return "", "", false
	case len(t.data) == 0:
		return coinOf(t.chainID).format(t.value), checksummed(t.to), true
	}
	token, known := tokenOf(t.chainID, t.to)
	const call = "a9059cbb" + "000000000000000000000000"
	if !known || t.value.Sign() != 0 || len(t.data) != 4+32+32 || hex.EncodeToString(t.data[:16]) != call {
		return "", "", false
	}
	return token.format(new(big.Int).SetBytes(t.data[36:])), checksummed(t.data[16:36]), true
}

// checksummed writes an address with the capitals of EIP-55.
func checksummed(address []byte) string {
	text := []byte(hex.EncodeToString(address))
	hash := keccak(text)
	sum := hex.EncodeToString(hash[:])
	for i, c := range text {
		if c >= 'a' && sum[i] >= '8' {
			text[i] = c - 'a' + 'A'
		}
	}
	return "0x" + string(text)
}
