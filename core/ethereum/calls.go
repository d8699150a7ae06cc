package ethereum

import (
	"encoding/binary"
	"encoding/hex"
	"math/big"

	"imkey-connect/core/ethereum/rlp"
	"imkey-connect/core/keccak"
)

// callForm is a call that the summary puts in words.
type callForm struct {
	selector uint32
	kind     Kind
	// args has a letter for each word of the arguments: a an address, u a number, M 2^96-1, 2^160-1 or 2^256-1, T true, F false, w any word; d bytes, whose content
	// the words do not say, and * anything up to the end.
	args string
	// text is the payment. #n is argument n as a number, %n the same or UNLIMITED, &n it as an address, and @ the contract.
	text string
	// receiver and amount are the arguments for the receiver and the amount; amount is 0 for none.
	receiver, amount int
	unlimited        bool
}

// permit2Approve is approve(token, spender, amount, expiration) of Permit2. The contract that is called is not the token.
const permit2Approve = 0x87517c45

// callForms are the calls of ERC-20, ERC-721, ERC-1155, EIP-2612, DAI and Permit2 that give something away or let another account do so.
// Nothing in a transaction says whether a contract is one of ERC-20 or of ERC-721. Where both have a call, the words name both readings:
// approve(spender, 0) gives away the NFT with the number 0.
var callForms = [...]callForm{
	{0xa9059cbb, TokenTransfer, "au", "#1 units of token @", 0, 1, false},
	{0x095ea7b3, TokenApproval, "aM", "Allow UNLIMITED units of token @", 0, 1, true},
	{0x095ea7b3, TokenApproval, "au", "Allow NFT no. #1 or %1 units of token @", 0, 1, false},
	{0x39509351, TokenApproval, "au", "Allow %1 MORE units of token @", 0, 1, false},
	{0xa457c2d7, TokenApproval, "au", "Allow #1 FEWER units of token @", 0, 1, false},
	{permit2Approve, TokenApproval, "aauu", "Allow %2 units of token &0 through @ until second #3", 1, 2, false},
	{0xd505accf, TokenPermit, "aauuwww", "Permit %2 units of token @ of &0", 1, 2, false},
	{0x8fcbaf0c, TokenPermit, "aauuTwww", "Permit UNLIMITED units of token @ of &0", 1, 0, true},
	{0x8fcbaf0c, TokenPermit, "aauuFwww", "End the permit for token @ of &0", 1, 0, false},
	{0x23b872dd, TokenTransferFrom, "aau", "NFT no. #2 or #2 units of token @ of &0", 1, 2, false},
	{0x42842e0e, NFTTransfer, "aau", "NFT no. #2 of @ of &0", 1, 0, false},
	{0xb88d4fde, NFTTransfer, "aaud", "NFT no. #2 of @ of &0", 1, 0, false},
	{0xf242432a, NFTTransfer, "aauud", "#3 of NFT no. #2 of @ of &0", 1, 0, false},
	{0x2eb2c2d6, NFTTransfer, "aa*", "Several NFTs of @ of &0", 1, 0, false},
	{0xa22cb465, ApprovalForAll, "aT", "Allow ALL NFTs and tokens of @", 0, 0, true},
	{0xa22cb465, ApprovalForAll, "aF", "End the permission for all of @", 0, 0, false},
}

