package ethereum

import (
	"math/big"
	"strconv"

	"imkey-connect/core/errcode"
)

// Native describes the native currency of a chain, as a caller names it. [Transaction.Summarize] uses it only for a chain that this package
// does not know.
type Native struct {
	// Symbol is 1 to 11 printable ASCII characters without a space, such as ETH or USDC.e.
	Symbol string
	// Decimals is 18, as on every chain that uses Ethereum's tools.
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
	// TokenTransfer is ERC-20's transfer, and TokenTransferFrom the call transferFrom of ERC-20 and ERC-721.
	TokenTransfer     Kind = "token-transfer"
	TokenTransferFrom Kind = "token-transfer-from"
	// TokenApproval is the call approve of ERC-20, of ERC-721 and of Permit2, increaseAllowance or decreaseAllowance.
	TokenApproval Kind = "token-approval"
	// TokenPermit is the call permit, with which a signed permission becomes valid.
	TokenPermit Kind = "token-permit"
	// NFTTransfer is a safe transfer of ERC-721 or ERC-1155.
	NFTTransfer Kind = "nft-transfer"
	// ApprovalForAll is setApprovalForAll of ERC-721 and ERC-1155.
	ApprovalForAll Kind = "approval-for-all"
	// Creation creates a contract.
	Creation Kind = "creation"
	// Call is any other call of a contract.
	Call Kind = "call"
)

// The notes of a summary.
const (
	// NoteEveryChain: the signature is valid on every chain, since the transaction has no chain id (EIP-155).
	NoteEveryChain = "every-chain"
	// NoteDataFee: the chain is a rollup that takes a fee for data besides Fee, which is not known beforehand.
	NoteDataFee = "data-fee"
	// NoteCallersSymbol: the symbol is the caller's, for a chain that this package does not know.
	NoteCallersSymbol = "callers-symbol"
	// NoteDelegation: an account runs the code of a contract from then on (EIP-7702).
	NoteDelegation = "delegation"
)

// note adds a note, once.
func (s *Summary) note(note string) {
	for _, other := range s.Notes {
		if other == note {
			return
		}
	}
	s.Notes = append(s.Notes, note)
}

// Summary says what a transaction does. It is computed from the transaction.
type Summary struct {
	Kind Kind
	// Payment, Receiver and Fee are the strings for the device's screen. Transactions of types 1 and 4 are sent without
	// them. Fee is the highest possible fee. It says so if a rollup adds a fee for data, and if the transaction is valid on every chain.
	Payment, Receiver, Fee string
	// Token and Amount are set for calls of ERC-20: the contract, and the amount in the smallest units of the token.
	Token  *Address
	Amount *big.Int
	// Unlimited reports that an approval is for 2^96−1 units or more, which is no bound in practice, or for everything.
	Unlimited bool
	// Notes are facts that the strings say too, for a page that shows them in its own words.
	Notes []string
	// Blind reports that the strings do not say all that the transaction does.
	Blind bool
}

// unlimitedAmount is the smallest approval that counts as unlimited. dApps that want an unlimited approval take 2^256-1, 2^160-1, or
// 2^96-1 for tokens that count in 96 bits, such as UNI and COMP.
var unlimitedAmount = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 96), big.NewInt(1))

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
	var s Summary
	symbol, known, dataFee := n.Symbol, false, false
	switch {
	case t.ChainID == nil:
		known = symbol == Ether.Symbol // on Ethereum and its copies; see NoteEveryChain
	case t.ChainID.IsUint64():
		symbol, known, dataFee = chainFacts(t.ChainID.Uint64(), symbol)
	}
	if !known {
		symbol += callers
		s.note(NoteCallersSymbol)
	}
	s.Payment = format(t.Value, symbol)
	s.Fee = format(ceilGwei(fee.Mul(fee, big0(price))), symbol)
	if dataFee {
		s.Fee += " + data fee"
		s.note(NoteDataFee)
	}
	if t.ChainID == nil {
		s.Fee += ", valid on EVERY chain"
		s.note(NoteEveryChain)
	}
	if t.To != nil {
		s.Receiver = t.To.String()
	}
	switch {
	case t.To == nil:
		s.Kind, s.Receiver, s.Blind = Creation, "new contract", true
	case len(t.Data) == 0:
		s.Kind = Transfer
	case big0(t.Value).Sign() != 0 || !s.call(t.To, t.Data, Address.String):
		s.Kind, s.Blind = Call, true
		s.Payment = unknownCall(s.Payment, t.Data)
	}
	s.delegations(t.AuthorizationList)
	if t.Type == TypeAccessList || t.Type == TypeSetCode {
		s.Blind = true
	}
	return s, nil
}

// callers marks a symbol that the caller named. A site could call ether by the name of a cheap coin, and a coin that is worth more
// than ether by the name of ether.
const callers = " (the site's word)"

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
	if n.Decimals != decimals {
		return errcode.Invalid("decimals", "a chain's own currency has 18 decimal places")
	}
	return nil
}

// decimals is the number of decimal places of every chain's own currency.
const decimals = 18

var gwei = big.NewInt(1e9)

// ceilGwei rounds a fee up to a whole gwei, in place.
func ceilGwei(wei *big.Int) *big.Int {
	wei.Add(wei, gwei).Sub(wei, big.NewInt(1))
	return wei.Mul(wei.Quo(wei, gwei), gwei)
}

// format writes an amount exactly, with as many decimal places as it needs and at least one: 1.0 ETH, 0.000126 ETH.
func format(wei *big.Int, symbol string) string {
	digits := big0(wei).String()
	for len(digits) <= decimals {
		digits = "0" + digits
	}
	whole, fraction := digits[:len(digits)-decimals], digits[len(digits)-decimals:]
	for len(fraction) > 1 && fraction[len(fraction)-1] == '0' {
		fraction = fraction[:len(fraction)-1]
	}
	return whole + "." + fraction + " " + symbol
}

// sizeText writes a number of bytes for an error.
func sizeText(n int) string { return strconv.Itoa(n) + " bytes" }
