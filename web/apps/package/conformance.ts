// Checked by tsc and imported by nothing: what imkey.ts exports is what the hand-written imkey.d.ts says, both ways.

import type * as actual from './imkey'
import type * as declared from '../../sdk/types/imkey'

type Actual = typeof actual
type Declared = typeof declared

// Instances are made by the SDK alone, so the declarations hide these constructors: their instances are compared below.
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