// call puts the call of a contract in words. It reports false for a call that is none of [callForms], and for one with ether, with
// trailing or missing bytes or with padding that is not zero, since the contract decides what that does.
func (s *Summary) call(t *Transaction) bool {
	if len(t.Data) < 4 || big0(t.Value).Sign() != 0 {
		return false
	}
	selector := binary.BigEndian.Uint32(t.Data)
	for i := range callForms {
		f := &callForms[i]
		if f.selector != selector {
			continue
		}
		words, opaque, ok := f.arguments(t.Data[4:])
		if !ok {
			continue
		}
		payment := ""
		number := func(n byte) *big.Int { return new(big.Int).SetBytes(words[n-'0'][:]) }
		unlimited := f.unlimited
		for text := f.text; text != ""; text = text[1:] {
			switch text[0] {
			case '@':
				payment += t.To.String()
				continue
			case '#':
				payment += number(text[1]).String()
			case '%':
				if n := number(text[1]); n.Cmp(unlimitedAmount) < 0 {
					payment += n.String()
				} else {
					payment, unlimited = payment+"UNLIMITED", true
				}
			case '&':
				payment += Address(words[text[1]-'0'][12:]).String()
			default:
				payment += text[:1]
				continue
			}
			text = text[1:]
		}
		if len(payment) > 0xFF {
			return false // the device would cut it
		}
		s.Kind, s.Payment, s.Unlimited, s.Blind = f.kind, payment, unlimited, opaque
		s.Receiver = Address(words[f.receiver][12:]).String()
		if f.amount != 0 {
			s.Amount = new(big.Int).SetBytes(words[f.amount][:])
			if s.Token = t.To; f.selector == permit2Approve {
				s.Token = new(Address(words[0][12:]))
			}
		}
		return true
	}
	return false
}

// arguments reads the arguments of a call. opaque reports that they have more than the text says.
func (f *callForm) arguments(data []byte) (words [][32]byte, opaque, ok bool) {
	for _, kind := range f.args {
		if kind == '*' {
			return words, true, true
		}
		if len(data) < 32 {
			return nil, false, false
		}
		word := [32]byte(data)
		data = data[32:]
		n := new(big.Int).SetBytes(word[:])
		switch kind {
		case 'a':
			ok = n.BitLen() <= 160
		case 'T', 'F':
			ok = n.IsUint64() && n.Uint64() == map[rune]uint64{'T': 1}[kind]
		case 'M':
			bits := n.BitLen()
			ok = (bits == 96 || bits == 160 || bits == 256) && n.Add(n, big.NewInt(1)).TrailingZeroBits() == uint(bits)
		case 'w', 'u':
			ok = true
			opaque = opaque || kind == 'w'
		case 'd':
			// The bytes begin after the words, with their length.
			if ok = n.IsUint64() && n.Uint64() == uint64(32*len(f.args)) && len(data) >= 32; ok {
				length := new(big.Int).SetBytes(data[:32])
				ok = length.IsUint64() && length.Uint64() <= uint64(len(data)) && (length.Uint64()+31)/32*32 == uint64(len(data)-32)
				opaque, data = len(data) > 32, nil
			}
		}
		if !ok {
			return nil, false, false
		}
		words = append(words, word)
	}
	return words, opaque, len(data) == 0
}

// Delegation is what an authorization of EIP-7702 does.
type Delegation struct {
	// Account is the account that signed the authorization, and nil if its signature is no signature.
	Account *Address
	// Code is the contract whose code the account runs from then on, with all that the account has. Zero ends a delegation.
	Code Address
	// ChainID is zero for every chain.
	ChainID *big.Int
}

func (d *Delegation) String() string {
	text := "an unknown account"
	if d.Account != nil {
		text = d.Account.String()
	}
	if d.Code == (Address{}) {
		text = "END of the delegation of " + text
	} else {
		text = "FULL CONTROL of " + text + " by the code at " + d.Code.String()
	}
	if big0(d.ChainID).Sign() == 0 {
		return text + " on EVERY chain"
	}
	return text + " on chain " + d.ChainID.String()
}

// delegation returns what an authorization does. It recovers the account from the signature.
func (a *Authorization) delegation() Delegation {
	signed := rlp.List(rlp.Big(a.ChainID), rlp.String(a.Address[:]), rlp.Uint(a.Nonce))
	sig := Signature{YParity: a.YParity}
	big0(a.R).FillBytes(sig.R[:])
	big0(a.S).FillBytes(sig.S[:])
	d := Delegation{Code: a.Address, ChainID: a.ChainID}
	if account, err := sig.Recover(keccak.Sum256(append([]byte{0x05}, signed.Encode()...))); err == nil {
		d.Account = &account
	}
	return d
}

// mostDelegations is how many delegations the payment names.
const mostDelegations = 3

// unknownCall is the payment of a call that [Summary.call] has no words for.
func unknownCall(payment string, data []byte) string {
	payment += " + unknown call"
	if len(data) >= 4 {
		payment += " " + hex.EncodeToString(data[:4])
	}
	return payment
}
