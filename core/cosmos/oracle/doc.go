// Package oracle compares core/cosmos with cosmjs: the sign bytes of amino documents and of SignDocs that it makes, and the signatures of its
// wallets with those of the simulated device. It is a module of its own, since its tests need cosmjs from npm (`make testcases`). It has only
// tests. IMKEY_FULL=1 runs them in full, and `go test -v` prints the number of cases.
package oracle
