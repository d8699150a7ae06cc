//go:build js && wasm

package main

import (
	"os"

	"imkey-connect/bridge/idb"
	"imkey-connect/bridge/interop"
	"imkey-connect/bridge/records"
	"imkey-connect/wasm/backup/sealed"
)

func main() {
	b := &backup{env: idb.Browser(), locks: records.Locks(), work: sealed.Work, ended: make(chan struct{})}
	if interop.Start(b.object) != nil {
		os.Exit(1)
	}
	<-b.ended
}
