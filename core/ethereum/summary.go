package ethereum

import (
	"encoding/hex"
	"math/big"
	"strconv"

	"imkey-connect/core/errcode"
)

// Native describes the native currency of a chain. It comes from the description of the chain, not from the dApp.
type Native struct {
	// Symbol is 1 to 11 printable ASCII characters without a space, such as ETH or USDC.e.
	Symbol string
	// Decimals is the number of decimal places of the currency. It is 18 on chains that use Ethereum's tools.
	Decimals uint8
}

// Ether is Ethereum's own currency.
var Ether = Native{"ETH", 18}

// Kind is the kind of a transaction, as far as its own content tells.
type Kind string

// The kinds.
const (
	// Transfer sends the native currency and nothing else.
	Transfer Kind = "transfer"
	// TokenTransfer and TokenApproval are the calls transfer and approve of ERC-20.
	TokenTransfer Kind = "token-transfer"
	TokenApproval Kind = "token-approval"
	// Creation creates a contract.
	Creation Kind = "creation"
	// Call is any other call of a contract.
	Call Kind = "call"
)

// Summary says what a transaction does. It is computed from the transaction.
type Summary struct {
	Kind Kind
	// Payment, Receiver and Fee are the strings for the device's screen. Transactions of types 1 and 4 are sent without
	// them. Fee is the highest possible fee.
	Payment, Receiver, Fee string
	// Token and Amount are set for calls of ERC-20: the contract, and the amount in the smallest units of the token.
	Token  *Address
	Amount *big.Int
	// Unlimited reports that an approval is for 2^96−1 units or more, which is no bound in practice.
	Unlimited bool
	// Blind reports that the strings do not say all that the transaction does.
	Blind bool
}

// The selectors of the ERC-20 calls that are recognised. Two words of arguments follow.
var (
	transferSelector = [4]byte{0xa9, 0x05, 0x9c, 0xbb} // transfer(address,uint256)
	approveSelector  = [4]byte{0x09, 0x5e, 0xa7, 0xb3} // approve(address,uint256)
)

// unlimited is the smallest approval that counts as unlimited. dApps that want an unlimited approval take 2^256-1, 2^160-1, or
// 2^96-1 for tokens that count in 96 bits, such as UNI and COMP.
var unlimited = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 96), big.NewInt(1))

// Summarize returns the summary of t. Errors have code invalid-argument.
func (t *Transaction) Summarize(n Native) (Summary, error) {
	if err := n.check(); err != nil {
		return Summary{}, err
	}
	if err := t.encodable(); err != nil {
		return Summary{}, err
	}
	price := t.GasPrice
	if t.Type == TypeDynamicFee || t.Type == TypeSetCode {
		price = t.MaxFeePerGas
	}
	fee := new(big.Int).SetUint64(t.Gas)
	s := Summary{
		Payment: n.format(t.Value),
		Fee:     n.format(n.ceilGwei(fee.Mul(fee, big0(price)))),
	}
	if t.To != nil {
		s.Receiver = t.To.String()
	}
	selector, to, value, erc20 := t.tokenCall()
	switch {
	case t.To == nil:
		s.Kind, s.Receiver, s.Blind = Creation, "new contract", true
	case len(t.Data) == 0:
		s.Kind = Transfer
	case erc20:
		s.Token, s.Amount, s.Receiver = t.To, value, to.String()
		s.Payment = value.String() + " units of token " + t.To.String()
		if s.Kind = TokenTransfer; selector == approveSelector {
			s.Kind, s.Unlimited = TokenApproval, value.Cmp(unlimited) >= 0
			if s.Unlimited {
				s.Payment = "UNLIMITED units of token " + t.To.String()
			}
			s.Payment = "Allow " + s.Payment
		}
	default:
		s.Kind, s.Blind = Call, true
		s.Payment += " + unknown call"
		if len(t.Data) >= 4 {
			s.Payment += " " + hex.EncodeToString(t.Data[:4])
		}
	}
	if t.Type == TypeAccessList || t.Type == TypeSetCode {
		s.Blind = true
	}
	return s, nil
}

// tokenCall reads the data as a call of ERC-20. A call with trailing bytes, with padding that is not zero, or with ether does
// not count as one, since the contract decides what it does.
func (t *Transaction) tokenCall() (selector [4]byte, to Address, value *big.Int, ok bool) {
	if len(t.Data) != 4+32+32 || big0(t.Value).Sign() != 0 || [12]byte(t.Data[4:16]) != [12]byte{} {
		return selector, to, nil, false
	}
	selector = [4]byte(t.Data)
	to = Address(t.Data[16:36])
	return selector, to, new(big.Int).SetBytes(t.Data[36:]), selector == transferSelector || selector == approveSelector
}

func (n Native) check() error {
	if len(n.Symbol) < 1 || len(n.Symbol) > 11 {
		return errcode.Invalid("symbol", "a currency's symbol has 1 to 11 characters")
	}
	for _, c := range []byte(n.Symbol) {
		if c < '!' || c > '~' {
			// A space could change the meaning of the screen, and letters beyond ASCII look like others.
			return errcode.Invalid("symbol", "a currency's symbol has printable ASCII characters without spaces")
		}
	}
	if n.Decimals > 36 {
		return errcode.Invalid("decimals", "a currency has at most 36 decimal places")
	}
	return nil
}

// gweiPlaces is the number of decimal places of a fee on the screen: down to a gwei.
const gweiPlaces = 9

// ceilGwei rounds a fee up to gweiPlaces, in place.
func (n Native) ceilGwei(wei *big.Int) *big.Int {
	if n.Decimals <= gweiPlaces {
		return wei
	}
	unit, ten := big.NewInt(1), big.NewInt(10)
	for range n.Decimals - gweiPlaces {
		unit.Mul(unit, ten)
	}
	wei.Add(wei, unit).Sub(wei, big.NewInt(1))
	return wei.Mul(wei.Quo(wei, unit), unit)
}

// format writes an amount exactly, with as many decimal places as it needs and at least one: 1.0 ETH, 0.000126 ETH.
func (n Native) format(wei *big.Int) string {
	digits, places := big0(wei).String(), int(n.Decimals)
	for len(digits) <= places {
		digits = "0" + digits
	}
	whole, fraction := digits[:len(digits)-places], digits[len(digits)-places:]
	for fraction != "" && fraction[len(fraction)-1] == '0' {
		fraction = fraction[:len(fraction)-1]
	}
	if fraction == "" {
		fraction = "0"
	}
	return whole + "." + fraction + " " + n.Symbol
}

// sizeText writes a number of bytes for an error.
func sizeText(n int) string { return strconv.Itoa(n) + " bytes" }
