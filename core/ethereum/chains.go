package ethereum

// etherChains are chains whose currency is ether, and on which the fee is all that a transaction costs: Ethereum and its test networks,
// rollups that count the data in the gas, and the usual local chains.
var etherChains = [...]uint64{1, 11155111, 17000, 560048, 42161, 42170, 421614, 324, 300, 2741, 59144, 59141, 167000, 1101, 1337, 31337}

// dataFeeChains are rollups whose currency is ether and that take a fee for data besides the fee of the gas: those of the OP stack, and Scroll.
// It depends on the price of data at the time of the block, and no field of a transaction bounds it. (Arbitrum and zkSync count the
// data in the gas, so the gas limit bounds it.)
var dataFeeChains = [...]uint64{
	10, 8453, 130, 185, 288, 291, 360, 480, 690, 957, 1135, 1750, 1868, 1923, 5330, 7560, 34443, 57073, 60808, 81457, 747474, 7777777, 534352, 888888888, // main networks
	11155420, 84532, 1301, 4801, 4202, 763373, 919, 168587773, 534351, 999999999, // test networks
}

// coinChains are chains with a currency of their own.
var coinChains = [...]struct {
	id      uint64
	symbol  string
	dataFee bool
}{
	{56, "BNB", false}, {97, "tBNB", false}, {137, "POL", false}, {80002, "POL", false}, {43114, "AVAX", false}, {43113, "AVAX", false},
	{100, "xDAI", false}, {250, "FTM", false}, {146, "S", false}, {25, "CRO", false}, {42220, "CELO", false}, {1284, "GLMR", false}, {61, "ETC", false},
	{30, "RBTC", false}, {31, "tRBTC", false}, {223, "BTC", false}, {4200, "BTC", false}, {200901, "BTC", false},
	{999, "HYPE", false}, {143, "MON", false}, {80094, "BERA", false}, {204, "BNB", true}, {5000, "MNT", true}, {1088, "METIS", true},
}

// formerEtherChains were test networks whose currency was ether. Public recordings of devices have some of them. Another chain has the id 42
// since. So their symbol is the caller's, and ETH is not marked.
var formerEtherChains = [...]uint64{3, 4, 5, 28, 42}

// chainFacts returns the symbol of a chain's currency, and whether it is a rollup with a fee for data. For a chain that is not known, it
// returns the caller's symbol and false.
func chainFacts(id uint64, callers string) (symbol string, known, dataFee bool) {
	for _, chain := range etherChains {
		if chain == id {
			return Ether.Symbol, true, false
		}
	}
	for _, chain := range dataFeeChains {
		if chain == id {
			return Ether.Symbol, true, true
		}
	}
	for i := range coinChains {
		if c := &coinChains[i]; c.id == id {
			return c.symbol, true, c.dataFee
		}
	}
	for _, chain := range formerEtherChains {
		if chain == id {
			return callers, callers == Ether.Symbol, false
		}
	}
	return callers, false, false
}
