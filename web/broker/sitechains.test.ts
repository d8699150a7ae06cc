import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChainMessage } from '../sdk/protocol/messages'
import { Room } from './room'
import { SiteChains } from './sitechains'

const chain = (id: number, size = 0): ChainMessage => ({
  chainId: id,
  rpcUrls: [`https://node.example/${'x'.repeat(size)}`],
  nativeCurrency: { symbol: 'ETH', decimals: 18 },
})

/** world gives the chains of origins that share room for that many characters, and how many of it are used. */
function world(room: number) {
  const definitions = new Room(room, 'full')
  let used = 0
  const enter: Room['enter'] = (who, size, displace) => {
    const guest = definitions.enter(who, size, () => ((used -= size), displace()))
    used += size
    return { ...guest, leave: () => ((used -= size), guest.leave()) }
  }
  const around = { chains: [], names: new WeakMap(), definitions: { enter } as Room }
  return { site: (origin: string) => new SiteChains(around, origin), used: () => used }
}

test('a chain is read once while it is kept, and the oldest of a site goes first', () => {
  const a = world(1 << 20).site('https://a.example')
  const first = a.of(chain(1))
  assert.equal(a.of(chain(1)), first)
  for (let id = 2; id <= 32; id++) a.of(chain(id))
  assert.equal(a.of(chain(1)), first)
  a.of(chain(33))
  assert.notEqual(a.of(chain(1)), first)
})

test('the chains of all sites share room, and no site takes it from one that has less', () => {
  const { site, used } = world(10_000)
  const hostile = Array.from({ length: 20 }, (_, i) => site(`https://s${i}.hostile.example`))
  const flood = () => hostile.forEach((each) => [1, 2, 3].forEach((id) => each.of(chain(id, 1500))))
  flood()
  assert.ok(used() > 5000 && used() <= 10_000, `${used()}`)
  const a = site('https://a.other')
  const own = a.of(chain(5))
  flood()
  assert.equal(a.of(chain(5)), own)
  // A chain without room is used all the same.
  assert.equal(hostile[0]!.of(chain(4, 20_000)).id, 4)
  // What a site had is free when it is gone.
  for (const each of [...hostile, a]) each.close()
  assert.equal(used(), 0)
})

test('a chain that cannot be used is refused', () => {
  const a = world(1000).site('https://a.example')
  assert.throws(() => a.of({ ...chain(1), rpcUrls: ['http://localhost:8545'] }), /private network/)
  assert.throws(() => a.of({ ...chain(1), rpcUrls: ['/rpc'] }), /relative/)
})
