//go:build !(js && wasm)

package main

import "os"

func main() {
	println("this program runs in a browser; build it with GOOS=js GOARCH=wasm")
	os.Exit(2)
}
