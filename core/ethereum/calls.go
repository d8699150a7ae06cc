package ethereum

import (
	"encoding/binary"
	"encoding/hex"
	"math/big"
	"strconv"
)

// callForm is a call that the summary puts in words.
type callForm struct {
	selector uint32
	kind     Kind
	// args has a letter for each word of the arguments: a an address or a number of 160 bits, u a number, e one of 48 bits, M 2^96-1,
	// 2^160-1 or 2^256-1, T true, F false, w any word; d bytes, whose content the text does not say and which follow the words in
	// order, and * anything up to the end.
	args string
	// text is the payment. #n is argument n as a number, %n the same or UNLIMITED, &n it as an address, and @ the contract.
	text string
	// receiver and amount are the arguments for the receiver and the amount; amount is 0 for none.
	receiver, amount int
	unlimited        bool
}

// The calls of Permit2, whose contract is not the token: approve(token, spender, amount, expiration), and permit(owner, ((token, amount,
// expiration, nonce), spender, deadline), signature).
const (
	permit2Approve = 0x87517c45
	permit2Permit  = 0x2b67b570
)

// callForms are the calls of ERC-20 and its early forms, ERC-721, ERC-777, ERC-1155, ERC-1363 (and ERC-677), ERC-6909, EIP-2612, EIP-3009, EIP-4494,
// DAI, USDC, Uniswap's positions, Permit2, Compound III and Aave's debt that give something away or let another account do so.
// Nothing in a transaction says whether a contract is one of ERC-20 or of ERC-721. Where both have a call, the words name both readings:
// approve(spender, 0) gives away the NFT with the number 0.
var callForms = [...]callForm{
	{0xa9059cbb, TokenTransfer, "au", "#1 units of token @", 0, 1, false},
	{0x095ea7b3, TokenApproval, "aM", "Allow UNLIMITED units of token @", 0, 1, true},
	{0x095ea7b3, TokenApproval, "au", "Allow NFT no. #1 or %1 units of token @", 0, 1, false},
	{0x39509351, TokenApproval, "au", "Allow %1 MORE units of token @", 0, 1, false},
	{0xa457c2d7, TokenApproval, "au", "Allow #1 FEWER units of token @", 0, 1, false},
	{0xd73dd623, TokenApproval, "au", "Allow %1 MORE units of token @", 0, 1, false},
	{0x66188463, TokenApproval, "au", "Allow #1 FEWER units of token @", 0, 1, false},
	{permit2Approve, TokenApproval, "aaae", "Allow %2 units of token &0 through @ until second #3", 1, 2, false},
	{0xd505accf, TokenPermit, "aauuwww", "Permit %2 units of token @ of &0", 1, 2, false},
	{0x8fcbaf0c, TokenPermit, "aauuTwww", "Permit UNLIMITED units of token @ of &0", 1, 0, true},
	{0x8fcbaf0c, TokenPermit, "aauuFwww", "End the permit for token @ of &0", 1, 0, false},
	{permit2Permit, TokenPermit, "aaaeeaud", "Permit %2 units of token &1 of &0 through @ until second #3", 5, 2, false},
	{0x7ac2ff7b, TokenPermit, "auuwww", "Permit NFT no. #1 of @", 0, 0, false},
	{0x745a41bc, TokenPermit, "auud", "Permit NFT no. #1 of @", 0, 0, false},
	{0x23b872dd, TokenTransferFrom, "aau", "NFT no. #2 or #2 units of token @ of &0", 1, 2, false},
	{0x42842e0e, NFTTransfer, "aau", "NFT no. #2 of @ of &0", 1, 0, false},
	{0xb88d4fde, NFTTransfer, "aaud", "NFT no. #2 of @ of &0", 1, 0, false},
	{0xf242432a, NFTTransfer, "aauud", "#3 of NFT no. #2 of @ of &0", 1, 0, false},
	{0x2eb2c2d6, NFTTransfer, "aa*", "Several NFTs of @ of &0", 1, 0, false},
	{0xa22cb465, ApprovalForAll, "aT", "Allow ALL NFTs and tokens of @", 0, 0, true},
	{0xa22cb465, ApprovalForAll, "aF", "End the permission for all of @", 0, 0, false},
	{0x4000aea0, TokenTransfer, "aud", "#1 units of token @ with a call", 0, 1, false},
	{0x1296ee62, TokenTransfer, "au", "#1 units of token @ with a call", 0, 1, false},
	{0xc1d34b89, TokenTransferFrom, "aaud", "#2 units of token @ of &0 with a call", 1, 2, false},
	{0xd8fbe994, TokenTransferFrom, "aau", "#2 units of token @ of &0 with a call", 1, 2, false},
	{0xcae9ca51, TokenApproval, "aud", "Allow %1 units of token @ with a call", 0, 1, false},
	{0x3177029f, TokenApproval, "au", "Allow %1 units of token @ with a call", 0, 1, false},
	{0x9bd9bbc6, TokenTransfer, "aud", "#1 units of token @ with a call", 0, 1, false},
	{0x959b8c3f, ApprovalForAll, "a", "Allow ALL units of token @", 0, 0, true},
	{0xfad8b32a, ApprovalForAll, "a", "End the permission for all of @", 0, 0, false},
	{0x095bcdb6, TokenTransfer, "auu", "#2 units of token no. #1 of @", 0, 0, false},
	{0xfe99049a, TokenTransferFrom, "aauu", "#3 units of token no. #2 of @ of &0", 1, 0, false},
	{0x426a8493, TokenApproval, "auu", "Allow %2 units of token no. #1 of @", 0, 0, false},
	{0x558a7297, ApprovalForAll, "aT", "Allow ALL tokens of @", 0, 0, true},
	{0x558a7297, ApprovalForAll, "aF", "End the permission for all of @", 0, 0, false},
	{0x110496e5, ApprovalForAll, "aT", "Allow ALL of @", 0, 0, true},
	{0x110496e5, ApprovalForAll, "aF", "End the permission for all of @", 0, 0, false},
	{0xc04a8a10, TokenApproval, "au", "Allow to BORROW %1 units of @", 0, 0, false},
	{0x9fd5a6cf, TokenPermit, "aauud", "Permit %2 units of token @ of &0", 1, 2, false},
	{0xe3ee160e, TokenTransferFrom, "aauuuwwww", "#2 units of token @ of &0", 1, 2, false},
	{0xef55bec6, TokenTransferFrom, "aauuuwwww", "#2 units of token @ of &0", 1, 2, false},
	{0xcf092995, TokenTransferFrom, "aauuuwd", "#2 units of token @ of &0", 1, 2, false},
	{0x88b7ab63, TokenTransferFrom, "aauuuwd", "#2 units of token @ of &0", 1, 2, false},
	{0x62ad1b83, TokenTransferFrom, "aaudd", "#2 units of token @ of &0 with a call", 1, 2, false},
}

