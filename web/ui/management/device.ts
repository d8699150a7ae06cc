import { manage as words } from '../words/management'
import { pairing } from '../words/pairing'
import type { Language, Text } from '../words/text'
import { primary, quiet, secondary } from '../blocks/buttons'
import { dateTime, row } from '../blocks/row'
import { h } from '../blocks/dom'
import type { Rendered, View } from '../blocks/view'
import type { KnownFacts } from '../model/facts'
import { bindingSummary, titleOf } from './list'
import type { Manager } from './manager'
import type { ManageState } from './state'

type Known = Extract<ManageState, { name: 'known' }>

/** device draws one known device: what its record says, and what can be done with the record while the device is unplugged. */
export function device(view: View, { known, said }: Known, language: Language, manager: Manager): Rendered {
  const t = (text: Text) => text[language]
  const message = said && h('p', { class: 'message', tabindex: -1 }, t(sayings[said]))
  const title = titleOf(known, language)
  view.heading({ en: title, zh: title })
  if (message) view.add(message)
  else view.lead(leads[known.record])
  if (known.alike) view.text(words.alike, 'message')
  view.add(about(known, language))
  const readable = known.record !== 'unreadable'
  if (!known.plugged && readable) view.text(known.record === 'bound' && known.codeKept ? words.plugToView : words.plugToUse, 'quiet')
  view.actions(
    readable && primary('connect-known', t(words.connect), () => manager.connect()),
    secondary('back', t(words.back), () => manager.back()),
  )
  view.add(
    h(
      'div',
      { class: 'manage-actions' },
      readable && quiet('rename', t(pairing.rename), () => void manager.rename()),
      known.record === 'bound' && quiet('export', t(pairing.exportBinding), () => void manager.exportBinding()),
      readable && quiet('lost', t(words.lostCode), () => manager.lost()),
      quiet('forget-known', t(pairing.forget), () => void manager.forget()),
    ),
  )
  return message ? { ...view.rendered(message), announcement: t(sayings[said]) } : view.rendered()
}

const sayings: Readonly<Record<NonNullable<Known['said']>, Text>> = {
  renamed: pairing.nameSaved,
  unnamed: pairing.nameRemoved,
  imported: words.imported,
}

const leads: Readonly<Record<KnownFacts['record'], Text>> = {
  bound: words.boundLead,
  unfinished: words.unfinishedLead,
  imported: words.importedLead,
  former: words.formerLead,
  unreadable: words.unreadableLead,
}

function about(known: KnownFacts, language: Language): HTMLElement {
  const t = (text: Text) => text[language]
  const verified =
    known.certificate === 'unverified'
      ? words.accepted
      : known.certificate === 'verified'
        ? known.key?.of === 'simulator'
          ? words.verifiedBySimulator
          : words.verifiedWhenBound
        : null
  const readable = known.record !== 'unreadable'
  return h(
    'div',
    { class: 'card' },
    h(
      'dl',
      {},
      row(pairing.serial, known.serial === '' ? null : known.serial, language),
      readable && row(words.connection, t(known.plugged ? words.pluggedIn : words.notPluggedIn), language),
      row(pairing.binding, t(known.record === 'bound' ? pairing.boundToThis : bindingSummary(known)), language),
      row(pairing.boundAt, dateTime(known.boundAt, language), language),
      row(words.certificate, verified && t(verified), language),
      known.keyFromFile && row(words.key, t(words.fromFile), language),
      (known.record === 'bound' || known.record === 'imported') &&
        row(words.code, t(known.codeKept ? words.codeKept : words.codeNotKept), language),
    ),
    known.key &&
      h(
        'details',
        { class: 'more' },
        h('summary', {}, t(pairing.details)),
        h('dl', {}, row(pairing.fingerprint, known.key.fingerprint, language)),
      ),
  )
}
