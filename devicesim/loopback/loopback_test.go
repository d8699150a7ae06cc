package loopback

import (
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHost(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "localhost:7380": true, "LOCALHOST:1": true, "localhost.:80": true, "imkey.localhost:7380": true,
		"127.0.0.1": true, "127.0.0.1:7380": true, "127.8.9.10:1": true, "[::1]": true, "[::1]:7380": true, "[::ffff:127.0.0.1]:80": true,
		"": false, ":7380": false, "evil.example": false, "evil.example:7380": false, "127.0.0.1.evil.example": false,
		"localhost.evil.example": false, "notlocalhost": false, "10.0.0.1": false, "0.0.0.0:7380": false, "[::]": false,
		"[2001:db8::1]:80": false, "2130706433": false, "0x7f.1": false, "[::1": false, "127.1": false,
	} {
		require.Equal(t, want, Host(host), "%q", host)
	}
}

func TestOrigins(t *testing.T) {
	for _, test := range []struct {
		origin     []string
		own, local bool
	}{
		{nil, true, true},
		{[]string{"http://localhost:7380"}, true, true},
		{[]string{"http://LOCALHOST:7380"}, true, true},
		{[]string{"https://localhost:7380"}, false, true},
		{[]string{"http://127.0.0.1:7380"}, false, true},
		{[]string{"http://localhost:3000"}, false, true},
		{[]string{"http://evil.example"}, false, false},
		{[]string{"http://localhost.evil.example:7380"}, false, false},
		{[]string{"chrome-extension://localhost"}, false, false},
		{[]string{"null"}, false, false},
		{[]string{""}, false, false},
		{[]string{"http://localhost:7380/"}, false, false},
		{[]string{"http://me@localhost:7380"}, false, false},
		{[]string{"http://localhost:7380", "http://localhost:7380"}, false, false},
	} {
		r := httptest.NewRequest("GET", "http://localhost:7380/", nil)
		r.Header["Origin"] = test.origin
		require.Equal(t, test.own, OwnOrigin(r), "%q", test.origin)
		require.Equal(t, test.local, LocalOrigin(r), "%q", test.origin)
	}
}
