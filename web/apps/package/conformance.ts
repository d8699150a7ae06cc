// Checked by tsc, imported by nothing: imkey.ts exports exactly what the hand-written imkey.d.ts declares.

import type * as actual from './imkey'
import type * as declared from '../../sdk/types/imkey'

type Actual = typeof actual
type Declared = typeof declared

// Only the SDK makes instances of these, so the declarations hide the constructors. The instances are compared below.
type Constructors = 'ImKey' | 'Device'

export type Conforms = [
  Expect<Omit<Actual, Constructors>, Omit<Declared, Constructors>>,
  Expect<keyof Actual, keyof Declared>,
  Expect<keyof Declared, keyof Actual>,
  Expect<actual.ImKey, declared.ImKey>,
  Expect<actual.Device, declared.Device>,
  Expect<keyof actual.ImKey, keyof declared.ImKey>,
  Expect<keyof actual.Device, keyof declared.Device>,
  Expect<USB, declared.USBSource>, // navigator.usb may be given as it is
  Expect<USBDevice, declared.USBSourceDevice>,
]

type Expect<Given extends Wanted, Wanted> = [Given, Wanted]
