import { type OtherCoin, type ToSite, write } from '../sdk/protocol/messages'
import { type Chain, readChains } from '../sdk/provider/chain'
import { anotherWallet } from '../sdk/provider/accounts'
import { abortedByCaller, coded, Refusal, unauthorized } from '../sdk/provider/refusal'
import type { Consent } from '../sdk/provider/review'
import { Turns } from '../sdk/provider/turns'
import type { ChainOptions, ImKey } from '../sdk/types/imkey'
import type { Around } from './around'
import { Connection, failed } from './connection'
import { isSite } from './origin'
import { type Prompt, Prompts } from './prompts'
import { Records } from './records'
import { Rejections } from './rejections'
import { busy, type Guest, Room } from './room'
import { kinds, mostConnections, path, reasonOf, Site, tooMuch } from './site'
import type { Activity, Answer, Outcome, Port, Progress, Review, Shell, State, Storage, What } from './types'

/** BrokerOptions is what a shell gives to its broker. */
export interface BrokerOptions {
  /** Gives the ImKey. The broker calls it when it needs it, until it resolves once. */
  readonly imkey: () => Promise<ImKey>
  readonly shell: Shell
  readonly storage: Storage
  /** The version of the library, which sites are told. */
  readonly version: string
  /** The chains that sites find without adding them. Without any, each request has to name its chain. */
  readonly chains?: readonly ChainOptions[]
  /**
   * Gives the address of an Esplora API that the user chose for Bitcoin. It hears the user's addresses. Without one, the broker gives sites neither
   * balances nor what a transfer spends.
   */
  readonly bitcoinNode?: () => Promise<string | undefined>
  /** How long a node may take to answer, in milliseconds. Default: 30000. */
  readonly rpcTimeout?: number
}

/** Broker is one binding that many sites use. Its methods can be called without this. */
export interface Broker {
  /**
   * Takes a site's port. The origin is what the browser vouches for. place is the tab or window that the port comes from, if the shell knows
   * it: what is in one place shares room, whatever its origins.
   */
  connect(
    origin: string,
    port: Port,
    place?: string,
  ): {
    /** Takes a message of the site. */
    receive(data: unknown): void
    /** The site or its port is gone. Its requests end. */
    closed(): void
  }
  readonly state: State
  /** Resolves when what is stored has been read. The state is not complete before, and the shell is not told of it. */
  readonly ready: Promise<void>
  /** Ends the request with that review on the user's wish, also while the device asks: it rejects with 4001. */
  cancel(id: string): void
  /** Takes an origin's permission for a coin, without one for Ethereum. */
  revoke(origin: string, coin?: OtherCoin): Promise<void>
  /** Deletes the activity of an origin, or all. */
  erase(origin?: string): Promise<void>
  /**
   * Settles all requests and closes all ports, because the broker goes away: with 4001 those that the user had not answered, and with 4900,
   * `aborted` and the reason those that the user had.
   */
  close(reason: string): void
}

/** The most of all origins: connections, characters of requests under way and of chains, and bytes of nodes' answers that are read. */
const most = { connections: 512, characters: 64 << 20, answers: 64 << 20, definitions: 8 << 20 }

const tooMany = 'Too many pages are connected. Close some, then try again.'

/** Current is a review that is under way. */
interface Current {
  readonly review: Review
  readonly controller: AbortController
  consented: boolean
}

