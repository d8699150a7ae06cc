//go:build js && wasm

package bridgetest

import (
	"testing"

	"github.com/hack-pad/safejs"
	"github.com/stretchr/testify/require"
)

// indexedDBSource implements the part of IndexedDB that package idb uses: versions, the events blocked and versionchange, and
// transactions that run one after another, end by themselves, abort, and fail if the test says so.
const indexedDBSource = `(() => {
	const turn = f => setImmediate(f);
	const error = (name, message) => new DOMException(message ?? name, name);
	const fire = (target, type) => target.dispatchEvent(new Event(type));
	const copy = v => v instanceof Uint8Array ? v.slice() : v;
	class Request extends EventTarget { result = undefined; error = null }
	class Store {
		constructor(tx, data) { Object.assign(this, { tx, data }) }
		ask(change, run) {
			if (this.tx.over) throw error("TransactionInactiveError");
			if (change && this.tx.mode !== "readwrite") throw error("ReadOnlyError");
			const request = new Request();
			this.tx.todo.push({ request, run });
			return request;
		}
		get(k) { return this.ask(false, () => copy(this.data.get(k))) }
		getAllKeys(query, count) { return this.ask(false, () => [...this.data.keys()].sort().slice(0, count)) }
		put(v, k) { v = copy(v); return this.ask(true, () => { this.undo(k); this.data.set(k, v); return k }) }
		add(v, k) { v = copy(v); return this.ask(true, () => { if (this.data.has(k)) throw error("ConstraintError"); this.undo(k); this.data.set(k, v); return k }) }
		delete(k) { return this.ask(true, () => { this.undo(k); this.data.delete(k) }) }
		undo(k) { const had = this.data.has(k), v = this.data.get(k); this.tx.log.push(() => { had ? this.data.set(k, v) : this.data.delete(k) }) }
	}
	class Transaction extends EventTarget {
		error = null; over = false; todo = []; log = [];
		constructor(db, store, mode, durability) { super(); Object.assign(this, { db, store, mode, durability }) }
		objectStore(name) { return new Store(this, this.db.origin.stores.get(name)) }
		async run() {
			const { origin } = this.db;
			origin.transactions.push(this.mode + " " + this.store + " " + this.durability);
			while (this.todo.length && !this.over) {
				const { request, run } = this.todo.shift();
				if (origin.hangWrites && this.mode === "readwrite") origin.hang ??= [];
				if (origin.hang) { await new Promise(r => { origin.hang.push(r) }) }
				if (this.over) break;
				try { request.result = run() } catch (e) { request.error = e; fire(request, "error"); this.end(e); break }
				fire(request, "success");
				await new Promise(turn);
			}
			const fails = origin.commit?.shift();
			if (!this.over && fails) this.end(error(fails));
			if (!this.over) { this.over = true; fire(this, "complete") }
		}
		end(e) { if (this.over) return; this.over = true; this.error = e; for (const undo of this.log.reverse()) undo(); turn(() => fire(this, "abort")) }
		abort() { if (this.over || this.db.origin.late) throw error("InvalidStateError"); this.end(null) }
	}
	class Database extends EventTarget {
		closed = false;
		constructor(origin) { super(); this.origin = origin }
		transaction(store, mode, options) {
			if (this.closed) throw error("InvalidStateError", "The database connection is closing.");
			if (!this.origin.stores.has(store)) throw error("NotFoundError");
			const tx = new Transaction(this, store, mode, options.durability);
			// One after another, as IndexedDB does for writes. For reads it could be in parallel.
			this.origin.queue = this.origin.queue.then(() => new Promise(turn)).then(() => tx.run());
			return tx;
		}
		createObjectStore(name) { this.origin.stores.set(name, new Map()) }
		close() { this.closed = true; this.origin.open.delete(this) }
	}
	return () => {
		const origin = { version: 0, stores: new Map(), open: new Set(), queue: Promise.resolve(), transactions: [], commit: [], hang: null, opens: [], ignore: false,
			// Another tab that deletes or upgrades the database.
			change() { for (const db of [...this.open]) fire(db, "versionchange"); return this.open.size },
			clear() { for (const db of [...this.open]) { db.close(); fire(db, "close") } this.stores.clear(); this.version = 0 },
			keys() { return [...(this.stores.get("keys") ?? new Map()).values()] },
			record(seid) { return this.stores.get("records").get(seid) },
			release() { const waiting = this.hang; this.hang = null; for (const r of waiting) r() },
		};
		const factory = { open(name, version) {
			const request = new Request();
			const how = origin.opens.shift();
			if (how && how.throws) throw error(how.throws);
			turn(async () => {
				if (how === "never") return;
				if (how && how.fails) { request.error = error(how.fails); fire(request, "error"); return }
				if (how === "blocked") { fire(request, "blocked"); await new Promise(turn) }
				const db = new Database(origin);
				origin.open.add(db);
				request.result = db;
				if (origin.version < version) { origin.version = version; fire(request, "upgradeneeded"); await new Promise(turn) }
				fire(request, "success");
			});
			return request;
		} };
		return { factory, origin };
	};
})()`

// IndexedDB is the fake IndexedDB of one origin. Every store with its Factory is a tab of its own. A test uses Origin to make it fail:
// see the source.
type IndexedDB struct {
	Factory, Origin safejs.Value
}

// NewIndexedDB returns an empty IndexedDB.
func NewIndexedDB(t testing.TB) *IndexedDB {
	t.Helper()
	made, err := Eval(t, indexedDBSource).Invoke()
	require.NoError(t, err)
	return &IndexedDB{Factory: Get(t, made, "factory"), Origin: Get(t, made, "origin")}
}

// Turn lets the event loop run, so that the events of the fake fire.
func Turn(t testing.TB) {
	t.Helper()
	Await(t, Eval(t, `({ turn: () => new Promise(r => setImmediate(() => setImmediate(r))) })`), "turn")
}
