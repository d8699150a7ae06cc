// A node that answers JSON-RPC over a WebSocket (RFC 6455), for the tests of subscriptions.
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'

/**
 * socketNode starts a node. answers has a function of the params and the connection for each method; undefined is no answer, and a thrown
 * object the error. connections lists those that were opened, which have asked, push, send and drop.
 */
export async function socketNode(t, answers = {}) {
  const node = { connections: [], answers: { eth_chainId: () => '0x1', eth_unsubscribe: () => true, ...answers } }
  const server = createServer()
  server.on('upgrade', (request, socket) => {
    const key = createHash('sha1').update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
    if (node.refuses) return socket.destroy()
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${key}\r\n\r\n`)
    const connection = {
      asked: [],
      at: Date.now(),
      ids: 0,
      send: (text) => socket.write(Buffer.concat([header(Buffer.byteLength(text)), Buffer.from(text)])),
      push: (subscription, result) => connection.send(JSON.stringify({ method: 'eth_subscription', params: { subscription, result } })),
      drop: () => socket.destroy(),
    }
    node.connections.push(connection)
    let rest = Buffer.alloc(0)
    socket.on('data', (bytes) => {
      for (rest = Buffer.concat([rest, bytes]); ;) {
        const frame = read(rest)
        if (!frame) return
        rest = frame.rest
        if (frame.opcode === 8) return socket.end()
        if (frame.opcode === 1) answer(connection, JSON.parse(frame.text))
      }
    })
    socket.on('error', () => {})
    socket.on('close', () => (connection.closed = true))
    if (node.drops) socket.destroy()
  })
  function answer(connection, { id, method, params }) {
    connection.asked.push([method, params])
    const reply = { jsonrpc: '2.0', id }
    try {
      const given = node.answers[method] ?? (() => undefined)
      reply.result = given(params, connection)
      if (reply.result === undefined) return
    } catch (error) {
      reply.error = error
    }
    connection.send(JSON.stringify(reply))
  }
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    for (const { drop } of node.connections) drop()
    server.close()
  })
  node.url = `ws://127.0.0.1:${server.address().port}`
  return node
}

function header(length) {
  if (length < 126) return Buffer.from([0x81, length])
  const bytes = Buffer.alloc(10)
  bytes.writeUInt16BE(0x817f)
  bytes.writeBigUInt64BE(BigInt(length), 2)
  return bytes
}

/** read takes one masked frame off the bytes. */
function read(bytes) {
  if (bytes.length < 6) return undefined
  let [length, at] = [bytes[1] & 127, 2]
  if (length === 126) [length, at] = [bytes.readUInt16BE(2), 4]
  if (bytes.length < at + 4 + length) return undefined
  const mask = bytes.subarray(at, at + 4)
  const text = Buffer.from(bytes.subarray(at + 4, at + 4 + length).map((byte, i) => byte ^ mask[i % 4])).toString()
  return { opcode: bytes[0] & 15, text, rest: bytes.subarray(at + 4 + length) }
}
