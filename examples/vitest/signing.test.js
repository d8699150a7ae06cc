import { loadImKey } from 'imkey-connect'
import { expect, test } from 'vitest'
import { commands } from 'vitest/browser'

test('binds the device and signs', async () => {
  const { ca } = await commands.imkeyState()
  const imkey = await loadImKey({ trustedCAs: [ca] })
  const [device] = await imkey.getDevices()
  const shown = await device.open()
  await device.bindingStatus()
  await device.showBindingCode()
  const bound = device.bind(await commands.imkeyCode(), { shown })
  expect(await commands.imkeyApprove()).toContain('Bind this app?')
  await bound

  const signed = device.ethereum.signMessage('Hello', { path: "m/44'/60'/0'/0/0" })
  expect(await commands.imkeyApprove()).toBe('Sign message:Hello')
  expect(await signed).toMatchObject({ signature: expect.stringMatching(/^0x[0-9a-f]{130}$/) })
  await device.close()
})
