// Package oracle compares core/ethereum with implementations that others wrote: go-ethereum's transactions and typed
// data on generated input, and the test cases of ethers.js. It is a module of its own, so that nobody who imports core
// inherits go-ethereum. It has tests alone; IMKEY_FULL=1 makes them run in full, and `go test -v` prints what they
// counted.
package oracle
