import type { Report } from '../model/report'
import type { State } from './state'

/** reportState adds a state to the report. */
export function reportState(report: Report, state: State): void {
  report.state(describe(state), 'device' in state ? state.device : undefined)
}

function describe(state: State): string {
  switch (state.name) {
    case 'error':
      return `error ${state.code}`
    case 'waiting':
      return `waiting ${state.reason}`
    case 'unsupported':
      return `unsupported ${state.reason}`
    case 'code':
      return `code from the ${state.source}${state.notice ? `, ${state.notice}` : ''}`
    case 'checking':
      return state.attention ? 'checking, the device waits for the user' : 'checking'
    case 'wrong':
      return state.triesLeft === null ? 'wrong' : `wrong, ${state.triesLeft} left`
    case 'bound':
      return `bound ${state.fresh ? 'now' : 'before'}${state.manage ? `, code ${state.manage}` : ''}`
    case 'start':
      return state.devices ? `start, ${state.devices.length} known` : 'start'
    case 'several':
      return `several, ${state.choices.length}`
    case 'in-use':
      return state.mute ? 'in use in another tab, which does not answer' : 'in use in another tab'
    case 'forget':
      return state.going ? 'forgetting' : 'asked whether to forget'
    default:
      return state.name
  }
}
