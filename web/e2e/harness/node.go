package harness

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Node is an Ethereum node that answers JSON-RPC over HTTP.
type Node struct {
	T   *testing.T
	URL string
}

// Call calls a method of the node and decodes the result into out, if out is not nil.
func (n *Node) Call(out any, method string, params ...any) {
	n.T.Helper()
	if params == nil {
		params = []any{}
	}
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
	require.NoError(n.T, err)
	ctx, stop := context.WithTimeout(n.T.Context(), 20*time.Second)
	defer stop()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, n.URL, bytes.NewReader(body))
	require.NoError(n.T, err)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	require.NoError(n.T, err)
	defer response.Body.Close()
	var answer struct {
		Result json.RawMessage
		Error  json.RawMessage
	}
	require.NoError(n.T, json.NewDecoder(response.Body).Decode(&answer))
	require.Empty(n.T, string(answer.Error), "%s", method)
	if out != nil {
		require.NoError(n.T, json.Unmarshal(answer.Result, out), "%s: %s", method, answer.Result)
	}
}

// ChainID returns the number of the node's chain, in decimal.
func (n *Node) ChainID() string {
	n.T.Helper()
	var id string
	n.Call(&id, "eth_chainId")
	var number uint64
	_, err := fmt.Sscanf(id, "0x%x", &number)
	require.NoError(n.T, err, id)
	return fmt.Sprint(number)
}

// Receipt is a node's receipt of a transaction, with its numbers as 0x and hex digits.
type Receipt struct {
	From, To, Status, Type, TransactionHash string
}

// Receipt waits until a transaction is mined, and returns its receipt. A node accepts a transaction before it mines it.
func (n *Node) Receipt(hash string) Receipt {
	n.T.Helper()
	var m *Receipt
	require.Eventually(n.T, func() bool {
		n.Call(&m, "eth_getTransactionReceipt", hash)
		return m != nil
	}, 20*time.Second, 20*time.Millisecond, "%s is not mined", hash)
	return *m
}

// StartProgram runs a server until the test ends. It waits until the program prints a line that matches ready, and returns the
// submatches of the line.
func StartProgram(t *testing.T, ready *regexp.Regexp, program string, args ...string) []string {
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
		var printed []string
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if match := ready.FindStringSubmatch(lines.Text()); match != nil {
				found <- match
				_, _ = io.Copy(io.Discard, out) // the program would wait for a reader
				return
			}
			printed = append(printed, lines.Text())
		}
		t.Logf("%s ended, and had printed: %q", program, printed)
		close(found)
	}()
	select {
	case match := <-found:
		require.NotNil(t, match, "%s did not start", program)
		return match
	case <-time.After(30 * time.Second):
		require.Fail(t, "the program did not start in time", program)
		return nil
	}
}

// StartAnvil starts Foundry's node, which make testcases installs, and gives an address 1000 ether.
func StartAnvil(t *testing.T, address string) *Node {
	arch := map[string]string{"amd64": "amd64", "arm64": "arm64"}[runtime.GOARCH]
	program := filepath.Join(RepoPath("web/e2e/published/clients"), "node_modules", "@foundry-rs", "anvil-"+runtime.GOOS+"-"+arch, "bin", "anvil")
	_, err := os.Stat(program)
	require.NoError(t, err, "run make testcases first")
	match := StartProgram(t, regexp.MustCompile(`Listening on (127\.0\.0\.1:\d+)`), program, "--host", "127.0.0.1", "--port", "0")
	n := &Node{T: t, URL: "http://" + match[1]}
	n.Call(nil, "anvil_setBalance", address, "0x3635c9adc5dea00000")
	return n
}

// gethVersion is the last version that the Go module proxy has together with all modules that it needs.
const gethVersion = "v1.16.9"

// BuildGeth compiles go-ethereum's node, which takes minutes the first time.
func BuildGeth(t *testing.T) (program string) {
	dir := t.TempDir()
	command := exec.CommandContext(t.Context(), "go", "install", "github.com/ethereum/go-ethereum/cmd/geth@"+gethVersion)
	command.Dir = dir
	command.Env = append(os.Environ(), "GOBIN="+dir, "CGO_ENABLED=0")
	out, err := command.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return filepath.Join(dir, "geth")
}

// StartGeth starts go-ethereum's node, built by [BuildGeth], on a chain of its own, and gives an address 1000 ether.
func StartGeth(t *testing.T, program, address string) *Node {
	match := StartProgram(t, regexp.MustCompile(`HTTP server started +endpoint=(127\.0\.0\.1:\d+)`), program,
		"--dev", "--datadir", t.TempDir(), "--ipcdisable", "--port", "0", "--authrpc.port", "0",
		"--http", "--http.addr", "127.0.0.1", "--http.port", "0", "--http.corsdomain", "*", "--http.api", "eth,net,web3")
	n := &Node{T: t, URL: "http://" + match[1]}
	var accounts []string
	n.Call(&accounts, "eth_accounts")
	require.Len(t, accounts, 1, "the developer account")
	const thousand = "0x3635c9adc5dea00000"
	n.Call(nil, "eth_sendTransaction", map[string]string{"from": accounts[0], "to": address, "value": thousand})
	// A node that has just started has no receipts: it indexes transactions first.
	require.Eventually(t, func() bool {
		var balance string
		n.Call(&balance, "eth_getBalance", address, "latest")
		return balance == thousand
	}, 20*time.Second, 20*time.Millisecond)
	return n
}