// DescribeCall puts a call without ether in words, for a chain with the same contracts. It sets the fields of the summary except Fee and
// Notes. text writes an address. ok is false for a call that is none of the calls of tokens that this package knows, and for one with
// trailing or missing bytes or with padding that is not zero, since the contract decides what that does.
func DescribeCall(contract Address, data []byte, text func(Address) string) (s Summary, ok bool) {
	ok = s.call(&contract, data, text)
	return s, ok
}

// call is [DescribeCall].
func (s *Summary) call(contract *Address, data []byte, text func(Address) string) bool {
	if len(data) < 4 {
		return false
	}
	selector, arguments := binary.BigEndian.Uint32(data), data[4:]
	for i := range callForms {
		if f := &callForms[i]; f.selector == selector {
			if opaque, ok := f.fits(arguments); ok {
				return s.say(f, contract, arguments, opaque, text)
			}
		}
	}
	return false
}

// say sets the fields for a call with these arguments. It reports false if the words are longer than the screen takes.
func (s *Summary) say(f *callForm, contract *Address, arguments []byte, opaque bool, text func(Address) string) bool {
	address := func(n int) *Address { return (*Address)(arguments[32*n+12:]) }
	number := func(n int) *big.Int { return new(big.Int).SetBytes(arguments[32*n : 32*n+32]) }
	payment, unlimited := "", f.unlimited
	for i := 0; i < len(f.text); i++ {
		switch mark := f.text[i]; mark {
		case '@':
			payment += text(*contract)
		case '#', '%', '&':
			i++
			n := int(f.text[i] - '0')
			if mark == '&' {
				payment += text(*address(n))
			} else if v := number(n); mark == '%' && v.Cmp(unlimitedAmount) >= 0 {
				payment, unlimited = payment+"UNLIMITED", true
			} else {
				payment += v.String()
			}
		default:
			payment += f.text[i : i+1]
		}
	}
	if len(payment) > 0xFF {
		return false // the device would cut it
	}
	s.Kind, s.Payment, s.Receiver, s.Unlimited, s.Blind = f.kind, payment, text(*address(f.receiver)), unlimited, opaque
	if f.amount != 0 {
		s.Token, s.Amount = contract, number(f.amount)
		switch f.selector {
		case permit2Approve:
			s.Token = address(0)
		case permit2Permit:
			s.Token = address(1)
		}
	}
	return true
}

