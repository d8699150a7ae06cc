import './script.css'
import { loadImKey, type LoadOptions } from '../../sdk/imkey'

const options: LoadOptions = {}
const { later } = await import('./later')
later(await loadImKey(options), '/sim/webusb.js')
