import { badNode, badParams, NodeError, Refusal } from './refusal'

/** Ask sends a request to a node. The answer is not checked yet. */
export type Ask = (method: string, params: readonly unknown[] | object, signal?: AbortSignal) => Promise<unknown>

let calls = 0

/** The longest answer that is read. No real answer is nearly as long, and a longer one could fill the page's memory. */
const mostBytes = 8 << 20

/**
 * ask calls a JSON-RPC method at the first of the addresses that answers. An error of a node is an answer, and is passed on. If no node
 * answers, the error is -32603 with the reason `node-unreachable`, `timeout`, or `protocol` (an answer that is not JSON-RPC, or
 * longer than 8 MB).
 */
export async function ask(
  urls: readonly string[],
  timeout: number,
  method: string,
  params: readonly unknown[] | object,
  signal?: AbortSignal,
): Promise<unknown> {
  const id = ++calls
  let body: string
  try {
    body = JSON.stringify({ jsonrpc: '2.0', id, method, params })
  } catch (cause) {
    throw badParams(`the params of ${method} cannot be written as JSON: ${String(Object(cause).message)}`)
  }
  let failed: Refusal | undefined
  for (const url of urls) {
    try {
      return await askOne(url, timeout, id, body, failed, signal)
    } catch (thrown) {
      signal?.throwIfAborted()
      if (!(thrown instanceof Refusal)) throw thrown
      failed = thrown
    }
  }
  throw failed
}

async function askOne(url: string, timeout: number, id: number, body: string, after?: Refusal, signal?: AbortSignal): Promise<unknown> {
  const node = `The node at ${new URL(url).host}` // not the whole address, which may contain an API key
  const limit = AbortSignal.timeout(timeout)
  let status: number
  let text: string | undefined
  try {
    const response = await fetch(url, {
      method: 'POST',
      body,
      headers: { 'Content-Type': 'application/json' },
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
    })
    status = response.status
    text = await textOf(response)
  } catch (cause) {
    if (signal?.aborted) throw cause
    if (limit.aborted)
      throw new Refusal(-32603, `${node} did not answer within ${timeout / 1000} seconds. Check the connection.`, 'timeout', true, cause)
    throw new Refusal(-32603, `${node} cannot be reached. Check the connection.`, 'node-unreachable', true, cause)
  }
  const not = (what: string) => badNode(`${node} did not give a JSON-RPC answer.`, status >= 500 || status === 429, what)
  if (text === undefined) throw not(`its answer is longer than ${mostBytes >> 20} MB`)
  let answer: { id?: unknown; result?: unknown; error?: unknown }
  try {
    answer = Object(JSON.parse(text))
  } catch {
    throw not(`HTTP status ${status}, and no JSON`)
  }
  const { error } = answer
  if (error !== undefined && error !== null) {
    const { code, message } = Object(error) as { code: unknown; message: unknown }
    if (!Number.isInteger(code) || typeof message !== 'string') throw not('an error without a code and a message')
    if (answer.id !== id && answer.id !== null && answer.id !== undefined) throw not('the answer to another question')
    throw new NodeError(error as { code: number; message: string }, after)
  }
  if (!('result' in answer)) throw not(`HTTP status ${status}, with neither a result nor an error`)
  if (answer.id !== id) throw not('the answer to another question')
  return answer.result
}

/** textOf reads an answer. It resolves to undefined if the answer is too long. */
async function textOf({ body }: Response): Promise<string | undefined> {
  if (!body) return ''
  const decoder = new TextDecoder()
  const reader = body.getReader()
  let [text, bytes] = ['', 0]
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return text + decoder.decode()
    if ((bytes += value.length) > mostBytes) {
      reader.cancel().catch(() => {})
      return undefined
    }
    text += decoder.decode(value, { stream: true })
  }
}

/** quantityOf reads a quantity of JSON-RPC from a node's answer. */
export function quantityOf(value: unknown, name: string, bits: number): bigint {
  if (typeof value === 'string' && /^0x[0-9a-f]{1,64}$/i.test(value)) {
    const number = BigInt(value)
    if (number >> BigInt(bits) === 0n) return number
  }
  throw badNode(`The node gave an impossible ${name}.`)
}