/** startBroker starts a broker. It answers at once, and what it does waits until the storage was read. */
export function startBroker(options: BrokerOptions): Broker {
  const { shell, storage, version, chains = [], rpcTimeout = 30_000 } = options
  const sites = new Map<string, Site>()
  // The user answers on the broker's screen before each request. That takes longer than holding the device saves, and until then sites
  // with a binding of their own, other extensions and programs find it free.
  const turns = new Turns(0)
  let closed = false
  const live = new Map<string, Current>() // the reviews under way, by their ids
  const agreed = new WeakSet<AbortSignal>() // of the requests that the user said yes to, also while they are sent
  const shown = new WeakSet<AbortSignal>() // of those that the user was asked about
  let current: Current | undefined // the one that has its turn
  let loaded: Promise<ImKey> | undefined

  const changed = () => {
    if (records.known) shell.changed(stateOf())
  }
  const records = new Records(storage, (origin, coin) => {
    if (origin !== undefined) sites.get(origin)?.moved(coin)
    changed()
  })
  const rejections = new Rejections()
  const prompts = new Prompts(changed)
  const connected = new Room(most.connections, tooMany)

  const stateOf = (): State => ({
    permissions: records.permissions,
    queue: prompts.list,
    activity: records.activity,
    open: [...sites.values()].filter(({ connections }) => connections.size > 0).map(({ origin }) => origin),
  })

  const imkey = () =>
    (loaded ??= options.imkey().then(
      (imkey) => {
        imkey.addEventListener('connect', ({ detail }) => sites.forEach((site) => site.plugged(detail.device)))
        imkey.addEventListener('disconnect', ({ detail }) => sites.forEach((site) => site.unplugged(detail.device)))
        return imkey
      },
      (thrown: unknown) => {
        loaded = undefined
        throw thrown
      },
    ))

  /** counts says whether a no to a screen is one to the site. What became of a batch is only shown. */
  const counts = ({ kind }: What) => kind !== 'calls-status'

  /** review asks the user about one request, and then does the work, within a turn that no other request has meanwhile. */
  const review: Around['review'] = async (origin, given, call, work) => {
    let give = await prompts.take(origin, call.signal)
    let own: Current | undefined
    const follow = () => own?.controller.abort(call.signal!.reason)
    let outcome: Outcome = { done: false }
    try {
      const what = await given()
      if (counts(what)) rejections.check(origin)
      const devices = what.kind === 'accounts' ? await plugged() : []
      if (call.signal?.aborted) throw abortedByCaller(call.signal)
      const since = records.since(origin)
      const asked: Review = {
        id: randomId(),
        origin,
        what,
        ...(since !== undefined && { since }),
        ...(what.kind === 'accounts' && { choices: choices(origin, devices, what.coin, what.network) }),
      }
      own = { review: asked, controller: new AbortController(), consented: false }
      const { signal } = own.controller
      call.signal?.addEventListener('abort', follow, { once: true })
      if (call.signal) shown.add(call.signal)
      live.set(asked.id, own)
      current = own
      const consent = consentOf(asked, await answer(asked, signal))
      own.consented = true
      if (counts(what)) rejections.agreed(origin)
      if (call.signal) agreed.add(call.signal)
      records.asks(true)
      const outside = async <T>(job: () => Promise<T>): Promise<T> => {
        current = undefined
        records.asks(false)
        shell.paused?.(asked)
        give()
        const result = await job()
        give = await prompts.take(origin, signal, true)
        current = own
        records.asks(true)
        await shell.resumed?.(asked, signal)
        return result
      }
      const signed = (i: number, hash: string) => note(asked, { hash }, i)
      const result = await work({ ...consent, signal, signed, outside })
      if (what.kind !== 'calls') note(asked, result)
      outcome = { done: true }
      return result
    } catch (thrown) {
      const { aborted, reason } = own?.controller.signal ?? {}
      const error: unknown = aborted && reason instanceof Refusal ? reason : thrown
      const onScreen = own && !own.consented && !aborted && counts(own.review.what)
      if (onScreen && reasonOf(error).code === 'user-rejected') rejections.rejected(origin)
      outcome = { done: false, ...reasonOf(error) }
      throw error
    } finally {
      call.signal?.removeEventListener('abort', follow)
      if (own) {
        live.delete(own.review.id)
        if (current === own) current = undefined
        if (own.consented) {
          // A broker that was closed cannot see whether the device still asks. The next one cancels that.
          if (current === undefined && !closed) records.asks(false)
          shell.settled(own.review, outcome)
        }
      }
      give()
    }
  }

  /** answer resolves to the user's answer, or rejects as soon as the signal aborts. */
  const answer = (asked: Review, signal: AbortSignal): Promise<Answer> =>
    new Promise<Answer>((resolve, reject) => {
      if (signal.aborted) return reject(abortedByCaller(signal))
      signal.addEventListener('abort', () => reject(abortedByCaller(signal)), { once: true })
      // A screen that was closed is a rejection. A shell that cannot show one says why.
      Promise.resolve(shell.ask(asked, signal)).then(resolve, (thrown: unknown) => reject(isCoded(thrown) ? thrown : rejected()))
    })

  /** consentOf gives what the user consented to. It throws 4001 for anything else than a yes to this very review. */
  const consentOf = (asked: Review, answer: unknown): Consent => {
    // A shell may have it from another window. Only true is a yes.
    const { id, yes, accounts, override, all } = Object(answer) as Partial<Record<keyof Answer, unknown>>
    if (id !== asked.id || yes !== true) {
      if (id === asked.id && all === true) prompts.reject(asked.origin, rejected())
      throw rejected()
    }
    if (!asked.choices) return override === true ? { override } : {}
    const wanted = new Set<unknown>(Array.isArray(accounts) ? accounts : [0])
    const chosen = [...wanted].map((n) => asked.choices![n as number]).filter((each) => each !== undefined)
    if (chosen.length === 0) throw rejected()
    return {
      paths: chosen.map(({ path }) => path),
      compare: (path, addresses) => {
        const { address } = chosen.find((each) => each.path === path) ?? {}
        if (address === undefined || addresses.includes(address)) return
        for (const { accounts } of records.permissions) {
          if (accounts.some((one) => one.address === address)) for (const one of accounts) stale.add(one.address)
        }
        throw unauthorized(anotherWallet)
      },
    }
  }

  /** plugged gives the serial numbers of the devices that are plugged in. */
  const plugged = async () => {
    const devices = await imkey()
      .then((imkey) => imkey.getDevices())
      .catch(() => []) // the request says so when it needs one
    return devices.map(({ serialNumber }) => serialNumber)
  }

  /** The addresses of wallets that their devices were found not to have any more. No screen shows them as a device's. */
  const stale = new Set<string>()

  /**
   * choices are the accounts that the user may choose from, with the addresses that the last device gave, unless another one or several
   * are plugged in: the site would get the addresses of one of those.
   */
  const choices = (
    origin: string,
    devices: readonly (string | null)[],
    coin?: OtherCoin,
    network?: string,
  ): NonNullable<Review['choices']> => {
    const of = (origin: string) => (coin ? records.coinPermission(origin, coin) : records.permission(origin))
    const device = (origin: string) => (coin ? records.coinPermission(origin, coin)?.serial : records.permission(origin)?.device)
    const all = records.permissions.filter((one) => one.coin === coin)
    const wanted = device(origin) ?? (all[0] && device(all[0].origin))
    const addresses = new Map<string, string>()
    for (const { origin } of all) {
      if (device(origin) !== wanted) continue
      const { serial, accounts } = of(origin)!
      if (devices.length > 0 && (devices.length > 1 || devices[0] !== serial)) continue
      for (const { path, address } of accounts) if (!stale.has(address)) addresses.set(path, address)
    }
    const at = coin ? kinds[coin].path : path
    return Array.from({ length: offered }, (_, n) => {
      const own = at(n, network)
      const address = [...addresses].find(([path]) => path === own || path.startsWith(`${own}/`))?.[1]
      return { path: own, ...(address !== undefined && { address }) }
    })
  }

  /** note keeps what was signed. It keeps neither messages nor signatures. */
  const note = ({ origin, what }: Review, result: unknown, i = 0) => {
    if (what.kind === 'accounts' || what.kind === 'hand-over' || what.kind === 'calls-status' || result === undefined) return // without a result, nothing was signed
    const { coin, kind } = coinOf(what)
    const signed = { at: Date.now(), origin, kind, account: what.account.address, ...detailsOf(what, result, i) }
    records.add(coin ? { ...signed, coin } : signed)
  }

  const around: Around = {
    version,
    chains: usableChains(chains),
    rpcTimeout,
    records,
    prompts,
    turns,
    characters: new Room(most.characters, tooMuch),
    answers: new Room(most.answers, tooMuch),
    definitions: new Room(most.definitions, tooMuch),
    names: new WeakMap(),
    imkey,
    bitcoinNode: async () => options.bitcoinNode?.(),
    pair: (pairing) => shell.pair(pairing),
    review,
    device: (origin, progress) => {
      const own = current?.review.origin === origin ? { review: current.review.id } : {}
      shell.device({ ...progress, ...own } satisfies Progress)
    },
    failed: (signal, thrown) => {
      // Connecting, whose signal is another one, asks the user before it looks for a device.
      const { code } = reasonOf(thrown)
      if (code === 'device-disconnected' && !shown.has(signal) && !closed) shell.unreached?.(code)
    },
    empty: (origin) => {
      sites.delete(origin)
      changed()
    },
  }
  for (const [i, chain] of around.chains.entries()) if (chains[i]?.chainName !== undefined) around.names.set(chain, chains[i].chainName)

  // A broker that was stopped while a device asked its user left it asking. The first exchange cancels that. A device that another window of
  // this storage uses at this moment stays as it is, and so does that window's note.
  void records.ready
    .then(async () => {
      changed()
      const notes = await records.asked()
      if (notes.length === 0) return
      let idle = true
      await turns.use(undefined, async () => {
        for (const device of await (await imkey()).getDevices()) await turns.take(device, undefined).catch(() => (idle = false)) // the next request says why
      })
      if (idle && !closed) records.drop(notes)
    })
    .catch(() => {})

  return {
    connect: (origin, port, place) => {
      const refused = (message: ToSite) => {
        port.post(write(message))
        port.close()
        return { receive: () => {}, closed: () => {} }
      }
      if (closed) return refused({ type: 'bye' })
      if (!isSite(origin)) {
        return refused(
          failed(null, coded('permission-denied', 'only pages of https sites and of this computer may ask, and none that is sandboxed')),
        )
      }
      const site = sites.get(origin) ?? new Site(around, origin)
      if (site.connections.size >= mostConnections) return refused(failed(null, busy(tooMany)))
      let guest: Guest
      try {
        guest = connected.enter({ origin, place }, 1, () => connection.end(busy(tooMany)))
      } catch (thrown) {
        return refused(failed(null, thrown))
      }
      sites.set(origin, site)
      const connection: Connection = new Connection(site, port, { place, left: guest.leave })
      site.connections.add(connection)
      changed()
      return connection
    },
    get state() {
      return stateOf()
    },
    ready: records.ready,
    cancel: (id) => {
      live.get(id)?.controller.abort(rejected())
    },
    revoke: async (origin, coin) => {
      await records.ready
      const site = sites.get(origin)
      if (site) site.revoke(coin)
      else records.revoke(origin, coin)
      await records.stored(origin, coin)
    },
    erase: async (origin) => {
      await records.ready
      await records.erase(origin)
    },
    close: (reason) => {
      closed = true
      const connecting = [...live.values()].filter(({ consented, review }) => consented && review.what.kind === 'accounts')
      const isAgreed = (prompt: Prompt) => agreed.has(prompt.signal) || connecting.some(({ review }) => connects(review, prompt))
      prompts.abandon((prompt) => !isAgreed(prompt), rejected())
      for (const site of sites.values()) for (const connection of site.connections) connection.end(gone(reason))
      records.close()
    },
  }
}

