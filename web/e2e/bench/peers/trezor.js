import client from '@trezor/connect-web'
const TrezorConnect = Reflect.get(client, 'default') ?? client // its entry is a CommonJS module
export const ready = () =>
  TrezorConnect.init({ lazyLoad: true, manifest: { appName: 'bench', email: 'bench@example.org', appUrl: location.origin } })
