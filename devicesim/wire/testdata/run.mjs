// Runs edge.js or page.js on webusb.js in Node, which has no navigator.usb, and prints what it saw.
//
//   node --experimental-websocket run.mjs http://127.0.0.1:PORT edge|page

import { readFileSync } from 'node:fs';

const [base, name] = process.argv.slice(2);

/** Imports a module from its text, as if it had been loaded from url. */
const load = (text, url) => import('data:text/javascript,' + encodeURIComponent(text.replaceAll('import.meta.url', JSON.stringify(url))));
const address = base + '/sim/webusb.js';
const { simulatedUSB } = await load(await (await fetch(address)).text(), address);
const tests = await load(readFileSync(new URL(name + '.js', import.meta.url), 'utf8'), '');

const post = async (path, body = {}) => {
  const r = await fetch(`${base}/sim/v1/${path}`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
  if (!r.ok) throw new Error(`${path}: ${await r.text()}`);
};
const sim = {
  faults: (list) => post('faults', list),
  unplug: () => post('device/unplug'),
  plug: () => post('device/plug'),
  stop: () => post('stop'),
  start: () => post('start'),
};

const alive = setInterval(() => {}, 1000); // simulatedUSB() alone does not keep Node running
let result;
if (name === 'edge') {
  // A page without a click, as edge.js is.
  Object.defineProperty(globalThis, 'navigator', { value: { userActivation: { isActive: false } }, configurable: true });
  const usb = simulatedUSB();
  const other = simulatedUSB();
  result = await tests.edge(usb, other, sim);
  usb.close();
  other.close();
} else {
  result = await tests.page(simulatedUSB, sim);
}
clearInterval(alive);
console.log(JSON.stringify(result));
