// The management of devices, as the connect page loads it when somebody needs it.

export { list } from './list'
export { Manager } from './manager'
export { render } from './render'
