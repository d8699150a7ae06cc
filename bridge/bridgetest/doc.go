// Package bridgetest is for tests of code that calls the browser. Tests write the browser's part in JavaScript. The package has
// fakes of what node lacks: a USBDevice with its USB and LockManager ([NewUSB]), and IndexedDB ([NewIndexedDB]).
package bridgetest