// fits reports whether the arguments have this form. opaque reports that they have more than the text says.
func (f *callForm) fits(arguments []byte) (opaque, ok bool) {
	size := uint64(len(arguments))
	end := uint64(32 * len(f.args)) // of the words, and then of the bytes that follow them
	for i := range len(f.args) {
		if f.args[i] == '*' {
			return true, true
		}
		if len(arguments) < 32*(i+1) {
			return false, false
		}
		word := arguments[32*i : 32*(i+1)]
		switch f.args[i] {
		case 'a':
			ok = zero(word[:12])
		case 'e':
			ok = zero(word[:26])
		case 'M':
			ok = maximal(word)
		case 'T', 'F':
			ok = zero(word[:31]) && (word[31] == 1) == (f.args[i] == 'T') && word[31] <= 1
		case 'd':
			// The word says where the bytes begin, with their length.
			ok = zero(word[:28]) && uint64(binary.BigEndian.Uint32(word[28:])) == end && end+32 <= size && zero(arguments[end:end+28])
			if ok {
				length := binary.BigEndian.Uint32(arguments[end+28:])
				end += 32 + (uint64(length)+31)/32*32
				opaque = opaque || length > 0
			}
		default:
			ok, opaque = true, opaque || f.args[i] == 'w'
		}
		if !ok {
			return false, false
		}
	}
	return opaque, size == end
}

func zero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// maximal reports whether a word is 2^96-1, 2^160-1 or 2^256-1.
func maximal(word []byte) bool {
	ones := 32
	for ones > 0 && word[ones-1] == 0xFF {
		ones--
	}
	return (ones == 0 || ones == 12 || ones == 20) && zero(word[:ones])
}

// mostDelegations is how many delegations the payment names.
const mostDelegations = 3

// delegations says what the authorizations of a transaction of type 4 do (EIP-7702). The accounts are those that signed them.
func (s *Summary) delegations(list []Authorization) {
	for i := range list {
		a := &list[i]
		ends := zero(a.Address[:])
		if !ends {
			s.note(NoteDelegation)
		}
		switch {
		case i == mostDelegations:
			s.Payment += " + " + strconv.Itoa(len(list)-i) + " MORE delegations"
			fallthrough
		case i > mostDelegations:
			continue
		case ends:
			s.Payment += " + END of a delegation"
		default:
			s.Payment += " + FULL CONTROL of an account by the code at " + a.Address.String()
		}
		if chain := big0(a.ChainID); chain.Sign() == 0 {
			s.Payment += " on EVERY chain"
		} else {
			s.Payment += " on chain " + chain.String()
		}
	}
}

// unknownCall is the payment of a call that [Summary.call] has no words for.
func unknownCall(payment string, data []byte) string {
	payment += " + unknown call"
	if len(data) >= 4 {
		payment += " " + hex.EncodeToString(data[:4])
	}
	return payment
}