/** connects says whether a request is one of those that a review of accounts is for: they share an attempt, which has a signal of its own. */
const connects = ({ origin }: Review, prompt: Prompt) => prompt.origin === origin && /Accounts$|Permissions$/.test(prompt.method)

const rejected = () => new Refusal(4001, 'The request was rejected. Ask again if that was not what you wanted.', 'user-rejected')

const gone = (reason: string) =>
  new Refusal(4900, 'The wallet was closed before it answered. Ask again.', 'aborted', true, undefined, { reason })

/** isCoded says whether an error has a code that the site can use. */
const isCoded = (thrown: unknown) => {
  const { name, rpc } = Object(thrown) as { name?: unknown; rpc?: unknown }
  return name === 'ImKeyError' || rpc !== undefined
}

const randomId = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')

/** How many accounts a user may choose from. */
const offered = 5

/** coinOf gives the coin of what was signed, if it is another one than Ethereum, and its kind in the activity. */
function coinOf(what: Exclude<What, { kind: 'accounts' | 'hand-over' | 'calls-status' }>): Pick<Activity, 'coin' | 'kind'> {
  switch (what.kind) {
    case 'tron-transaction':
      return { coin: 'tron', kind: 'transaction' }
    case 'bitcoin-transaction':
      return { coin: 'bitcoin', kind: 'transaction' }
    case 'cosmos-transaction':
      return { coin: 'cosmos', kind: 'transaction' }
    case 'message':
    case 'typed-data':
      return { kind: what.kind, ...(what.coin && { coin: what.coin }) }
    default:
      return { kind: what.kind }
  }
}

