// Package oracle compares core/tron with tronweb: raw_data that it encodes, messages, and typed data. It is a module of its own, since its
// tests need tronweb from npm (`make testcases`). It has only tests. IMKEY_FULL=1 runs them in full, and `go test -v` prints the number of
// cases.
package oracle
