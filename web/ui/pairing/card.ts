import { pairing as words } from '../words/pairing'
import type { Language, Text } from '../words/text'
import { h } from '../blocks/dom'
import { moment, row } from '../blocks/row'
import type { DeviceFacts, VouchingKey } from '../model/facts'

/** deviceCard says which device this is; folded, it is one line and its details. */
export function deviceCard(device: DeviceFacts, language: Language, folded = false): HTMLElement {
  const t = (text: Text) => text[language]
  const verified = device.certificate === 'verified'
  const battery = device.charging ? t(words.charging) : device.battery === null ? null : `${device.battery} %`
  const rest = [
    row(words.bootloader, device.bootloader, language),
    row(words.bluetoothName, device.bleName, language),
    row(words.bluetoothVersion, device.bleVersion, language),
    row(words.vouchedBy, device.key && t(vouching[device.key.of]), language),
    row(words.fingerprint, device.key && device.key.fingerprint, language),
  ]
  const title = h(
    'div',
    { class: 'card-title' },
    h('strong', { translate: 'no' }, device.called ?? 'imKey'),
    badge(device.certificate, language),
  )
  if (folded) {
    return h(
      'div',
      { class: 'card' },
      title,
      h('dl', {}, row(words.serial, device.serial, language)),
      !verified && h('p', { class: 'quiet' }, t(words.acceptedUnverified)),
      h(
        'details',
        { class: 'more' },
        h('summary', {}, t(words.details)),
        h(
          'dl',
          {},
          row(words.binding, t(words.boundToThis), language),
          row(words.boundAt, moment(device.boundAt, language), language),
          row(words.firmware, device.firmware, language),
          row(words.battery, battery, language),
          row(words.lifeCycle, lifeCycle(device.lifeCycle, language), language),
          ...rest,
        ),
      ),
    )
  }
  return h(
    'div',
    { class: 'card' },
    title,
    h(
      'dl',
      {},
      row(words.serial, device.serial, language),
      row(words.firmware, device.firmware ?? t(words.unknown), language),
      row(words.battery, battery ?? t(words.unknown), language),
    ),
    rest.some((r) => r !== null) && h('details', { class: 'more' }, h('summary', {}, t(words.details)), h('dl', {}, ...rest)),
  )
}

export function badge(certificate: 'verified' | 'unverified', language: Language): HTMLElement {
  const verified = certificate === 'verified'
  return h(
    'span',
    { class: verified ? 'badge badge-verified' : 'badge badge-unverified', 'data-certificate': certificate },
    (verified ? words.verified : words.unverified)[language],
  )
}

export const vouching: Readonly<Record<VouchingKey['of'], Text>> = {
  simulator: words.simulatorKey,
  another: words.anotherKey,
}

function lifeCycle(value: string | null, language: Language): string | null {
  // That nobody activated a device that works tells its person nothing.
  if (value === null || value === 'not-activated') return null
  return (stages[value] ?? words.unknown)[language]
}

/** The stages as the device tells them: core/PROTOCOL.md, section 3. */
const stages: Readonly<Record<string, Text>> = {
  'activated': words.activated,
  'initialised': words.initialised,
  'no-pin': words.noPIN,
  'no-wallet': words.noWallet,
  'creating': words.creating,
  'recovering': words.recovering,
  'ready': words.ready,
}
