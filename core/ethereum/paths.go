package ethereum

import (
	"imkey-connect/core/hdpath"
)

// coinType is Ethereum's number in SLIP-44.
const coinType = 60

// BIP44 returns the path of account n as most wallets and imKeys count: m/44'/60'/0'/0/n.
func BIP44(n uint32) hdpath.Path { return hdpath.BIP44(coinType, 0, 0, n) }

// LedgerLive returns the path of account n as Ledger Live counts: m/44'/60'/n'/0/0.
func LedgerLive(n uint32) hdpath.Path { return hdpath.BIP44(coinType, n, 0, 0) }

// Legacy returns the path of account n as MyEtherWallet and early Ledgers count: m/44'/60'/0'/n.
func Legacy(n uint32) hdpath.Path { return hdpath.BIP44(coinType, 0, n, 0)[:4:4] }
