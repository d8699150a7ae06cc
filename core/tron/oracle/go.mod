module imkey-connect/core/tron/oracle

go 1.26.8

toolchain go1.26.10

// npm packages may have Go files.
ignore node_modules

require (
	github.com/stretchr/testify v1.12.1
	imkey-connect v0.0.0
)

require (
	github.com/bits-and-blooms/bitset v1.25.0 // indirect
	github.com/consensys/gnark-crypto v0.22.0 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/crypto v0.58.0 // indirect
)

replace imkey-connect => ../../..
