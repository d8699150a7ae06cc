package main

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"imkey-connect/devicesim/serve"
	"imkey-connect/web"
)

// maxDapps is the most demonstration dApps that one simulator serves.
const maxDapps = 10

// dapps are servers of the pages on further ports: to a browser, each is another site. They serve no device.
type dapps struct {
	servers []*http.Server
	urls    []string // of the demonstration dApps, which use the connector of the simulator
}

// startDapps serves n demonstration dApps on the ports behind that of the simulator, or on free ones where those are taken. They have
// the host name of its pages, and use its connector.
func startDapps(n int, s *serve.Simulator, o options) (*dapps, error) {
	d := &dapps{}
	origin, err := url.Parse(originOf(s, o))
	if err != nil {
		return nil, err
	}
	host, connector := origin.Hostname(), url.QueryEscape(origin.String()+"/connect")
	port, err := strconv.Atoi(origin.Port())
	if err != nil {
		return nil, err
	}
	for i := range n {
		listener, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port+1+i)))
		if err != nil {
			if listener, err = net.Listen("tcp", net.JoinHostPort(host, "0")); err != nil {
				return nil, errors.Join(err, d.Close())
			}
		}
		server := &http.Server{Handler: web.Handler(web.Dist), ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 64 << 10}
		d.servers = append(d.servers, server)
		own := strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
		d.urls = append(d.urls, "http://"+net.JoinHostPort(host, own)+"/dapp?connector="+connector)
		go func() { _ = server.Serve(listener) }() // it ends with Close
	}
	return d, nil
}

// Close ends the servers.
func (d *dapps) Close() error {
	var errs []error
	for _, server := range d.servers {
		errs = append(errs, server.Close())
	}
	return errors.Join(errs...)
}
