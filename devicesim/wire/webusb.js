// A navigator.usb for browsers in which the simulated imKey is not plugged in.
//
//   import { simulatedUSB } from 'http://localhost:7380/sim/webusb.js';
//   const usb = simulatedUSB();
//   const [device] = await usb.getDevices();
//
// simulatedUSB(url) returns an object that behaves like navigator.usb of Chromium 156: the same classes, results, exceptions
// and messages, many of which the WebUSB specification leaves open. The differences are:
//
//   - There is no chooser: requestDevice() resolves with the device if it is plugged in and a filter matches. It needs a
//     click of the user, as a chooser does (if the browser reports clicks).
//   - The page has permission for the device from the start, until forget().
//   - One transfer has at most 64 KiB. There are no isochronous endpoints.
//   - usb.close() closes the WebSocket. A page that is closed need not call it.
//
// simulatedCAs(url) resolves with the CAs of the simulator's devices, for trustedCAs of imkey.js.
//
// url is the simulator's WebSocket, ws: or http:, absolute or relative to this module. The default is the WebSocket of the
// simulator that serves this module, with the same ?device=n.

const MAX_TRANSFER = 0x10000
const MAX_CHROMIUM = 32 * 1024 * 1024
const HID = 3

const DISCONNECTED = 'The device was disconnected.'
const OPEN_FIRST = 'The device must be opened first.'
const DEVICE_CHANGES = 'An operation that changes the device state is in progress.'
const INTERFACE_CHANGES = 'An operation that changes interface state is in progress.'
const NO_INTERFACE = 'The interface number provided is not supported by the device in its current configuration.'
const NO_ALTERNATE = 'The alternate setting provided is not supported by the device in its current configuration.'
const NO_CONFIGURATION = 'The configuration value provided is not supported by the device.'
const NOT_CLAIMED = 'The specified interface has not been claimed.'
const ENDPOINT_RANGE = 'The specified endpoint number is out of range.'
const NO_ENDPOINT = 'The specified endpoint is not part of a claimed and selected alternate interface.'
const NOT_ALLOWED = 'The transfer was not allowed.'

/** failure returns the exception for a reason of the server. `state` is the sentence for an operation other than a transfer. */
function failure(method, reason, state) {
  switch (reason) {
    case 'access':
      return exception(method, 'SecurityError', 'Access denied.')
    case 'protected':
      return exception(method, 'SecurityError', 'The requested interface implements a protected class.')
    case 'cancelled':
      return exception(method, 'AbortError', 'The transfer was cancelled.')
    case 'disconnected':
      return exception(method, 'NotFoundError', DISCONNECTED)
    default:
      return exception(method, 'NetworkError', state ?? 'A transfer error has occurred.')
  }
}

function exception(method, name, message, on = 'USBDevice') {
  return new DOMException(`Failed to execute '${method}' on '${on}': ${message}`, name)
}

function typeError(method, message, on = 'USBDevice') {
  return new TypeError(`Failed to execute '${method}' on '${on}': ${message}`)
}

// The conversions of Web IDL that are needed here.

function want(method, args, count, on) {
  if (args.length < count) {
    throw typeError(method, `${count} argument${count === 1 ? '' : 's'} required, but only ${args.length} present.`, on)
  }
}

const octet = (value) => Number(value) & 0xff
const unsignedShort = (value) => Number(value) & 0xffff
const unsignedLong = (value) => Number(value) >>> 0

function bytesOf(method, value) {
  if (ArrayBuffer.isView(value)) {
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
  }
  if (value instanceof ArrayBuffer || Object.prototype.toString.call(value) === '[object ArrayBuffer]') {
    return new Uint8Array(value)
  }
  throw typeError(method, "parameter 2 is not of type 'ArrayBuffer'.")
}

const hexOf = (bytes) => Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('')

function bytesFromHex(hex = '') {
  const bytes = new Uint8Array(hex.length / 2)
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(hex.substr(2 * i, 2), 16)
  return bytes
}

function named(type, name) {
  Object.defineProperty(type.prototype, Symbol.toStringTag, { value: name, configurable: true })
  for (const [key, property] of Object.entries(Object.getOwnPropertyDescriptors(type.prototype))) {
    if (key !== 'constructor') Object.defineProperty(type.prototype, key, { ...property, enumerable: true })
  }
}

