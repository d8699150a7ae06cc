// Package bridgetest lets tests write the browser's side in JavaScript, and has fakes of what node lacks: a USBDevice with
// its USB and LockManager ([NewUSB]), and IndexedDB ([NewIndexedDB]).
package bridgetest
