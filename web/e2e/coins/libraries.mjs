// The libraries of a dApp for TRON, for provider_test.go. They are installed in core/tron/oracle.
import { TronLinkAdapter } from '@tronweb3/tronwallet-adapter-tronlink'
import { TronWeb, utils } from 'tronweb'

globalThis.libraries = { TronLinkAdapter, TronWeb, utils }
