import client from '@trezor/connect-web'
const { default: inner } = client // its entry is a CommonJS module
const TrezorConnect = inner ?? client
export const ready = () =>
  TrezorConnect.init({ lazyLoad: true, manifest: { appName: 'bench', email: 'bench@example.org', appUrl: location.origin } })
