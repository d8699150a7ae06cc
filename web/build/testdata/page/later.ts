import text from './text.css?text'

export async function later(key: EventTarget, url: string) {
  const { simulatedUSB } = await import('/sim/webusb.js' as string)
  console.log(key, url, simulatedUSB, text, '绑定码')
}
