//go:build !js

// Command generate writes the files that are generated from the catalogue of error codes. `go generate ./core/errcode` runs it.
package main

import (
	"log"

	"imkey-connect/core/generated"
)

func main() {
	log.SetFlags(0)
	if err := generated.Write(outputs); err != nil {
		log.Fatal(err)
	}
}
