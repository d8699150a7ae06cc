package ethereum

import (
	"encoding/hex"
	"math/big"
	"strconv"

	"imkey-connect/core/errcode"
)

// Native is how a chain counts its own currency. It comes from the chain's description, not from the dApp.
type Native struct {
	// Symbol is 1 to 11 printable ASCII characters without a space, such as ETH or USDC.e.
	Symbol string
	// Decimals is how many decimal places of the symbol's unit a wei is: 18 wherever Ethereum's tools are used.
	Decimals uint8
}

// Ether is Ethereum's own currency.
var Ether = Native{"ETH", 18}

// Kind says what a transaction is, as far as it can be told from itself.
type Kind string

// The kinds.
const (
	// Transfer sends the native currency and nothing else.
	Transfer Kind = "transfer"
	// TokenTransfer and TokenApproval are ERC-20's transfer and approve.
	TokenTransfer Kind = "token-transfer"
	TokenApproval Kind = "token-approval"
	// Creation creates a contract.
	Creation Kind = "creation"
	// Call is any other call of a contract.
	Call Kind = "call"
)

// Summary is what a transaction does, computed from the transaction itself.
type Summary struct {
	Kind Kind
	// Payment, Receiver and Fee are the strings that the device gets for its screen; of a transaction that goes as bytes
	// (types 1 and 4) it gets none. Fee is the most that the transaction can cost.
	Payment, Receiver, Fee string
	// Token and Amount are the contract and the number of its smallest units, of ERC-20's calls.
	Token  *Address
	Amount *big.Int
	// Unlimited says that an approval has no bound in practice: it is for 2^96-1 units or more.
	Unlimited bool
	// Blind says that the screen cannot tell all that the transaction does.
	Blind bool
}

// The ERC-20 calls that are recognised: four bytes of selector, then two words.
var (
	transferSelector = [4]byte{0xa9, 0x05, 0x9c, 0xbb} // transfer(address,uint256)
	approveSelector  = [4]byte{0x09, 0x5e, 0xa7, 0xb3} // approve(address,uint256)
)

// unlimited is where an approval ends to be a number. Whoever means "all" takes the largest there is: 2^256-1, 2^160-1, or
// 2^96-1 where a token counts in 96 bits, as UNI and COMP do.
var unlimited = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 96), big.NewInt(1))

// Summarize says what t does. Errors have code invalid-argument.
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

// tokenCall reads the data as one of ERC-20's calls. Trailing bytes, dirty padding and ether sent along make it another
// call, since what then happens is up to the contract.
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
			// A space could make the screen say something else, and letters beyond ASCII look like others.
			return errcode.Invalid("symbol", "a currency's symbol is made of printable ASCII characters without spaces")
		}
	}
	if n.Decimals > 36 {
		return errcode.Invalid("decimals", "a currency has at most 36 decimal places")
	}
	return nil
}

// gweiPlaces is how many decimal places a fee is shown with: those of a gwei, where the unit is 10^18 wei.
const gweiPlaces = 9

// ceilGwei rounds up to what is shown of a fee, in place.
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

// format writes an amount exactly, with at least one decimal place and no more than it needs: 1.0 ETH, 0.000126 ETH.
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

// sizeText writes a number of bytes into an error.
func sizeText(n int) string { return strconv.Itoa(n) + " bytes" }
