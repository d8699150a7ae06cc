import { pairing as words } from '../words/pairing'
import type { Language, Text } from '../words/text'
import { h } from '../blocks/dom'
import { dateTime, row } from '../blocks/row'
import type { DeviceFacts, CertificateKey } from '../model/facts'

/** deviceCard draws a card that identifies a device. If it is folded, it shows one line, and details on request. */
export function deviceCard(device: DeviceFacts, language: Language, folded = false): HTMLElement {
  const t = (text: Text) => text[language]
  const verified = device.certificate === 'verified'
  const battery = device.charging ? t(words.charging) : device.battery === null ? null : `${device.battery} %`
  const rest = [
    row(words.bootloader, device.bootloader, language),
    row(words.bluetoothName, device.bleName, language),
    row(words.bluetoothVersion, device.bleVersion, language),
    row(words.vouchedBy, device.key && t(keyOwners[device.key.of]), language),
    row(words.fingerprint, device.key && device.key.fingerprint, language),
  ]
  const title = h(
    'div',
    { class: 'card-title' },
    h('strong', { translate: 'no', dir: 'auto' }, device.called ?? 'imKey'),
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
          row(words.boundAt, dateTime(device.boundAt, language), language),
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

export const keyOwners: Readonly<Record<CertificateKey['of'], Text>> = {
  simulator: words.simulatorKey,
  another: words.anotherKey,
}

function lifeCycle(value: string | null, language: Language): string | null {
  // The state of activation means nothing to the user of a device that works.
  if (value === null || value === 'not-activated') return null
  return (stages[value] ?? words.unknown)[language]
}

/** The life cycle as the device reports it: core/PROTOCOL.md, section 3. */
const stages: Readonly<Record<string, Text>> = {
  'activated': words.activated,
  'initialised': words.initialised,
  'no-pin': words.noPIN,
  'no-wallet': words.noWallet,
  'creating': words.creating,
  'recovering': words.recovering,
  'ready': words.ready,
}
