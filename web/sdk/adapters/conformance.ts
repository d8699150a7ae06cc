// tsc checks this file, and nothing imports it: the entry points have the types that their hand-written declarations say.

import type * as keyring from './keyring'
import type * as tron from './tron'
import type * as wagmi from './wagmi'
import type * as declaredKeyring from '../types/keyring'
import type * as declaredTron from '../types/tron'
import type * as declaredWagmi from '../types/wagmi'

export type Conforms = [
  Expect<typeof keyring, typeof declaredKeyring>,
  Expect<typeof tron, typeof declaredTron>,
  Expect<typeof wagmi, typeof declaredWagmi>,
]

type Expect<Given extends Wanted, Wanted> = [Given, Wanted]
