// tsc checks this file, and nothing imports it: the entry points have the types that their hand-written declarations say.

import type * as bitcoin from './bitcoin'
import type * as cosmos from './cosmos'
import type * as keyring from './keyring'
import type * as tron from './tron'
import type * as wagmi from './wagmi'
import type * as declaredBitcoin from '../types/bitcoin'
import type * as declaredCosmos from '../types/cosmos'
import type * as declaredKeyring from '../types/keyring'
import type * as declaredTron from '../types/tron'
import type * as declaredWagmi from '../types/wagmi'

export type Conforms = [
  Expect<typeof bitcoin, typeof declaredBitcoin>,
  Expect<typeof cosmos, typeof declaredCosmos>,
  Expect<typeof keyring, typeof declaredKeyring>,
  Expect<typeof tron, typeof declaredTron>,
  Expect<typeof wagmi, typeof declaredWagmi>,
]

type Expect<Given extends Wanted, Wanted> = [Given, Wanted]
