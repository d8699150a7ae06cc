// The management of devices. The connect page loads it when it is needed.

export { list } from './list'
export { Manager } from './manager'
export { render } from './render'
