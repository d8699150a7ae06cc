package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/sha3"
)

// node is an Ethereum node as dApps reach it: by JSON-RPC over HTTP.
type node struct {
	t   *testing.T
	url string
}

// call asks the node and decodes what it answers into out, if that is not nil.
func (n *node) call(out any, method string, params ...any) {
	n.t.Helper()
	if params == nil {
		params = []any{}
	}
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
	require.NoError(n.t, err)
	ctx, stop := context.WithTimeout(n.t.Context(), 20*time.Second)
	defer stop()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, n.url, bytes.NewReader(body))
	require.NoError(n.t, err)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	require.NoError(n.t, err)
	defer response.Body.Close()
	var answer struct {
		Result json.RawMessage
		Error  json.RawMessage
	}
	require.NoError(n.t, json.NewDecoder(response.Body).Decode(&answer))
	require.Empty(n.t, string(answer.Error), "%s", method)
	if out != nil {
		require.NoError(n.t, json.Unmarshal(answer.Result, out), "%s: %s", method, answer.Result)
	}
}

// chainID is the chain's number in decimal.
func (n *node) chainID() string {
	n.t.Helper()
	var id string
	n.call(&id, "eth_chainId")
	var number uint64
	_, err := fmt.Sscanf(id, "0x%x", &number)
	require.NoError(n.t, err, id)
	return fmt.Sprint(number)
}

// mined is what a node says of a transaction.
type mined struct {
	From, To, Status, Type, TransactionHash string
}

// receipt waits until the transaction is mined: a node answers to its arrival before that.
func (n *node) receipt(hash string) mined {
	n.t.Helper()
	var m *mined
	require.Eventually(n.t, func() bool {
		n.call(&m, "eth_getTransactionReceipt", hash)
		return m != nil
	}, 20*time.Second, 20*time.Millisecond, "%s is not mined", hash)
	return *m
}

// started runs a node's program until the test ends, and waits until it prints a line that fits; it returns the line's submatches.
func started(t *testing.T, ready *regexp.Regexp, program string, args ...string) []string {
	t.Helper()
	command := exec.Command(program, args...)
	out, in := io.Pipe()
	command.Stdout, command.Stderr = in, in
	command.Env = append(os.Environ(), "NO_COLOR=1")
	require.NoError(t, command.Start())
	ended := make(chan struct{})
	go func() {
		_ = command.Wait() // it is killed
		in.Close()
		close(ended)
	}()
	t.Cleanup(func() {
		_ = command.Process.Kill()
		<-ended
	})
	found := make(chan []string, 1)
	go func() {
		var said []string
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if match := ready.FindStringSubmatch(lines.Text()); match != nil {
				found <- match
				_, _ = io.Copy(io.Discard, out) // or it would wait for a reader
				return
			}
			said = append(said, lines.Text())
		}
		t.Logf("%s ended and had said: %q", program, said)
		close(found)
	}()
	select {
	case match := <-found:
		require.NotNil(t, match, "%s did not start", program)
		return match
	case <-time.After(30 * time.Second):
		require.Fail(t, "the node did not start in time", program)
		return nil
	}
}

// anvil starts Foundry's node, whose package npm installs with the clients, and gives the address 1000 ether.
func anvil(t *testing.T, address string) *node {
	arch := map[string]string{"amd64": "amd64", "arm64": "arm64"}[runtime.GOARCH]
	program := filepath.Join("clients", "node_modules", "@foundry-rs", "anvil-"+runtime.GOOS+"-"+arch, "bin", "anvil")
	_, err := os.Stat(program)
	require.NoError(t, err, "run make testcases first")
	match := started(t, regexp.MustCompile(`Listening on (127\.0\.0\.1:\d+)`), program, "--host", "127.0.0.1", "--port", "0")
	n := &node{t: t, url: "http://" + match[1]}
	n.call(nil, "anvil_setBalance", address, "0x3635c9adc5dea00000")
	return n
}

// gethVersion is the last one all of whose modules the Go proxy gives out.
const gethVersion = "v1.16.9"

