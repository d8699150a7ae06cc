// Package jstest lets the bridge's tests write the browser's side in JavaScript.
package jstest
