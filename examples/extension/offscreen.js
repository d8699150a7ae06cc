// The offscreen document: it can use WebUSB while the service worker stops and starts.
import { serveBridge } from './sdk/keyring.js'

serveBridge()
