// The library of a dApp for Bitcoin, for bitcoin_test.go. It is installed in core/tron/oracle.
import { getProviders, request } from 'sats-connect'

globalThis.satsConnect = { getProviders, request }
