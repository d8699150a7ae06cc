// Package oracle compares core/ethereum with other implementations: with go-ethereum for generated transactions and typed data,
// with ethers, viem and eth-sig-util for typed data, and with the test cases of ethers. It is a module of its own, so that programs that import core do not depend on
// go-ethereum. It has only tests. IMKEY_FULL=1 runs them in full, and `go test -v` prints the number of cases.
package oracle
