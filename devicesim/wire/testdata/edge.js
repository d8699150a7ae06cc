// The edge cases of WebUSB. The same function runs with a browser's navigator.usb and with simulatedUSB() in a Chromium, and the
// results must be the same.
//
//   usb    navigator.usb or a simulatedUSB()
//   other  another one, as another page has it
//   sim    { faults(list), unplug(), plug() }: the simulator's control API
//
// Returns an object with a text or a list of texts for each case. The device answers each CANCEL packet with an ERROR 01 packet.

export async function edge(usb, other, sim) {
  const out = {}
  const cancel = new Uint8Array(64)
  cancel[4] = 0xd1

  const words = (r) => {
    if (r === undefined) return 'undefined'
    if (r && 'data' in r)
      return `${r} ${r.status} ${r.data} ${r.data.byteLength} of ${r.data.buffer.byteLength}: ${[...new Uint8Array(r.data.buffer)].slice(0, 8)}`
    if (r && 'bytesWritten' in r) return `${r} ${r.status} ${r.bytesWritten}`
    return String(r)
  }
  const said = (promise) => promise.then(words, (e) => `${e.constructor.name} ${e.name} ${e.code}: ${e.message}`)
  const check = async (name, action) => {
    out[name] = await said((async () => action())())
  }
  const event = (type) => new Promise((resolve) => usb.addEventListener(type, resolve, { once: true }))
  /** Notes several ends, in the order in which they come. */
  const ends = async (name, actions) => {
    const order = []
    const all = Object.entries(actions).map(([key, promise]) => said(promise).then((text) => order.push(`${key}: ${text}`)))
    await Promise.all(all)
    out[name] = order
  }

  let [d] = await usb.getDevices()
  const send = (bytes = cancel) => d.transferOut(4, bytes)
  const read = (length = 64) => d.transferIn(5, length)
  const reopen = async () => {
    await d.close()
    await d.open()
    await d.claimInterface(0)
  }
  /** A round trip: the device is idle, and what was read before is gone. */
  const settle = async () => {
    await d.reset()
    await send()
    await read()
  }

  // What it is.
  const fields = []
  for (const key in d) if (typeof d[key] !== 'function' && key !== 'serialNumber') fields.push(`${key}=${d[key]}`)
  out.fields = fields.join(' ')
  out.classes = [USBlike(d), USBlike(d.configuration), USBlike(d.configuration.interfaces[0].alternate.endpoints[0]), USBlike(usb)].join()
  function USBlike(x) {
    return Object.prototype.toString.call(x)
  }
  out.interfaces = JSON.stringify(
    d.configurations.map((c) => [
      c.configurationValue,
      c.configurationName,
      c.interfaces.map((i) => [
        i.interfaceNumber,
        i.claimed,
        i.alternate.alternateSetting,
        i.alternates.map((a) => [
          a.alternateSetting,
          a.interfaceClass,
          a.interfaceSubclass,
          a.interfaceProtocol,
          a.interfaceName,
          a.endpoints.map((e) => [e.endpointNumber, e.direction, e.type, e.packetSize]),
        ]),
      ]),
    ]),
  )
  out.identity = [
    d === (await usb.getDevices())[0],
    d.configuration === d.configuration,
    d.configuration === d.configurations[0],
    d.configurations === d.configurations,
    d.configuration.interfaces[0] === d.configuration.interfaces[0],
    Object.isFrozen(d.configurations),
    Object.keys(d).length,
  ].join()

  // Before open.
  await check('close before open', () => d.close())
  await check('transferIn before open', () => read())
  await check('claim before open', () => d.claimInterface(0))
  await check('selectConfiguration before open', () => d.selectConfiguration(1))
  await check('reset before open', () => d.reset())
  await check('clearHalt before open', () => d.clearHalt('in', 5))
  await check('control before open', () =>
    d.controlTransferIn({ requestType: 'vendor', recipient: 'device', request: 1, value: 0, index: 0 }, 8),
  )

  // Arguments.
  await check('transferIn of one argument', () => d.transferIn(5))
  await check('transferOut of one argument', () => d.transferOut(4))
  await check('transferOut of a string', () => d.transferOut(4, 'x'))
  await check('transferIn of too much', () => d.transferIn(5, -1))
  await check('clearHalt up', () => d.clearHalt('up', 5))
  await check('claimInterface of nothing', () => d.claimInterface())
  await check('requestDevice of nothing', () => usb.requestDevice())
  await check('requestDevice without filters', () => usb.requestDevice({}))
  await check('requestDevice without a click', () => usb.requestDevice({ filters: [] }))

  // Opening.
  await ends('open twice at once', { a: d.open(), b: d.open() })
  await check('open again', () => d.open())
  out.opened = String(d.opened)
  await check('selectConfiguration', () => d.selectConfiguration(1))
  await check('selectConfiguration of another', () => d.selectConfiguration(9))

  // Claiming.
  await check('transferIn before claim', () => read())
  await check('endpoint 0', () => d.transferIn(0, 64))
  await check('endpoint 16', () => d.transferIn(16, 64))
  await check('release before claim', () => d.releaseInterface(0))
  await check('claim no interface', () => d.claimInterface(7))
  await check('claim HID', () => d.claimInterface(1))
  await check('alternate before claim', () => d.selectAlternateInterface(0, 0))
  await ends('while claiming', {
    claim: d.claimInterface(0),
    claimTwice: d.claimInterface(0),
    transfer: read(),
    reset: d.reset(),
    close: d.close(),
    select: d.selectConfiguration(1),
    control: d.controlTransferIn({ requestType: 'standard', recipient: 'device', request: 0, value: 0, index: 0 }, 2),
  })
  await check('claimed twice', () => d.claimInterface(0))
  out.claimed = String(d.configuration.interfaces[0].claimed)
  await check('claimed elsewhere', async () => {
    const [e] = await other.getDevices()
    out['another page has another object'] = String(e !== d)
    await e.open()
    try {
      await e.claimInterface(0)
    } finally {
      await e.close()
    }
  })
  await check('alternate', () => d.selectAlternateInterface(0, 0))
  await check('no such alternate', () => d.selectAlternateInterface(0, 3))
  await check('alternate of no interface', () => d.selectAlternateInterface(5, 0))
  await check('no such endpoint', () => d.transferIn(6, 64))
  await check('OUT on an IN endpoint', () => d.transferOut(5, cancel))
  await check('clearHalt of no endpoint', () => d.clearHalt('in', 6))

  // Control transfers.
  const control = (requestType, recipient, request, value, index) => ({ requestType, recipient, request, value, index })
  await check('control stall', () => d.controlTransferIn(control('vendor', 'device', 0x77, 0, 0), 8))
  await check('control OUT stall', () => d.controlTransferOut(control('vendor', 'device', 0x77, 0, 0), new Uint8Array(4)))
  await check('device descriptor', () => d.controlTransferIn(control('standard', 'device', 6, 0x100, 0), 18))
  await check('short control read', () => d.controlTransferIn(control('standard', 'device', 6, 0x100, 0), 5))
  const whole = async (name, setup) => {
    const { status, data } = await d.controlTransferIn(setup, 255)
    out[name] = `${status} ${[...new Uint8Array(data.buffer)].map((b) => b.toString(16).padStart(2, '0')).join('')}`
  }
  const descriptor = (kind, index, language = 0) => control('standard', 'device', 6, (kind << 8) | index, language)
  await whole('configuration descriptor', descriptor(2, 0))
  await whole('languages', descriptor(3, 0))
  await whole('manufacturer', descriptor(3, 1, 0x409))
  await whole('product', descriptor(3, 2, 0x409))
  await whole('serial number', descriptor(3, 3, 0x409))
  await check('no such string', () => d.controlTransferIn(descriptor(3, 9, 0x409), 255))
  await check('no second configuration', () => d.controlTransferIn(descriptor(2, 1), 255))
  await check('no device qualifier, at full speed', () => d.controlTransferIn(descriptor(6, 0), 10))
  await whole('BOS', descriptor(15, 0))
  await whole('landing page', control('vendor', 'device', 0x21, 1, 2))
  await check('SET_INTERFACE', () => d.controlTransferOut(control('standard', 'interface', 11, 0, 0)))
  await check('SET_CONFIGURATION', () => d.controlTransferOut(control('standard', 'device', 9, 1, 0)))
  await check('control on an unclaimed interface', () => d.controlTransferIn(control('class', 'interface', 1, 0, 1), 8))
  await check('class request to the HID interface by way of the device', () => d.controlTransferIn(control('class', 'device', 1, 0, 1), 8))
  await check('endpoint status', () => d.controlTransferIn(control('standard', 'endpoint', 0, 0, 0x85), 2))
  await check('status of no endpoint', () => d.controlTransferIn(control('standard', 'endpoint', 0, 0, 0x86), 2))
  await check('bad request type', () => d.controlTransferIn(control('own', 'device', 0, 0, 0), 2))
  await check('missing index', () => d.controlTransferIn({ requestType: 'vendor', recipient: 'device', request: 0, value: 0 }, 2))

  // Transfers.
  await check('OUT', () => send())
  await check('IN', () => read())
  await check('OUT of a view', () => send(new DataView(cancel.buffer, 0, 64)))
  await check('IN after it', () => read())
  await check('zero-length OUT', () => send(new Uint8Array()))
  await settle()

  await sim.faults([{ on: 'in', packet: 1, do: 'stall' }])
  await send()
  await check('IN stall', () => read())
  await check('IN while halted', () => read())
  await check('clearHalt', () => d.clearHalt('in', 5))
  await check('IN after the halt', () => read())
  await sim.faults([{ on: 'out', packet: 1, do: 'stall' }])
  await check('OUT stall', () => send())
  await check('clearHalt OUT', () => d.clearHalt('out', 4))
  await check('OUT after the halt', () => send())
  await check('IN after the OUT halt', () => read())

  await sim.faults([{ on: 'in', packet: 1, do: 'zero' }])
  await send()
  await check('zero-length IN', () => read())
  await sim.faults([{ on: 'in', packet: 1, do: 'short', bytes: 3 }])
  await send()
  await check('short IN', () => read())
  await sim.faults([{ on: 'in', packet: 1, do: 'babble' }])
  await send()
  await check('IN babble', () => read())
  await sim.faults([])
  await send()
  await check('IN with too little room', () => read(10))
  await settle()
  await sim.faults([{ on: 'in', packet: 2, do: 'zero' }])
  await send()
  await send()
  await check('IN of several packets', () => read(200))

  // Queued reads.
  await sim.faults([1, 2, 3].map((n) => ({ on: 'in', packet: n, do: 'corrupt', bytes: 8, hex: `0${n}` })))
  const queued = [read(), read(), read()]
  for (let i = 0; i < 3; i++) await send()
  out['queued reads'] = (await Promise.all(queued)).map((r) => r.data.getUint8(8)).join()
  await sim.faults([])

  // Closing, releasing and resetting with reads pending.
  await ends('close with reads pending', { first: read(), second: read(), close: d.close() })
  out['claimed after close'] = String(d.configuration.interfaces[0].claimed)
  await d.open()
  await d.claimInterface(0)
  await send()
  await check('IN after reopening', () => read())
  await ends('reset with a read pending', { read: read(), reset: d.reset() })
  out['reset with a read pending'].sort() // in Chromium either may come first
  out['after reset'] = `opened ${d.opened}, claimed ${d.configuration.interfaces[0].claimed}`
  await send()
  await check('IN after reset', () => read())
  await check('release', () => d.releaseInterface(0))
  await check('IN after release', () => read())
  await reopen()

  // Unplugging.
  const seen = []
  const gone = event('disconnect').then((e) => {
    seen.push(`${e} ${e.constructor.name} ${e.type} same device ${e.device === d}, target ${e.target === usb}`)
  })
  const pending = said(read())
  await sim.unplug()
  await gone
  out.disconnect = seen.join()
  // In Chromium three components race to report it. A page must handle each report in the same way.
  out['read pending at unplug'] = (await pending).replace(/^DOMException (AbortError|NetworkError|NotFoundError) .*/, 'one of three errors')
  out['getDevices when unplugged'] = String((await usb.getDevices()).length)
  await check('open when unplugged', () => d.open())
  await check('IN when unplugged', () => read())
  await check('close when unplugged', () => d.close())
  out['opened when unplugged'] = String(d.opened)
  const back = event('connect')
  await sim.plug()
  const { device } = await back
  out.connect = `another object ${device !== d}, the same that getDevices gives ${device === (await usb.getDevices())[0]}, opened ${device.opened}`
  await check('the old object after replugging', () => d.open())
  d = device
  await d.open()
  await d.claimInterface(0)
  await send()
  await check('IN after replugging', () => read())
  await check('close', () => d.close())
  return out
}
