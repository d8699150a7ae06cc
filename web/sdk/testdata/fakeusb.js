// FakeUSB behaves like navigator.usb. Its chooser returns the device that the test sets.
export class FakeUSB extends EventTarget {
  devices = [device(), { ...device(), vendorId: 0x1234 }]
  asked = []

  async getDevices() {
    return this.devices
  }

  requestDevice(options) {
    this.asked.push(options)
    return this.choice ? this.choice() : Promise.resolve(this.devices[0])
  }

  plug(type, device) {
    this.dispatchEvent(Object.assign(new Event(type), { device }))
  }
}

export function device() {
  return { vendorId: 0x096e, productId: 0x0891, serialNumber: 'imKey01191200001' }
}
