import './script.css'
import { loadImKey, type LoadOptions } from 'imkey-connect'

const options: LoadOptions = {}
const { later } = await import('./later')
later(await loadImKey(options), '/sim/webusb.js')
