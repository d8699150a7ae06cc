import { type BaseError, useConnect, useConnection, useConnectors, useDisconnect, useSignMessage } from 'wagmi'

export function App() {
  const { isConnected } = useConnection()
  return isConnected ? <Account /> : <Connect />
}

function Connect() {
  const connectors = useConnectors()
  const { mutate: connect, isPending, error } = useConnect()
  return (
    <>
      {connectors.map((connector) => (
        <button key={connector.uid} disabled={isPending} onClick={() => connect({ connector })}>
          Connect {connector.name}
        </button>
      ))}
      {error && <p role="alert">{(error as BaseError).details || error.message}</p>}
    </>
  )
}

function Account() {
  const { address } = useConnection()
  const { mutate: disconnect } = useDisconnect()
  const { mutate: signMessage, data: signature, error } = useSignMessage()
  return (
    <>
      <p>{address}</p>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          signMessage({ message: new FormData(event.currentTarget).get('message') as string })
        }}
      >
        <label>
          Message <input name="message" defaultValue="Hello" />
        </label>
        <button>Sign</button>
      </form>
      <button onClick={() => disconnect()}>Disconnect</button>
      {signature && <p role="status">{signature}</p>}
      {error && <p role="alert">{(error as BaseError).details || error.message}</p>}
    </>
  )
}
