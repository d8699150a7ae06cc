package chromium_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/chromium"
	"imkey-connect/devicesim/chromium/devtools"
)

// TestDevToolsOpensWhenThePageHasLoaded checks that the browser is not between two pages when Launch returns.
func TestDevToolsOpensWhenThePageHasLoaded(t *testing.T) {
	var loaded atomic.Bool
	slow := make(chan struct{})
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/last.js" {
			<-slow
			loaded.Store(true)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		if r.URL.Path == "/" {
			go close(slow)
			_, _ = w.Write([]byte(`<title>first</title><script src="last.js"></script>`))
		}
	}))
	defer site.Close()
	b, err := chromium.Launch(context.Background(), chromium.Options{DevTools: true, URL: site.URL})
	require.NoError(t, err)
	defer func() { require.NoError(t, b.Close()) }()
	require.True(t, loaded.Load())
	require.NoError(t, b.LoadErr)

	c, err := devtools.Dial(t.Context(), b.DevToolsURL)
	require.NoError(t, err)
	defer c.Close()
	var list struct {
		Targets []struct{ Type, Title, URL string } `json:"targetInfos"`
	}
	require.NoError(t, c.Call(t.Context(), "", "Target.getTargets", nil, &list))
	var titles []string
	for _, target := range list.Targets {
		if target.Type == "page" {
			titles = append(titles, target.Title+" "+target.URL)
		}
	}
	require.Equal(t, []string{"first " + site.URL + "/"}, titles, "one tab, and it shows the page")
}

// TestDevToolsOpensWithoutASite checks that Launch does not wait for a site that is not there or closes the connection.
func TestDevToolsOpensWithoutASite(t *testing.T) {
	site := httptest.NewServer(http.NotFoundHandler())
	site.Close()
	b, err := chromium.Launch(context.Background(), chromium.Options{DevTools: true, URL: site.URL})
	require.NoError(t, err)
	require.NotEmpty(t, b.DevToolsURL)
	require.EqualError(t, b.LoadErr, "chromium: "+site.URL+" could not be loaded: net::ERR_CONNECTION_REFUSED")
	require.ErrorIs(t, b.LoadErr, devtools.NetError("net::ERR_CONNECTION_REFUSED"))
	require.NoError(t, b.Close())
}

// TestPage runs JavaScript that returns and throws, while one page replaces another, and makes calls that fail.
func TestPage(t *testing.T) {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<title>` + r.URL.Path + `</title><input autofocus>`))
	}))
	defer site.Close()
	b, err := chromium.Launch(context.Background(), chromium.Options{DevTools: true})
	require.NoError(t, err)
	defer func() { require.NoError(t, b.Close()) }()
	c, err := devtools.Dial(t.Context(), b.DevToolsURL)
	require.NoError(t, err)
	defer c.Close()
	for _, open := range []func(context.Context) (*devtools.Page, error){c.FirstPage, c.NewPage} {
		p, err := open(t.Context())
		require.NoError(t, err)
		require.NoError(t, p.Open(t.Context(), site.URL+"/one"))
		value, err := p.Eval(t.Context(), `Promise.resolve({ title: document.title })`)
		require.NoError(t, err)
		require.JSONEq(t, `{"title":"/one"}`, string(value))
		_, err = p.Eval(t.Context(), `(() => { throw new TypeError('not so') })()`)
		var thrown *devtools.Thrown
		require.ErrorAs(t, err, &thrown)
		require.Contains(t, thrown.Text, "TypeError: not so")
		_, err = p.Eval(t.Context(), `Promise.reject('a word')`)
		require.ErrorAs(t, err, &thrown)
		require.Contains(t, thrown.Text, "a word")

		// Another page replaces the page during the call, and Eval runs the JavaScript there.
		value, err = p.Eval(t.Context(), `location.pathname === '/two' ? 'arrived' : (location.href = '/two', new Promise(() => {}))`)
		require.NoError(t, err)
		require.JSONEq(t, `"arrived"`, string(value))

		_, err = p.Eval(t.Context(), `document.querySelector('input').focus()`)
		require.NoError(t, err)
		require.NoError(t, p.Press(t.Context(), "A"))
		value, err = p.Eval(t.Context(), `document.querySelector('input').value`)
		require.NoError(t, err)
		require.JSONEq(t, `"A"`, string(value))
	}
	var refused *devtools.Error
	require.ErrorAs(t, c.Call(t.Context(), "", "No.such", nil, nil), &refused)
	require.Equal(t, "No.such", refused.Method)
	c.Close()
	require.Error(t, c.Call(t.Context(), "", "Target.getTargets", nil, nil))
	_, err = devtools.Dial(t.Context(), "ws://127.0.0.1:1/")
	require.Error(t, err)
}
