package harness

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
	"unicode/utf16"
)

// GatherTraces is a JavaScript expression for everything in which a page may have left a secret: its storage, its address, its
// document. Its value is a promise of an object with a text for each of them.
const GatherTraces = `(async () => {
	const bytes = v => v instanceof ArrayBuffer ? new Uint8Array(v) : ArrayBuffer.isView(v) ? new Uint8Array(v.buffer, v.byteOffset, v.byteLength) : null
	const text = v => {
		const b = bytes(v)
		if (b) return [...b].map(x => x.toString(16).padStart(2, '0')).join('') + ' ' + String.fromCharCode(...b)
		if (v && typeof v === 'object') return '{' + Object.entries(v).map(([k, x]) => k + ':' + text(x)).join() + '}'
		return String(v)
	}
	const wait = request => new Promise((ok, no) => { request.onsuccess = () => ok(request.result); request.onerror = () => no(request.error) })
	let idb = ''
	for (const { name } of await indexedDB.databases()) {
		const db = await wait(indexedDB.open(name))
		for (const store of db.objectStoreNames) {
			const s = db.transaction(store).objectStore(store)
			const [keys, values] = await Promise.all([wait(s.getAllKeys()), wait(s.getAll())])
			idb += name + '/' + store + ': ' + keys.map((k, i) => text(k) + '=' + text(values[i])).join('; ') + '\n'
		}
		db.close()
	}
	let caches_ = ''
	for (const name of await caches.keys()) for (const r of await (await caches.open(name)).keys()) caches_ += r.url + '\n'
	return {
		localStorage: JSON.stringify({ ...localStorage }), sessionStorage: JSON.stringify({ ...sessionStorage }),
		cookies: document.cookie, address: location.href + ' ' + document.title + ' ' + window.name, indexedDB: idb, caches: caches_,
		document: document.documentElement.outerHTML,
	}
})()`

// SecretForms returns the forms in which [SearchSecret] looks for a secret, by name. The secret is taken in upper case and in lower
// case: as ASCII and as UTF-16 in both byte orders, each of them plain, in hex, and in base64 at each of the three alignments. Other
// forms have a separator between every two characters, as in a list of characters, or between two halves.
func SecretForms(secret string) map[string][]byte {
	all := map[string][]byte{}
	for letters, s := range map[string]string{"": strings.ToUpper(secret), "lower-case ": strings.ToLower(secret)} {
		var le, be []byte
		for _, u := range utf16.Encode([]rune(s)) {
			le = append(le, byte(u), byte(u>>8))
			be = append(be, byte(u>>8), byte(u))
		}
		raw := map[string][]byte{letters + "ASCII": []byte(s), letters + "UTF-16LE": le, letters + "UTF-16BE": be}
		for name, b := range raw {
			all[name] = b
			all[name+" in hex"] = []byte(hex.EncodeToString(b))
			all[name+" in HEX"] = []byte(strings.ToUpper(hex.EncodeToString(b)))
			for align := range 3 {
				// The characters that the bytes before and after do not touch.
				enc := base64.StdEncoding.EncodeToString(append(make([]byte, align), b...))
				from, to := []int{0, 2, 3}[align], (align+len(b))*8/6
				all[name+" in base64 at "+string(rune('0'+align))] = []byte(enc[from:to])
				url := base64.URLEncoding.EncodeToString(append(make([]byte, align), b...))
				all[name+" in base64url at "+string(rune('0'+align))] = []byte(url[from:to])
			}
		}
		for _, sep := range []string{" ", ",", "-", `","`, `", "`} {
			all[letters+"separated by "+sep] = []byte(strings.Join(strings.Split(s, ""), sep))
		}
		half := len(s) / 2
		for _, sep := range []string{" ", "-"} {
			all[letters+"in halves with "+sep] = []byte(s[:half] + sep + s[half:])
		}
	}
	return all
}

// SearchSecret returns the names of the forms of secret that are in data.
func SearchSecret(secret string, data []byte) []string {
	var found []string
	for name, form := range SecretForms(secret) {
		if bytes.Contains(data, form) {
			found = append(found, name)
		}
	}
	slices.Sort(found)
	return found
}
