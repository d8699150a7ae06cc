// The wallet's page. It binds the imKey, since the browser's chooser opens in a tab alone, and asks the worker for everything else.
import { loadImKey } from './sdk/imkey.js'

const at = (id) => document.getElementById(id)
const say = (text) => {
  at('said').textContent = text
}
const attempt = (action) => action().catch((error) => say(error.message))

async function ask(message) {
  const { result, error } = await chrome.runtime.sendMessage(message)
  if (error) throw Object.assign(new Error(error.message), { code: error.code })
  return result
}

async function show() {
  const accounts = await ask({ ask: 'accounts' })
  at('accounts').replaceChildren(...accounts.map((address) => Object.assign(document.createElement('li'), { textContent: address })))
}

let device, shown

at('connect').onclick = () =>
  attempt(async () => {
    const imkey = await loadImKey()
    const [known] = await imkey.getDevices()
    device = known ?? (await imkey.requestDevice()) // opens the browser's chooser
    shown = await device.open()
    if ((await device.bindingStatus()) === 'bound') return bound()
    await device.showBindingCode()
    at('pair').hidden = false
  })

at('pair').onsubmit = (event) => {
  event.preventDefault()
  attempt(async () => {
    await device.bind(at('code').value, { shown, acceptUnverified: at('accept').checked })
    await bound()
  })
}

async function bound() {
  await device.close() // for the offscreen document
  at('pair').hidden = true
  say('Bound.')
}

at('choose').onclick = () =>
  attempt(async () => {
    const page = await ask({ ask: 'page' })
    at('choices').replaceChildren(
      ...page.map(({ address, index }) => {
        const button = Object.assign(document.createElement('button'), { textContent: address })
        button.onclick = () =>
          attempt(async () => {
            await ask({ ask: 'add', index })
            await show()
          })
        const item = document.createElement('li')
        item.append(button)
        return item
      }),
    )
  })

at('sign').onsubmit = (event) => {
  event.preventDefault()
  attempt(async () => {
    const [address] = await ask({ ask: 'accounts' })
    say('Look at your imKey.')
    say(await ask({ ask: 'sign', address, text: at('text').value }))
  })
}

at('forget').onclick = () =>
  attempt(async () => {
    await ask({ ask: 'forget' })
    await show()
    say('Forgotten.')
  })

attempt(show)