// buildGeth compiles go-ethereum's node, which takes minutes the first time.
func buildGeth(t *testing.T) (program string) {
	dir := t.TempDir()
	command := exec.CommandContext(t.Context(), "go", "install", "github.com/ethereum/go-ethereum/cmd/geth@"+gethVersion)
	command.Dir = dir
	command.Env = append(os.Environ(), "GOBIN="+dir, "CGO_ENABLED=0")
	out, err := command.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return filepath.Join(dir, "geth")
}

// geth starts go-ethereum's node on a chain of its own, and gives the address 1000 ether.
func geth(t *testing.T, program, address string) *node {
	match := started(t, regexp.MustCompile(`HTTP server started +endpoint=(127\.0\.0\.1:\d+)`), program,
		"--dev", "--datadir", t.TempDir(), "--ipcdisable", "--port", "0", "--authrpc.port", "0",
		"--http", "--http.addr", "127.0.0.1", "--http.port", "0", "--http.corsdomain", "*", "--http.api", "eth,net,web3")
	n := &node{t: t, url: "http://" + match[1]}
	var accounts []string
	n.call(&accounts, "eth_accounts")
	require.Len(t, accounts, 1, "the developer's")
	var hash string
	n.call(&hash, "eth_sendTransaction", map[string]string{"from": accounts[0], "to": address, "value": "0x3635c9adc5dea00000"})
	require.Eventually(t, func() bool {
		var receipt *mined
		n.call(&receipt, "eth_getTransactionReceipt", hash)
		return receipt != nil
	}, 20*time.Second, 20*time.Millisecond)
	return n
}

// fakeNode is a node whose every answer a test decides: it is how a node lies.
type fakeNode struct {
	node
	mu      sync.Mutex
	sent    [][]byte
	answers map[string]func(w http.ResponseWriter, id json.RawMessage)
}

const fakeChain = 1337

// newFakeNode starts one that answers as a quiet chain of its own would.
func newFakeNode(t *testing.T) *fakeNode {
	n := &fakeNode{node: node{t: t}, answers: map[string]func(http.ResponseWriter, json.RawMessage){}}
	server := httptest.NewServer(n)
	t.Cleanup(server.Close)
	n.url = server.URL
	n.says("eth_chainId", fmt.Sprintf("0x%x", fakeChain))
	n.says("eth_getTransactionCount", "0x5")
	n.says("eth_estimateGas", "0x5208")
	n.says("eth_gasPrice", "0x3b9aca00")
	n.says("eth_feeHistory", map[string]any{"oldestBlock": "0x1", "baseFeePerGas": []string{"0x3b9aca00", "0x3b9aca00"}, "gasUsedRatio": []float64{0.5}, "reward": [][]string{{"0x3b9aca00"}}})
	n.says("eth_blockNumber", "0x10")
	return n
}

// says sets what a method's result is.
func (n *fakeNode) says(method string, result any) {
	n.does(method, func(w http.ResponseWriter, id json.RawMessage) {
		_ = json.NewEncoder(w).Encode(map[string]any{"jsonrpc": "2.0", "id": id, "result": result})
	})
}

// does sets what happens when a method is called.
func (n *fakeNode) does(method string, answer func(w http.ResponseWriter, id json.RawMessage)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.answers[method] = answer
}

func (n *fakeNode) ServeHTTP(w http.ResponseWriter, r *http.Request) {
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
		var raw []hexBytes
		if err := json.Unmarshal(call.Params, &raw); err != nil || len(raw) != 1 {
			http.Error(w, "not one raw transaction", http.StatusBadRequest)
			return
		}
		n.mu.Lock()
		n.sent = append(n.sent, raw[0])
		n.mu.Unlock()
		_ = json.NewEncoder(w).Encode(map[string]any{"jsonrpc": "2.0", "id": call.ID, "result": hexBytes(keccak(raw[0]))})
	default:
		_ = json.NewEncoder(w).Encode(map[string]any{"jsonrpc": "2.0", "id": call.ID, "error": map[string]any{"code": -32601, "message": "no such method"}})
	}
}

// raw takes what was sent to the node since it was last asked.
func (n *fakeNode) raw() [][]byte {
	n.mu.Lock()
	defer n.mu.Unlock()
	sent := n.sent
	n.sent = nil
	return sent
}

func keccak(b []byte) []byte {
	h := sha3.NewLegacyKeccak256()
	h.Write(b)
	return h.Sum(nil)
}
