// Checked by tsc and imported by nothing: the entry points export what their hand-written declarations say.

import type * as keyring from './keyring'
import type * as wagmi from './wagmi'
import type * as declaredKeyring from '../types/keyring'
import type * as declaredWagmi from '../types/wagmi'

export type Conforms = [
  Expect<typeof keyring, typeof declaredKeyring>,
  Expect<typeof wagmi, typeof declaredWagmi>,
]

type Expect<Given extends Wanted, Wanted> = [Given, Wanted]
