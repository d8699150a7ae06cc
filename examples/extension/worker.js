// The service worker: it holds the keyring, which is addresses and paths alone, and keeps its state in chrome.storage.
import { connectBridge, ImKeyKeyring } from './sdk/keyring.js'

chrome.action.onClicked.addListener(() => chrome.tabs.create({ url: 'page.html' }))

/** offscreen makes sure that the document is there that talks to the imKey. */
const offscreen = async () => {
  if (await chrome.offscreen.hasDocument()) return
  await chrome.offscreen.createDocument({ url: 'offscreen.html', reasons: ['WORKERS'], justification: 'Talks to the imKey over USB' })
}

const keyring = new ImKeyKeyring({ bridge: connectBridge({ prepare: offscreen }) })
const restored = chrome.storage.local.get('keyring').then(({ keyring: state }) => state && keyring.deserialize(state))
const hex = (text) => `0x${Array.from(new TextEncoder().encode(text), (byte) => byte.toString(16).padStart(2, '0')).join('')}`

const answers = {
  accounts: () => keyring.getAccounts(),
  page: () => keyring.getFirstPage(),
  add: async ({ index }) => {
    keyring.setAccountToUnlock(index)
    return keyring.addAccounts(1)
  },
  sign: ({ address, text }) => keyring.signPersonalMessage(address, hex(text)),
  unlocked: () => keyring.isUnlocked(),
  forget: () => keyring.forgetDevice(),
}

chrome.runtime.onMessage.addListener((message, sender, respond) => {
  const answer = Object.hasOwn(answers, message?.ask) && answers[message.ask]
  // Content scripts of web pages could send messages, too. This wallet has none, and answers its own page alone.
  if (!answer || !sender.url?.startsWith(chrome.runtime.getURL('page.html'))) return
  restored
    .then(() => answer(message))
    .then(async (result) => {
      await chrome.storage.local.set({ keyring: await keyring.serialize() })
      respond({ result })
    })
    .catch(({ code, message }) => respond({ error: { code, message } }))
  return true // the response comes later
})
