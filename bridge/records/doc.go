// Package records lets several writers share one store of records: the page that has a device open, the other pages of its
// origin, and the module that imports. Each record has a Web Lock, which the browser releases when the page goes away. In a
// browser without Web Locks the lock works within the module only.
package records
