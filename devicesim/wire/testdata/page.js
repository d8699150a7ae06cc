// Uses simulatedUSB() for all but transfers: choosing, forgetting, events, a simulator that stops. Returns an object with a text
// for each case; page.json has the expected texts.
//
//   make   () => a new simulatedUSB()
//   sim    { unplug(), plug(), stop(), start() }

export async function page(make, sim) {
  const out = {}
  const said = async (name, promise) => {
    out[name] = await promise.then(
      (d) => `${d?.productName ?? d}`,
      (e) => `${e.name}: ${e.message}`,
    )
  }
  const usb = make()

  // Choosing.
  await said('any device', usb.requestDevice({ filters: [] }))
  await said('vendor', usb.requestDevice({ filters: [{ vendorId: 0x096e }] }))
  await said('another vendor', usb.requestDevice({ filters: [{ vendorId: 0x1234 }] }))
  await said('one of two', usb.requestDevice({ filters: [{ vendorId: 0x1234 }, { vendorId: 0x096e, productId: 0x0891 }] }))
  await said('vendor class of an interface', usb.requestDevice({ filters: [{ classCode: 0xff }] }))
  await said('a class that it lacks', usb.requestDevice({ filters: [{ classCode: 8 }] }))
  await said('class and subclass', usb.requestDevice({ filters: [{ classCode: 3, subclassCode: 1 }] }))
  await said('serial number', usb.requestDevice({ filters: [{ serialNumber: 'imKey01191200001' }] }))
  await said('another serial number', usb.requestDevice({ filters: [{ serialNumber: 'imKey' }] }))
  await said('excluded', usb.requestDevice({ filters: [], exclusionFilters: [{ vendorId: 0x096e }] }))
  await said('product without vendor', usb.requestDevice({ filters: [{ productId: 1 }] }))
  await said('subclass without class', usb.requestDevice({ filters: [{ subclassCode: 1 }] }))
  await said('protocol without subclass', usb.requestDevice({ filters: [{ classCode: 1, protocolCode: 1 }] }))

  // forget() revokes the permission and releases the claim.
  const [d] = await usb.getDevices()
  await d.open()
  await d.claimInterface(0)
  await d.forget()
  await said('open after forget', d.open())
  out['opened after forget'] = String(d.opened)
  out['devices after forget'] = String((await usb.getDevices()).length)
  const again = await usb.requestDevice({ filters: [] })
  out['chosen again'] = `another object ${again !== d}`
  await said('open when chosen again', again.open())
  for (;;) {
    // The server releases the claim when it notices that the old socket is closed.
    try {
      await again.claimInterface(0)
      break
    } catch (e) {
      if (e.name !== 'NetworkError') throw e
    }
  }
  await again.close()

  // Listening.
  const heard = []
  const next = () => new Promise((resolve) => (wake = resolve))
  let wake = () => {}
  const listener = (e) => heard.push(`listener ${e.type} ${e.device.productName}`)
  usb.addEventListener('disconnect', listener)
  usb.onconnect = usb.ondisconnect = (e) => {
    heard.push(`on${e.type} ${e.target === usb}`)
    wake()
  }
  let event = next()
  await sim.unplug()
  await event
  await said('requestDevice when unplugged', usb.requestDevice({ filters: [] }))
  usb.removeEventListener('disconnect', listener)
  event = next()
  await sim.plug()
  await event
  usb.onconnect = null
  event = next()
  await sim.unplug()
  await event
  const plugged = new Promise((resolve) => usb.addEventListener('connect', resolve, { once: true }))
  await sim.plug()
  await plugged
  out.heard = heard.splice(0)

  // The simulator stops, which looks like unplugging, and starts again.
  usb.onconnect = usb.ondisconnect
  const [e] = await usb.getDevices()
  await e.open()
  await e.claimInterface(0)
  const read = e.transferIn(5, 64).catch((error) => error.name)
  event = next()
  await sim.stop()
  await event
  out['read pending when the simulator stops'] = await read
  await said('open when it is gone', e.open())
  event = next()
  await sim.start()
  await event
  out['heard of the simulator'] = heard.splice(0)
  const [back] = await usb.getDevices()
  await said('open when it is back', back.open())

  // close() ends without an event.
  usb.close()
  await said('requestDevice after close()', usb.requestDevice({ filters: [] }))

  // Without a simulator.
  const absent = make('ws://127.0.0.1:9/sim/usb')
  out['devices without a simulator'] = String((await absent.getDevices()).length)
  await said('requestDevice without a simulator', absent.requestDevice({ filters: [] }))
  absent.close()
  return out
}
