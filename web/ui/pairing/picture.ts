import type { Picture } from '../blocks/drawing'
import type { State } from './state'

/** pictureOf returns what the drawn device shows in a state. The device's screen is in English. */
export function pictureOf(state: State): Picture {
  switch (state.name) {
    case 'unsupported':
    case 'start':
    case 'choosing':
      return { lines: [], plugged: false }
    case 'several':
    case 'in-use':
    case 'taken-over':
    case 'opening':
    case 'recognised':
    case 'reset':
    case 'rebound':
    case 'unverified':
    case 'elsewhere':
      return { lines: ['imKey'], plugged: true }
    case 'waiting':
      return state.reason === 'locked'
        ? { lines: ['Enter PIN', '* * * *'], plugged: true, attention: true }
        : { lines: ['> Settings', '  About'], plugged: true, attention: true }
    case 'code':
    case 'wrong':
      return { lines: state.source === 'screen' ? ['Binding code', '• • • • • • • •'] : ['imKey'], plugged: true }
    case 'stopping':
      return { lines: ['imKey'], plugged: true }
    case 'checking':
      return state.attention
        ? { lines: ['Confirm?', 'OK / cancel'], plugged: true, attention: true }
        : { lines: ['Binding...'], plugged: true }
    case 'bound':
      if (state.manage === 'on-screen') return { lines: ['Binding code', '• • • • • • • •'], plugged: true }
      return { lines: state.plugged ? ['Bound'] : [], plugged: state.plugged }
    case 'forget':
      return { lines: ['imKey'], plugged: true }
    case 'error': {
      if (state.code === 'code-locked') return { lines: ['Too many codes', 'Hold OK'], plugged: true }
      const plugged = !['device-disconnected', 'no-device', 'request-cancelled', 'unsupported'].includes(state.code)
      return { lines: plugged ? ['imKey'] : [], plugged }
    }
  }
}
