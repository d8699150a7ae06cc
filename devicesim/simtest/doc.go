// Package simtest puts the host's side and the simulated device together, for tests.
package simtest