/** detailsOf says what was signed, without what could be misused. i is the position of the call in a batch. */
function detailsOf(
  what: Exclude<What, { kind: 'accounts' | 'hand-over' | 'calls-status' }>,
  result: unknown,
  i: number,
): Partial<Activity> {
  const { hash, txID = hash, txid } = Object(result) as { hash?: unknown; txID?: unknown; txid?: unknown }
  const sent = ({ summary }: { summary: { payment: string; receiver: string } }, chainId?: number) => ({
    ...(chainId !== undefined && { chainId }),
    payment: summary.payment.slice(0, 300),
    receiver: summary.receiver.slice(0, 100),
    ...(typeof txID === 'string' && { hash: txID }),
  })
  switch (what.kind) {
    case 'message': {
      const domain = what.signIn?.domain
      return domain === undefined ? {} : { domain: domain.slice(0, 300) }
    }
    case 'typed-data': {
      const { name } = Object(what.document.domain) as { name?: unknown }
      return typeof name === 'string' ? { domain: name.slice(0, 300) } : {}
    }
    case 'transaction':
      return sent(what.description, what.chain.id)
    case 'calls':
      return sent(what.calls[i]!.description, what.chain.id)
    case 'tron-transaction':
    case 'cosmos-transaction':
      return sent(what.description)
    case 'bitcoin-transaction': {
      const { payments } = what.summary
      return {
        payment: payments
          .map(({ text }) => text)
          .join(', ')
          .slice(0, 300),
        ...(typeof txid === 'string' && { hash: txid }),
      }
    }
  }
}

function usableChains(chains: readonly ChainOptions[]): readonly Chain[] {
  const { usable } = readChains(chains)
  // Without nodes, a request for the selected chain fails. The sites of a connector's window name the chain of each request.
  return usable.length > 0 ? usable : [{ id: 1, nodes: [], nativeCurrency: { symbol: 'ETH', decimals: 18 } }]
}
