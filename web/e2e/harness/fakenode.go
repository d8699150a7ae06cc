package harness

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// FakeNode is a node whose answers the test sets, to simulate failing and lying nodes.
type FakeNode struct {
	Node
	mu      sync.Mutex
	sent    [][]byte // raw transactions
	answers map[string]func(w http.ResponseWriter, id json.RawMessage)
}

// FakeChain is the number of the chain that [NewFakeNode] and [Dapp.Load] are for.
const FakeChain = 1337

// NewFakeNode starts a node for [FakeChain]. It answers what a transaction needs, and takes transactions that are sent.
func NewFakeNode(t *testing.T) *FakeNode {
	n := &FakeNode{Node: Node{T: t}, answers: map[string]func(http.ResponseWriter, json.RawMessage){}}
	server := httptest.NewServer(n)
	t.Cleanup(server.Close)
	n.URL = server.URL
	n.Answer("eth_chainId", fmt.Sprintf("0x%x", FakeChain))
	n.Answer("eth_getTransactionCount", "0x5")
	n.Answer("eth_estimateGas", "0x5208")
	n.Answer("eth_gasPrice", "0x3b9aca00")
	n.Answer("eth_feeHistory", map[string]any{"oldestBlock": "0x1", "baseFeePerGas": []string{"0x3b9aca00", "0x3b9aca00"}, "gasUsedRatio": []float64{0.5}, "reward": [][]string{{"0x3b9aca00"}}})
	n.Answer("eth_blockNumber", "0x10")
	return n
}

// Answer sets the result of a method.
func (n *FakeNode) Answer(method string, result any) {
	n.Handle(method, func(w http.ResponseWriter, id json.RawMessage) {
		_ = json.NewEncoder(w).Encode(map[string]any{"jsonrpc": "2.0", "id": id, "result": result})
	})
}

// Handle sets how calls of a method are answered, and returns how they were answered before. nil answers that there is no such method.
func (n *FakeNode) Handle(method string, answer func(w http.ResponseWriter, id json.RawMessage)) (before func(http.ResponseWriter, json.RawMessage)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	before = n.answers[method]
	n.answers[method] = answer
	return before
}

// ServeHTTP answers a call, as [http.Handler].
func (n *FakeNode) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Header().Set("Access-Control-Allow-Headers", "Content-Type")
	if r.Method == http.MethodOptions {
		return
	}
	var call struct {
		ID     json.RawMessage
		Method string
		Params json.RawMessage
	}
	if err := json.NewDecoder(r.Body).Decode(&call); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	n.mu.Lock()
	answer := n.answers[call.Method]
	n.mu.Unlock()
	switch {
	case answer != nil:
		answer(w, call.ID)
	case call.Method == "eth_sendRawTransaction":
		var raw []HexBytes
		if err := json.Unmarshal(call.Params, &raw); err != nil || len(raw) != 1 {
			http.Error(w, "not one raw transaction", http.StatusBadRequest)
			return
		}
		n.mu.Lock()
		n.sent = append(n.sent, raw[0])
		n.mu.Unlock()
		_ = json.NewEncoder(w).Encode(map[string]any{"jsonrpc": "2.0", "id": call.ID, "result": HexBytes(Keccak(raw[0]))})
	default:
		_ = json.NewEncoder(w).Encode(map[string]any{"jsonrpc": "2.0", "id": call.ID, "error": map[string]any{"code": -32601, "message": "no such method"}})
	}
}

// TakeSent returns the raw transactions that were sent to the node since the last call of TakeSent.
func (n *FakeNode) TakeSent() [][]byte {
	n.mu.Lock()
	defer n.mu.Unlock()
	sent := n.sent
	n.sent = nil
	return sent
}
