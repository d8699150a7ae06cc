package oracle

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/btcsuite/btcd/wire/v2"
)

// node is a btcd that runs for one test.
type node struct {
	t   *testing.T
	url string
}

// startNode builds btcd and starts it in simnet, without peers, in a folder and on a port of its own. Its blocks pay to an address.
func startNode(t *testing.T, miner string) *node {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "btcd")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "github.com/btcsuite/btcd").CombinedOutput()
	require.NoError(t, err, "%s", out)

	cmd := exec.Command(program, "--simnet", "--configfile="+filepath.Join(dir, "none"), "--datadir="+dir, "--logdir="+filepath.Join(dir, "log"), "--nolisten", "--nodnsseed",
		"--notls", "--rpclisten=127.0.0.1:0", "--rpcuser=u", "--rpcpass=p", "--miningaddr="+miner, "--minrelaytxfee=0.00001")
	log, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	listening, ended := make(chan string, 1), make(chan struct{})
	var mu sync.Mutex
	var text strings.Builder
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(log); lines.Scan(); {
			mu.Lock()
			text.WriteString(lines.Text() + "\n")
			mu.Unlock()
			if _, at, ok := strings.Cut(lines.Text(), "RPC server listening on "); ok {
				listening <- at
			}
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
		_ = cmd.Wait()
		if t.Failed() {
			mu.Lock()
			defer mu.Unlock()
			t.Log(text.String())
		}
	})
	select {
	case at := <-listening:
		return &node{t, "http://" + at}
	case <-ended:
		require.Fail(t, "btcd ended")
	}
	return nil
}

// call makes a call of JSON-RPC. The error is that of the node.
func (n *node) call(result any, method string, params ...any) error {
	n.t.Helper()
	if params == nil {
		params = []any{}
	}
	body, err := json.Marshal(map[string]any{"jsonrpc": "1.0", "id": 1, "method": method, "params": params})
	require.NoError(n.t, err)
	request, err := http.NewRequestWithContext(n.t.Context(), http.MethodPost, n.url, bytes.NewReader(body))
	require.NoError(n.t, err)
	request.SetBasicAuth("u", "p")
	response, err := http.DefaultClient.Do(request)
	require.NoError(n.t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(n.t, err)
	var answer struct {
		Result json.RawMessage
		Error  *struct{ Message string }
	}
	require.NoError(n.t, json.Unmarshal(text, &answer), "%s", text)
	if answer.Error != nil {
		return errors.New(answer.Error.Message)
	}
	if result != nil {
		require.NoError(n.t, json.Unmarshal(answer.Result, result), "%s", text)
	}
	return nil
}

// mine makes blocks and returns the transactions of each.
func (n *node) mine(blocks int) (mined []*wire.MsgBlock) {
	n.t.Helper()
	var hashes []string
	require.NoError(n.t, n.call(&hashes, "generate", blocks))
	for _, hash := range hashes {
		var text string
		require.NoError(n.t, n.call(&text, "getblock", hash, 0))
		raw, err := hex.DecodeString(text)
		require.NoError(n.t, err)
		block := &wire.MsgBlock{}
		require.NoError(n.t, block.Deserialize(bytes.NewReader(raw)))
		mined = append(mined, block)
	}
	return mined
}

// send gives a transaction to the node.
func (n *node) send(tx []byte) error {
	n.t.Helper()
	return n.call(nil, "sendrawtransaction", hex.EncodeToString(tx))
}
