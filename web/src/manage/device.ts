import { manage as words } from '../i18n/manage'
import { pairing } from '../i18n/pairing'
import type { Language, Text } from '../i18n/text'
import { primary, quiet, secondary } from '../pairing/buttons'
import { moment, row } from '../pairing/card'
import { h } from '../pairing/dom'
import type { Frame, Rendered } from '../pairing/frame'
import type { KnownFacts } from '../pairing/state'
import { standing, titleOf } from './list'
import type { Manager } from './manager'
import type { ManageState } from './state'

type Known = Extract<ManageState, { name: 'known' }>

/** device draws one device that this browser knows: what is known of it, and what can be done about it without it. */
export function device(frame: Frame, { known, said }: Known, language: Language, manager: Manager): Rendered {
  const t = (text: Text) => text[language]
  const message = said && h('p', { class: 'message', tabindex: -1 }, t(sayings[said]))
  const title = titleOf(known, language)
  frame.heading({ en: title, zh: title })
  if (message) frame.add(message)
  else frame.lead(leads[known.record])
  frame.add(about(known, language))
  const readable = known.record !== 'unreadable'
  if (!known.plugged && readable) frame.text(known.record === 'bound' && known.codeKept ? words.plugToView : words.plugToUse, 'quiet')
  frame.actions(
    readable && primary('connect-known', t(words.connect), () => manager.connect()),
    secondary('back', t(words.back), () => manager.back()),
  )
  frame.add(
    h(
      'div',
      { class: 'manage-actions' },
      readable && quiet('rename', t(pairing.rename), () => void manager.rename()),
      known.record === 'bound' && quiet('export', t(pairing.exportBinding), () => void manager.exportBinding()),
      readable && quiet('lost', t(words.lostCode), () => manager.lost()),
      quiet('forget-known', t(pairing.forget), () => void manager.forget()),
    ),
  )
  return message ? { ...frame.rendered(message), announcement: t(sayings[said]) } : frame.rendered()
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
        ? known.record === 'imported'
          ? words.verifiedInFile
          : known.key?.of === 'simulator'
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
      row(pairing.binding, t(known.record === 'bound' ? pairing.boundToThis : standing(known)), language),
      row(pairing.boundAt, moment(known.boundAt, language), language),
      row(words.certificate, verified && t(verified), language),
      (known.record === 'bound' || known.record === 'imported') && row(words.code, t(known.codeKept ? words.codeKept : words.codeNotKept), language),
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
