export const ready = async () => {
  const { loadImKey } = await import(new URL('/imkey.js', location.href).href)
  return (await loadImKey()).knownDevices() // starts imkey.wasm
}
