// Package records lets several writers share one store of bindings: the page that has a device open, the other pages of its
// origin, and the module that imports. A record's lock is a Web Lock, which the browser takes back from a page that goes
// away; where there are none, it holds within the module.
package records