// Descriptors (USB 2.0 section 9.6).

const DESCRIPTOR_CONFIGURATION = 2
const DESCRIPTOR_INTERFACE = 4
const DESCRIPTOR_ENDPOINT = 5
const ENDPOINT_TYPES = ['control', 'isochronous', 'bulk', 'interrupt']

function parseStrings(descriptors) {
  return descriptors.map((hex) => {
    const b = bytesFromHex(hex)
    let text = ''
    for (let i = 2; i + 1 < b.length; i += 2) text += String.fromCharCode(b[i] | (b[i + 1] << 8))
    return text
  })
}

function parseConfiguration(bytes, string) {
  let configuration
  let alternate
  for (let at = 0; at + 2 <= bytes.length && bytes[at] >= 2; at += bytes[at]) {
    const d = bytes.subarray(at, at + bytes[at])
    switch (d[1]) {
      case DESCRIPTOR_CONFIGURATION:
        configuration = { value: d[5], name: string(d[6]), interfaces: [] }
        break
      case DESCRIPTOR_INTERFACE: {
        let owner = configuration.interfaces.find((i) => i.number === d[2])
        if (!owner) configuration.interfaces.push((owner = { number: d[2], alternates: [] }))
        alternate = { setting: d[3], class: d[5], subclass: d[6], protocol: d[7], name: string(d[8]), endpoints: [] }
        owner.alternates.push(alternate)
        break
      }
      case DESCRIPTOR_ENDPOINT:
        alternate.endpoints.push({
          number: d[2] & 15,
          direction: d[2] & 0x80 ? 'in' : 'out',
          type: ENDPOINT_TYPES[d[3] & 3],
          packetSize: (d[4] | (d[5] << 8)) & 0x7ff,
        })
        break
    }
  }
  return configuration
}

class USBEndpoint {
  #e
  constructor(e) {
    this.#e = e
  }
  get endpointNumber() {
    return this.#e.number
  }
  get direction() {
    return this.#e.direction
  }
  get type() {
    return this.#e.type
  }
  get packetSize() {
    return this.#e.packetSize
  }
}

