// Records what the test dApp asks of the provider, and presses the buttons. The script before this one declares the provider, the
// origin of its connector or null, and prepare, which is called when the site is connected, or null.

const requests = []
/** What libraries ask by themselves, at any time. */
const polls = new Set([
  'eth_blockNumber',
  'eth_chainId',
  'eth_getBlockByNumber',
  'eth_getLogs',
  'eth_getTransactionByHash',
  'eth_getTransactionReceipt',
  'net_version',
])
let pending = 0
let last = 0
const ask = provider.request
provider.request = async (args) => {
  const entry = { method: args?.method }
  if (!polls.has(entry.method)) requests.push(entry)
  pending++
  last = performance.now()
  try {
    const result = await ask(args)
    return result
  } catch (error) {
    entry.error = error
    throw error
  } finally {
    pending--
    last = performance.now()
  }
}
provider.isMetaMask = true // the dApp enables its buttons for it alone
window.alert = window.confirm = window.prompt = () => null
const open = window.open.bind(window)
// The window of a connector has its address for a name.
window.open = (url, name, features) => (connector && String(name).startsWith(connector) ? open(url, name, features) : null)

const failures = []
window.addEventListener('unhandledrejection', ({ reason }) => failures.push(reason))
window.addEventListener('error', ({ error }) => failures.push(error))

/** Those that go to another wallet or leave the page, and why they are not pressed. */
const others = {
  walletConnect: 'not pressed: it connects to another wallet over the network',
  sdkConnect: 'not pressed: it connects to another wallet over the network',
  useWindowProviderButton: "not pressed: window.ethereum is the MetaMask SDK's, which the dApp brings",
  openNetworkPicker: 'not pressed: it belongs to the connections above',
}

/** Those that change what the others need. They come last. */
const end = ['addEthereumChain', 'switchEthereumChain', 'revokeAccountsPermission']

/** Waits until every request has settled. A batch takes as long as its questions, so only a wait in which none settles is given up. */
const quiet = async () => {
  const begin = performance.now()
  for (;;) {
    await new Promise((done) => setTimeout(done, 25))
    const still = performance.now() - Math.max(begin, last)
    if (still > (pending === 0 ? 300 : 60_000)) return
  }
}

const told = ({ method, error }) => {
  const text = String(error?.message ?? error)
    .split('\n')[0]
    .replace(/0x[0-9a-fA-F]{6,}/g, '0x…')
    .replace(/127\.0\.0\.1:\d+/g, '127.0.0.1')
    .replace(/^This page asked for something that is not valid\. Report it to the operator of this page\. \((.*)\)$/, '$1')
    .replaceAll('|', '\\|')
  return `\`${method}\` ${error?.code}: ${text}`
}

async function press(button) {
  requests.length = failures.length = 0
  button.click()
  await quiet()
  const failed = requests.find(({ error }) => error)
  if (pending > 0) return { Outcome: 'a request did not settle', Pass: false }
  if (failed) return { Outcome: told(failed), Pass: false }
  if (requests.length > 0) return { Outcome: 'pass', Pass: true }
  return failures.length > 0
    ? { Outcome: "the dApp's own error, before it asks the provider", Pass: false }
    : { Outcome: 'asks nothing of the provider', Pass: false }
}

async function* presses(ids, rows) {
  const pass = async function* (list) {
    for (const id of list) {
      const button = document.getElementById(id)
      if (!button || button.disabled || rows.has(id)) continue
      rows.set(id, others[id] ? { Outcome: others[id], Pass: false } : await press(button))
      yield
    }
  }
  yield* pass(['connectButton'])
  await prepare?.()
  const middle = ids.filter((id) => !end.includes(id))
  for (let before = -1; before < rows.size;) {
    before = rows.size
    yield* pass(middle)
    if (middle.every((id) => rows.has(id))) break
    // ethers asks for a receipt every four seconds, and the dApp enables more buttons then.
    await new Promise((done) => setTimeout(done, 5_000))
  }
  yield* pass(end)
}

const rows = new Map()
let pressing

/** Presses buttons for some seconds, and says whether all are pressed. sample lists those to press; null means all. */
globalThis.pressSome = async (sample) => {
  pressing ??= presses(
    [...document.querySelectorAll('button[id]')].map(({ id }) => id).filter((id) => sample?.includes(id) ?? true),
    rows,
  )
  for (const until = performance.now() + 10_000; performance.now() < until;) if ((await pressing.next()).done) return true
  return false
}

globalThis.pressed = (sample) =>
  [...document.querySelectorAll('button[id]')]
    .filter(({ id }) => sample?.includes(id) ?? true)
    .map(({ id: ID }) => ({ ID, ...(rows.get(ID) ?? { Outcome: 'stays disabled', Pass: false }) }))
