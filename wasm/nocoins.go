//go:build js && wasm && nocoins

package main

import (
	"github.com/hack-pad/safejs"

	"imkey-connect/bridge/interop"
)

// otherCoins has no coins: this module is the smaller one. See tron.go.
var otherCoins map[string]deviceMethod

func describeOther(string, safejs.Value, *interop.Object) (map[string]any, error) { return nil, nil }
