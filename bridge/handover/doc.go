// Package handover decides which page of an origin holds a device, and moves the device from one page to another. This
// comment describes the whole protocol; the code is in this package, in webusb (Link), in wasm (handover.go) and in the SDK
// (device.ts).
//
// # The lease
//
// A page holds the [Lease] of a device while it has the device open. The operating system already keeps other programs and
// other origins away by the claim of the USB interface. The lease does three things that the claim cannot: it tells the
// second page at once that the device is in use, it lets that page ask for the device, and it makes its holder the only page
// of the browser that writes the device's record.
//
// The lease consists of Web Locks, which the pages of one origin share. The browser releases the locks of a page that goes
// away, however it goes. Their names end in the device's serial number; devices without a serial number share one lease.
//
//	imkey-connect usb SERIAL              device lock: its holder has the device
//	imkey-connect usb wanted SERIAL       wanted lock: the holder has it too; a page that wants the device steals it
//	imkey-connect usb letting go SERIAL   releasing lock: the holder takes it while it releases the device
//	imkey-connect usb idle SERIAL         idle lock: a holder that needs the device no more has it; a page that opens the device steals it
//
// Two links of the same module are told apart by a list in the module ([Take] waits for the other link), since a page may
// have no Web Locks, and since its own claim does not keep it from claiming again. A browser without Web Locks, or one
// that grants none because the storage of the site is blocked, has the claim and this list alone.
//
// # A page opens a free device
//
//  1. [Take] steals the idle lock and keeps it until it returns.
//  2. It waits for the device lock and then for the wanted lock, each for 1 s if another page holds it: the page that a
//     reload replaces may still be on its way out. After that the error is in-use-elsewhere with holder "tab".
//  3. If no page holds a lock and the browser still does not grant it, the machine is busy. Take then waits for up to 10 s.
//  4. The link opens the device and claims the interface. It tries a refused claim four times, 300 ms apart.
//
// # A page keeps the device for its next request
//
// The provider keeps a device open for some seconds after a request, so that the next one needs fewer packets. While it does, it has
// the idle lock. It closes the device if that lock is stolen, if the time is over, and if the page is hidden. It closes the
// device at once if the lock is not free, because then a page waits for the device. Before the next request it releases the lock: a
// page that uses the device hears of no page that opens it without taking it over.
//
// Pages of other origins and other programs cannot ask. They find the interface claimed until the time is over, which is why it is
// short, and why a hidden page does not wait for it: the user looks at another one.
//
// # A page takes the device over
//
//  1. The user presses "use it here". The SDK calls open with takeOver, and [Take] steals the wanted lock. The browser tells
//     the holder, and no other page. No message is sent that another page could forge.
//  2. The holder's lease requests the wanted lock again, to see whether the asking page is still there: a page that slept
//     hears of every request that came meanwhile. If it gets the lock, no page waits, and the holder keeps the device.
//  3. Otherwise it takes the releasing lock, which says "I am awake", and closes [Lease.Wanted].
//  4. openDevice.watch in wasm ends the call under way with in-use-elsewhere, reason "taken-over". The device gets a CANCEL
//     and has 8 s to answer. Then watch closes the link: the interface, the device and the locks are released in this
//     order, so that the device is free before the lock is. The page gets a disconnect event with the same reason, and the
//     SDK shows that another tab has the device.
//  5. The asking page gets the device lock. It looks whether another page stole the wanted lock from it meanwhile: the
//     last page that asks gets the device, and the others get in-use-elsewhere.
//
// # A page that hangs or sleeps
//
// A holder that does not run takes no releasing lock. The asking page looks for that lock after 3 s. If it is not held, the
// error is in-use-elsewhere with reason "no-answer", and the holder keeps the device. A holder that is awake has 15 s
// in all; after that the error is the same.
//
// A page that is about to be frozen or put into the back/forward cache cannot wait for anything afterwards. It calls
// core.suspend in wasm, which calls Link.Abandon for each device: in one turn of the event loop that sends a CANCEL
// if the device may be busy, closes the device and releases the locks. Calls under way end with aborted, reason
// "page-hidden", when the page runs again.
//
// # A page that dies
//
// The browser closes the device of a page that crashed or was closed, and releases its locks. The next page that opens the
// device sends a CANCEL before anything else, so that the device drops the operation of the page before.
//
// # What scripts of the origin can do
//
// Any script of the origin can request these locks. By stealing the wanted lock it can make the holder release the device;
// by holding a lock it can keep pages from opening the device. A script that runs in the origin can do both in other ways.
package handover
