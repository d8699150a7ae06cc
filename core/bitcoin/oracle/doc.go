// Package oracle has a real node accept and mine what the simulated device signs: btcd in simnet, a network of its own without peers. It is a
// module of its own, since btcd has many dependencies. It has only tests. IMKEY_FULL=1 runs them in full, and `go test -v` prints the number
// of transactions.
package oracle