class USBAlternateInterface {
  #a
  #endpoints
  constructor(a) {
    this.#a = a
    this.#endpoints = a.endpoints.map((e) => new USBEndpoint(e))
  }
  get alternateSetting() {
    return this.#a.setting
  }
  get interfaceClass() {
    return this.#a.class
  }
  get interfaceSubclass() {
    return this.#a.subclass
  }
  get interfaceProtocol() {
    return this.#a.protocol
  }
  get interfaceName() {
    return this.#a.name
  }
  get endpoints() {
    return Object.freeze([...this.#endpoints])
  }
}

class USBInterface {
  #i
  #state
  #alternates
  constructor(i, state) {
    this.#i = i
    this.#state = state
    this.#alternates = i.alternates.map((a) => new USBAlternateInterface(a))
  }
  get interfaceNumber() {
    return this.#i.number
  }
  get alternate() {
    return this.#alternates[this.#state.alternate]
  }
  get alternates() {
    return Object.freeze([...this.#alternates])
  }
  get claimed() {
    return this.#state.claimed
  }
}

class USBConfiguration {
  #c
  #interfaces
  constructor(c, states) {
    this.#c = c
    this.#interfaces = c.interfaces.map((i) => new USBInterface(i, states.get(i.number)))
  }
  get configurationValue() {
    return this.#c.value
  }
  get configurationName() {
    return this.#c.name
  }
  get interfaces() {
    return Object.freeze([...this.#interfaces])
  }
}

class USBInTransferResult {
  #status
  #data
  constructor(status, data = null) {
    this.#status = status
    this.#data = data
  }
  get data() {
    return this.#data
  }
  get status() {
    return this.#status
  }
}

class USBOutTransferResult {
  #status
  #bytesWritten
  constructor(status, bytesWritten = 0) {
    this.#status = status
    this.#bytesWritten = bytesWritten
  }
  get bytesWritten() {
    return this.#bytesWritten
  }
  get status() {
    return this.#status
  }
}

class USBConnectionEvent extends Event {
  #device
  constructor(type, init) {
    super(type, init)
    this.#device = init.device
  }
  get device() {
    return this.#device
  }
}

// Private methods of USBDevice that USB calls.
let disconnect
let matches

class USBDevice {
  #usb // { request(device, op, parameters), forget(device) }
  #number // of this device at the server
  #descriptor
  #strings
  #parsed // the configuration
  #configuration
  #states = new Map() // by interface number: { claimed, changing, alternate (an index), definition }
  #opened = false
  #gone = false
  #changing = false
  #requests = new Set() // functions that reject a pending request when the device is unplugged

  static {
    disconnect = (device) => device.#disconnect()
    matches = (device, filter) => device.#matches(filter)
  }

  constructor(usb, description) {
    this.#usb = usb
    this.#number = description.device
    this.#descriptor = bytesFromHex(description.descriptor)
    const strings = parseStrings(description.strings)
    const string = (index) => (index === 0 ? null : (strings[index] ?? null))
    this.#strings = string
    this.#parsed = parseConfiguration(bytesFromHex(description.configuration), string)
    for (const definition of this.#parsed.interfaces) {
      this.#states.set(definition.number, { claimed: false, changing: false, alternate: 0, definition })
    }
    this.#configuration = new USBConfiguration(this.#parsed, this.#states)
  }

  get usbVersionMajor() {
    return this.#descriptor[3]
  }
  get usbVersionMinor() {
    return this.#descriptor[2] >> 4
  }
  get usbVersionSubminor() {
    return this.#descriptor[2] & 15
  }
  get deviceClass() {
    return this.#descriptor[4]
  }
  get deviceSubclass() {
    return this.#descriptor[5]
  }
  get deviceProtocol() {
    return this.#descriptor[6]
  }
  get vendorId() {
    return this.#descriptor[8] | (this.#descriptor[9] << 8)
  }
  get productId() {
    return this.#descriptor[10] | (this.#descriptor[11] << 8)
  }
  get deviceVersionMajor() {
    return this.#descriptor[13]
  }
  get deviceVersionMinor() {
    return this.#descriptor[12] >> 4
  }
  get deviceVersionSubminor() {
    return this.#descriptor[12] & 15
  }
  get manufacturerName() {
    return this.#strings(this.#descriptor[14])
  }
  get productName() {
    return this.#strings(this.#descriptor[15])
  }
  get serialNumber() {
    return this.#strings(this.#descriptor[16])
  }
  get configuration() {
    return this.#configuration
  }
  get configurations() {
    return Object.freeze([this.#configuration])
  }
  get opened() {
    return this.#opened
  }

  async open() {
    this.#steady('open')
    if (this.#opened) return
    await this.#changeDevice('open')
    this.#opened = true
  }

  async close() {
    this.#steady('close')
    if (!this.#opened) return
    await this.#changeDevice('close')
    this.#opened = false
    for (const state of this.#states.values()) Object.assign(state, { claimed: false, alternate: 0 })
  }

  async forget() {
    this.#usb.forget(this)
  }

  async selectConfiguration(configurationValue) {
    const method = 'selectConfiguration'
    want(method, arguments, 1)
    const value = octet(configurationValue)
    this.#steady(method)
    this.#mustBeOpen(method)
    // The only configuration is selected.
    if (value !== this.#parsed.value) throw exception(method, 'NotFoundError', NO_CONFIGURATION)
  }

  async claimInterface(interfaceNumber) {
    const method = 'claimInterface'
    want(method, arguments, 1)
    const state = this.#interface(method, octet(interfaceNumber))
    if (state.claimed) return
    await this.#changeInterface(method, 'claim', state, {}, 'Unable to claim interface.')
    state.claimed = true
  }

  async releaseInterface(interfaceNumber) {
    const method = 'releaseInterface'
    want(method, arguments, 1)
    const state = this.#interface(method, octet(interfaceNumber))
    if (!state.claimed) return
    await this.#changeInterface(method, 'release', state, {}, 'Unable to release interface.')
    Object.assign(state, { claimed: false, alternate: 0 })
  }

  async selectAlternateInterface(interfaceNumber, alternateSetting) {
    const method = 'selectAlternateInterface'
    want(method, arguments, 2)
    const setting = octet(alternateSetting)
    const state = this.#claimed(method, octet(interfaceNumber))
    const index = state.definition.alternates.findIndex((a) => a.setting === setting)
    if (index < 0) throw exception(method, 'NotFoundError', NO_ALTERNATE)
    await this.#changeInterface(method, 'alternate', state, { alternate: setting }, 'Unable to set device interface.')
    state.alternate = index
  }

  async controlTransferIn(setup, length) {
    const method = 'controlTransferIn'
    want(method, arguments, 2)
    const parameters = setupParameters(method, setup)
    const room = unsignedShort(length)
    const packet = this.#setup(method, parameters, true, room)
    return this.#in(method, await this.#ask(method, 'control', { setup: packet }))
  }

  async controlTransferOut(setup, data) {
    const method = 'controlTransferOut'
    want(method, arguments, 1)
    const parameters = setupParameters(method, setup)
    const bytes = data === undefined ? new Uint8Array() : bytesOf(method, data)
    tooLong(method, bytes.length, 0xffff)
    const packet = this.#setup(method, parameters, false, bytes.length)
    const reply = await this.#ask(method, 'control', { setup: packet, data: hexOf(bytes) })
    return new USBOutTransferResult(reply.status, bytes.length)
  }

  async clearHalt(direction, endpointNumber) {
    const method = 'clearHalt'
    want(method, arguments, 2)
    if (direction !== 'in' && direction !== 'out') {
      throw typeError(method, `The provided value '${direction}' is not a valid enum value of type USBDirection.`)
    }
    const number = octet(endpointNumber)
    this.#endpoint(method, direction, number)
    await this.#ask(method, 'halt', { endpoint: address(direction, number) }, 'Unable to clear endpoint.')
  }

  async transferIn(endpointNumber, length) {
    const method = 'transferIn'
    want(method, arguments, 2)
    const number = octet(endpointNumber)
    const room = unsignedLong(length)
    tooLong(method, room, MAX_CHROMIUM)
    this.#endpoint(method, 'in', number)
    const reply = await this.#ask(method, 'in', { endpoint: address('in', number), length: Math.min(room, MAX_TRANSFER) })
    return this.#in(method, reply)
  }

  async transferOut(endpointNumber, data) {
    const method = 'transferOut'
    want(method, arguments, 2)
    const number = octet(endpointNumber)
    const bytes = bytesOf(method, data)
    tooLong(method, bytes.length, MAX_TRANSFER)
    this.#endpoint(method, 'out', number)
    const reply = await this.#ask(method, 'out', { endpoint: address('out', number), data: hexOf(bytes) })
    // As in Chromium, this is the requested length, even if the endpoint stalls.
    return new USBOutTransferResult(reply.status, bytes.length)
  }

  async isochronousTransferIn(endpointNumber) {
    this.#endpoint('isochronousTransferIn', 'in', octet(endpointNumber))
    throw exception('isochronousTransferIn', 'NetworkError', 'A transfer error has occurred.')
  }

  async isochronousTransferOut(endpointNumber) {
    this.#endpoint('isochronousTransferOut', 'out', octet(endpointNumber))
    throw exception('isochronousTransferOut', 'NetworkError', 'A transfer error has occurred.')
  }

  async reset() {
    this.#steady('reset')
    this.#mustBeOpen('reset')
    await this.#ask('reset', 'reset', {}, 'Unable to reset the device.')
  }

  // The conditions, in the order in which Chromium looks at them.

  #present(method) {
    if (this.#gone) throw exception(method, 'NotFoundError', DISCONNECTED)
    if (this.#changing) throw exception(method, 'InvalidStateError', DEVICE_CHANGES)
  }

  #steady(method) {
    this.#present(method)
    for (const state of this.#states.values()) {
      if (state.changing) throw exception(method, 'InvalidStateError', INTERFACE_CHANGES)
    }
  }

  #mustBeOpen(method) {
    if (!this.#opened) throw exception(method, 'InvalidStateError', OPEN_FIRST)
  }

  #interface(method, number) {
    this.#present(method)
    this.#mustBeOpen(method)
    const state = this.#states.get(number)
    if (!state) throw exception(method, 'NotFoundError', NO_INTERFACE)
    if (state.changing) throw exception(method, 'InvalidStateError', INTERFACE_CHANGES)
    return state
  }

  #claimed(method, number) {
    const state = this.#interface(method, number)
    if (!state.claimed) throw exception(method, 'InvalidStateError', NOT_CLAIMED)
    return state
  }

  #endpoint(method, direction, number) {
    this.#present(method)
    this.#mustBeOpen(method)
    if (number === 0 || number >= 16) throw exception(method, 'IndexSizeError', ENDPOINT_RANGE)
    for (const { claimed, changing, alternate, definition } of this.#states.values()) {
      if (!claimed || changing) continue
      for (const e of definition.alternates[alternate].endpoints) {
        if (e.number === number && e.direction === direction) return definition
      }
    }
    throw exception(method, 'NotFoundError', NO_ENDPOINT)
  }

  /** Returns the setup packet, or throws if a page must not send it. */
  #setup(method, { requestType, recipient, request, value, index }, inward, length) {
    this.#steady(method)
    this.#mustBeOpen(method)
    let target
    if (recipient === 'interface') {
      target = this.#claimed(method, index & 0xff).definition
    } else if (recipient === 'endpoint') {
      target = this.#endpoint(method, index & 0x80 ? 'in' : 'out', index & 15)
    } else if (requestType === 'class') {
      target = this.#states.get(index & 0xff)?.definition
    }
    const reads = [0, 6, 8, 10, 12] // GET_STATUS, _DESCRIPTOR, _CONFIGURATION, _INTERFACE, SYNCH_FRAME
    const allowed = requestType === 'standard' ? inward && reads.includes(request) : !target?.alternates.some((a) => a.class === HID)
    if (!allowed) throw exception(method, 'SecurityError', NOT_ALLOWED)
    const type = { standard: 0, class: 1, vendor: 2 }[requestType]
    const to = { device: 0, interface: 1, endpoint: 2, other: 3 }[recipient]
    const b = [(inward ? 0x80 : 0) | (type << 5) | to, request, value, value >> 8, index, index >> 8, length, length >> 8]
    return hexOf(b.map((n) => n & 0xff))
  }

  // Operations.

  async #changeDevice(method) {
    this.#changing = true
    try {
      await this.#ask(method, method)
    } finally {
      this.#changing = false
    }
  }

  async #changeInterface(method, op, state, parameters, sentence) {
    state.changing = true
    try {
      await this.#ask(method, op, { interface: state.definition.number, ...parameters }, sentence)
    } finally {
      state.changing = false
    }
  }

  /** Resolves with the server's reply. Rejects if it is an error, or if the device is unplugged. */
  #ask(method, op, parameters, sentence) {
    return new Promise((resolve, reject) => {
      const gone = () => reject(failure(method, 'disconnected'))
      this.#requests.add(gone)
      this.#usb.request({ device: this.#number, op, ...parameters }, (reply) => {
        this.#requests.delete(gone)
        if (reply.error) reject(failure(method, reply.error, sentence))
        else resolve(reply)
      })
    })
  }

  #in(method, reply) {
    return new USBInTransferResult(reply.status, new DataView(bytesFromHex(reply.data).buffer))
  }

  #disconnect() {
    this.#gone = true
    this.#opened = false
    const requests = [...this.#requests]
    this.#requests.clear()
    for (const gone of requests) gone()
  }

  #matches(f) {
    if (f.vendorId !== undefined && f.vendorId !== this.vendorId) return false
    if (f.productId !== undefined && f.productId !== this.productId) return false
    if (f.serialNumber !== undefined && f.serialNumber !== this.serialNumber) return false
    if (f.classCode === undefined) return true
    const codes = [[this.deviceClass, this.deviceSubclass, this.deviceProtocol]]
    for (const { alternates } of this.#parsed.interfaces) codes.push(...alternates.map((a) => [a.class, a.subclass, a.protocol]))
    const wanted = [f.classCode, f.subclassCode, f.protocolCode]
    return codes.some((code) => wanted.every((w, i) => w === undefined || w === code[i]))
  }
}

const address = (direction, number) => (direction === 'in' ? 0x80 : 0) | number

function tooLong(method, length, limit) {
  if (length <= limit) return
  throw exception(method, 'DataError', `The data buffer exceeded supported maximum size of ${limit} bytes`)
}

function setupParameters(method, setup) {
  const dictionary = 'USBControlTransferParameters'
  const read = (name) => {
    const value = setup?.[name]
    if (value !== undefined) return value
    throw typeError(method, `Failed to read the '${name}' property from '${dictionary}': Required member is undefined.`)
  }
  const choice = (name, type, values) => {
    const value = String(read(name))
    if (values.includes(value)) return value
    throw typeError(
      method,
      `Failed to read the '${name}' property from '${dictionary}': The provided value '${value}' is not a valid enum value of type ${type}.`,
    )
  }
  // Web IDL reads the members in alphabetical order.
  const index = unsignedShort(read('index'))
  const recipient = choice('recipient', 'USBRecipient', ['device', 'interface', 'endpoint', 'other'])
  const request = octet(read('request'))
  const requestType = choice('requestType', 'USBRequestType', ['standard', 'class', 'vendor'])
  const value = unsignedShort(read('value'))
  return { index, recipient, request, requestType, value }
}

function filtersOf(options) {
  const method = 'requestDevice'
  const list = (name, required) => {
    const value = options?.[name]
    if (value === undefined) {
      if (!required) return []
      throw typeError(method, `Failed to read the '${name}' property from 'USBDeviceRequestOptions': Required member is undefined.`, 'USB')
    }
    return Array.from(value, (filter) => {
      const needs = (field, other) => {
        if (filter[field] === undefined || filter[other] !== undefined) return
        throw new TypeError(`A filter containing a ${field} must also contain a ${other}.`)
      }
      needs('productId', 'vendorId')
      needs('subclassCode', 'classCode')
      needs('protocolCode', 'subclassCode')
      return filter
    })
  }
  return { filters: list('filters', true), exclusions: list('exclusionFilters', false) }
}

class USB extends EventTarget {
  #url
  #socket = null
  #device = null // the device that is plugged in and permitted
  #description = null // of the device that is plugged in
  #known = null // a promise that resolves when the simulator has reported its state or is not reachable
  #replies = new Map() // by id
  #lastID = 0
  #handlers = { connect: null, disconnect: null }
  #permitted = true
  #retry = 0 // a timer
  #delay = 0
  #closed = false

  constructor(url) {
    super()
    this.#url = url
  }

  get onconnect() {
    return this.#handlers.connect
  }
  set onconnect(handler) {
    this.#setHandler('connect', handler)
  }
  get ondisconnect() {
    return this.#handlers.disconnect
  }
  set ondisconnect(handler) {
    this.#setHandler('disconnect', handler)
  }

  addEventListener(type, ...rest) {
    super.addEventListener(type, ...rest)
    if (type === 'connect' || type === 'disconnect') this.#connect()
  }

  async getDevices() {
    await this.#connect()
    return this.#permitted && this.#device ? [this.#device] : []
  }

  async requestDevice(options) {
    want('requestDevice', arguments, 1, 'USB')
    const { filters, exclusions } = filtersOf(options)
    if (globalThis.navigator?.userActivation?.isActive === false) {
      throw exception('requestDevice', 'SecurityError', 'Must be handling a user gesture to show a permission request.', 'USB')
    }
    await this.#connect()
    if (!this.#device && this.#description) this.#device = this.#make()
    const fits = (list) => list.some((filter) => matches(this.#device, filter))
    if (!this.#device || (filters.length > 0 && !fits(filters)) || fits(exclusions)) {
      throw exception('requestDevice', 'NotFoundError', 'No device selected.', 'USB')
    }
    this.#permitted = true
    return this.#device
  }

  /** Closes the WebSocket. The page has no device any more, and gets no event. This is not part of WebUSB. */
  close() {
    this.#closed = true
    clearTimeout(this.#retry)
    const socket = this.#socket
    this.#lost(socket)
    socket?.close()
  }

  #setHandler(type, handler) {
    const on = this.#handlers
    const had = on[type] !== null
    on[type] = typeof handler === 'function' ? handler : null
    // One listener stays and calls the current handler, so that the first handler decides its place among the listeners.
    if (!had && on[type]) {
      const key = `${type} listener`
      on[key] ??= (event) => on[type]?.call(this, event)
      this.addEventListener(type, on[key])
    }
  }

  /** Connects to the simulator once. Resolves when it is known whether a device is plugged in. Never rejects. */
  #connect() {
    if (this.#closed) return Promise.resolve()
    this.#known ??= new Promise((resolve) => {
      clearTimeout(this.#retry)
      const socket = new WebSocket(this.#url)
      this.#socket = socket
      socket.onmessage = ({ data }) => {
        if (this.#socket !== socket) return // this socket was given up
        const message = JSON.parse(data)
        if (message.event) {
          this.#plugged(message.device ?? null)
          this.#delay = 0
          resolve()
        } else {
          const reply = this.#replies.get(message.id)
          this.#replies.delete(message.id)
          reply?.(message)
        }
      }
      socket.onclose = socket.onerror = () => {
        this.#lost(socket)
        resolve()
      }
    })
    return this.#known
  }

  #lost(socket) {
    if (this.#socket !== socket) return
    this.#known = null
    this.#socket = null
    this.#replies.clear()
    this.#plugged(null)
    this.#later()
  }

  /** Connects again later: a simulator that was stopped may be started again. */
  #later() {
    if (this.#closed) return
    this.#delay = Math.min(2000, this.#delay * 2 || 100)
    this.#retry = setTimeout(() => this.#connect(), this.#delay)
    this.#retry.unref?.() // so that the timer does not keep a Node process alive
  }

  #make() {
    return new USBDevice({ request: (m, then) => this.#request(m, then), forget: (d) => this.#forget(d) }, this.#description)
  }

  #plugged(description) {
    const before = this.#description
    this.#description = description
    if (before && !description && this.#device) {
      const device = this.#device
      this.#device = null
      // As in Chromium, the device is still open while the event is dispatched.
      if (this.#permitted) this.#tell('disconnect', device)
      disconnect(device)
    }
    if (!before && description && this.#permitted) {
      const first = !this.#hadState
      this.#device = this.#make()
      if (!first) this.#tell('connect', this.#device)
    }
    this.#hadState = true
  }
  #hadState = false // the first state gives no event

  #tell(type, device) {
    if (!this.#closed) this.dispatchEvent(new USBConnectionEvent(type, { device }))
  }

  #request(message, then) {
    const id = (this.#lastID = (this.#lastID + 1) >>> 0)
    if (this.#socket?.readyState !== 1) return then({ error: 'disconnected' })
    this.#replies.set(id, then)
    this.#socket.send(JSON.stringify({ id, ...message }))
  }

  #forget(device) {
    if (device !== this.#device) return
    this.#permitted = false
    this.#device = null
    const opened = device.opened
    disconnect(device)
    if (opened) {
      // Closing the socket releases the interfaces. The next call connects again.
      const socket = this.#socket
      this.#lost(socket)
      socket?.close()
    }
  }
}

for (const [name, type] of Object.entries({
  USB,
  USBDevice,
  USBConfiguration,
  USBInterface,
  USBAlternateInterface,
  USBEndpoint,
  USBInTransferResult,
  USBOutTransferResult,
  USBConnectionEvent,
})) {
  named(type, name)
}

export function simulatedUSB(url) {
  const target = new URL(url ?? 'usb' + new URL(import.meta.url).search, import.meta.url)
  target.protocol = target.protocol.replace(/^http/, 'ws')
  return new USB(target.href)
}

export async function simulatedCAs(url) {
  const target = new URL('/sim/v1/identity', new URL(url ?? '', import.meta.url))
  target.protocol = target.protocol.replace(/^ws/, 'http')
  let why
  try {
    const answer = await fetch(target)
    if (answer.ok) return (await answer.json()).cas
    why = `${answer.status} ${answer.statusText}`
  } catch (error) {
    why = error.message // the browser hides the answer from a page of another site
  }
  throw new DOMException(
    `cannot read the CAs of ${target.origin} (${why}). Check that the simulator is running, and that this page is served ` +
      `from this computer under the same host name: localhost and 127.0.0.1 differ.`,
    'NetworkError',
  )
}
