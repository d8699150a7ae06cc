package wire

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"imkey-connect/devicesim/usb"
)

// tab is a page with its WebSocket: one handle of the device, like an open file of usbfs. One goroutine, which reads the
// socket, calls its methods.
type tab struct {
	server *Server
	out    *outbox

	opened bool
	device uint64 // the number of the device that is open

	outs    chan outTransfer // to the goroutine that sends them in order
	outDone chan struct{}
	cancel  context.CancelFunc // ends pending OUT transfers

	mu      sync.Mutex    // may be taken with the port's lock held
	pending []*inTransfer // in the order of their requests
	count   int           // pending IN and OUT transfers
}

type inTransfer struct {
	id   uint32
	read *usb.Read // only the goroutine that reads the socket uses it
}

type outTransfer struct {
	id       uint32
	host     *usb.Host
	endpoint byte
	data     []byte
}

func newTab(s *Server) *tab {
	return &tab{server: s, out: newOutbox()}
}

// handle carries out one request. An error means that the page breaks the rules, and its connection must end.
func (t *tab) handle(message []byte) error {
	r, err := parseRequest(message)
	if err != nil {
		return err
	}
	if t.opened && (r.Device != t.device || !t.server.current(t.device)) {
		t.close()
	}
	if !t.server.current(r.Device) {
		return t.fail(r, failDisconnected) // the page sent it before it got the event
	}
	switch r.Op {
	case "open":
		return t.open(r)
	case "close":
		t.close()
		return t.succeed(r)
	}
	if !t.opened {
		return fmt.Errorf("%w: %q on a device that is not open", errMalformed, r.Op)
	}
	switch r.Op {
	case "claim":
		return t.claim(r)
	case "release":
		t.server.release(t, r.Interface)
		return t.succeed(r)
	case "alternate":
		return t.alternate(r)
	case "control":
		return t.control(r)
	case "in":
		return t.transferIn(r)
	case "out":
		return t.transferOut(r)
	case "halt":
		return t.clearHalt(r)
	case "reset":
		return t.reset(r)
	}
	return fmt.Errorf("%w: op %q", errMalformed, r.Op)
}

func (t *tab) succeed(r request) error {
	t.out.put(reply{ID: r.ID})
	return nil
}

func (t *tab) fail(r request, reason string) error {
	t.out.put(reply{ID: r.ID, Error: reason})
	return nil
}

// open opens the device, even if another host holds it. Then a claim fails, as on a system on which another program has
// claimed the interface.
func (t *tab) open(r request) error {
	if t.server.port.Access().Denied {
		return t.fail(r, failAccess)
	}
	if !t.opened {
		t.server.host()
		t.opened, t.device = true, r.Device
		ctx, cancel := context.WithCancel(context.Background())
		t.cancel = cancel
		t.outs, t.outDone = make(chan outTransfer, maxPending), make(chan struct{})
		go t.sendOuts(ctx, t.outs, t.outDone)
	}
	return t.succeed(r)
}

// close ends the transfers of this handle and releases its interfaces. The device does not see it.
func (t *tab) close() {
	if !t.opened {
		return
	}
	t.opened = false
	t.cancel()
	close(t.outs)
	t.mu.Lock()
	reads := slices.Clone(t.pending)
	t.mu.Unlock()
	for _, p := range reads {
		if _, pending := p.read.Cancel(); pending {
			t.finishIn(p, nil, context.Canceled)
		}
	}
	<-t.outDone
	t.server.releaseAll(t)
}

func (t *tab) claim(r request) error {
	switch class, ok := t.server.class(r.Interface); {
	case !ok:
		return fmt.Errorf("%w: no interface %d", errMalformed, r.Interface)
	case class == classHID:
		return t.fail(r, failProtected)
	case t.server.port.Access().Claimed, t.server.host() == nil, !t.server.claim(t, r.Interface):
		return t.fail(r, failClaim)
	}
	return t.succeed(r)
}

func (t *tab) alternate(r request) error {
	h := t.server.host()
	if h == nil || !t.server.claimed(t, r.Interface) {
		return t.fail(r, failTransfer)
	}
	_, err := h.Control(context.Background(), usb.Setup(0x01, 11, uint16(r.Alternate), uint16(r.Interface), 0), nil)
	return t.result(r, err)
}

func (t *tab) control(r request) error {
	h := t.server.host()
	if h == nil {
		return t.fail(r, failTransfer)
	}
	data, err := h.Control(context.Background(), [8]byte(r.Setup), r.Data)
	t.out.put(transferred(r.ID, data, err))
	return nil
}

func (t *tab) clearHalt(r request) error {
	h := t.server.host()
	if h == nil || !t.server.ownsEndpoint(t, r.Endpoint) {
		return t.fail(r, failTransfer)
	}
	return t.result(r, h.ClearHalt(r.Endpoint))
}

func (t *tab) reset(r request) error {
	h := t.server.host()
	if h == nil {
		return t.fail(r, failTransfer)
	}
	return t.result(r, h.Reset())
}

// result answers an operation other than a transfer.
func (t *tab) result(r request, err error) error {
	switch {
	case err == nil:
		return t.succeed(r)
	case errors.Is(err, usb.ErrUnplugged):
		return t.fail(r, failDisconnected)
	}
	return t.fail(r, failTransfer)
}

// transferIn starts a read. Reads are served in the order of their requests.
func (t *tab) transferIn(r request) error {
	h := t.server.host()
	if h == nil || r.Endpoint&0x80 == 0 || !t.server.ownsEndpoint(t, r.Endpoint) {
		return t.fail(r, failTransfer)
	}
	if err := t.begin(); err != nil {
		return err
	}
	p := &inTransfer{id: r.ID}
	t.mu.Lock()
	t.pending = append(t.pending, p)
	t.mu.Unlock()
	read, err := h.StartIn(r.Endpoint, min(r.Length, maxTransfer), func(data []byte, err error) { t.finishIn(p, data, err) })
	if err != nil {
		t.finishIn(p, nil, err)
		return nil
	}
	p.read = read
	return nil
}

// finishIn answers an IN transfer. It may run with the port's lock held.
func (t *tab) finishIn(p *inTransfer, data []byte, err error) {
	t.mu.Lock()
	if i := slices.Index(t.pending, p); i >= 0 {
		t.pending = slices.Delete(t.pending, i, i+1)
	}
	t.count--
	t.mu.Unlock()
	t.out.put(transferred(p.id, data, err))
}

func (t *tab) transferOut(r request) error {
	h := t.server.host()
	if h == nil || r.Endpoint&0x80 != 0 || !t.server.ownsEndpoint(t, r.Endpoint) {
		return t.fail(r, failTransfer)
	}
	if err := t.begin(); err != nil {
		return err
	}
	t.outs <- outTransfer{id: r.ID, host: h, endpoint: r.Endpoint, data: r.Data} // never blocks, because begin counts
	return nil
}

// sendOuts makes the OUT transfers of one open() in order. If a fault delays one, those behind it wait.
func (t *tab) sendOuts(ctx context.Context, outs <-chan outTransfer, done chan<- struct{}) {
	defer close(done)
	for o := range outs {
		_, err := o.host.Out(ctx, o.endpoint, o.data)
		t.mu.Lock()
		t.count--
		t.mu.Unlock()
		t.out.put(transferred(o.id, nil, err))
	}
}

func (t *tab) begin() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.count >= maxPending {
		return fmt.Errorf("%w: more than %d transfers pending", errMalformed, maxPending)
	}
	t.count++
	return nil
}

// transferred returns the reply to a transfer. The reasons are those of Chromium: a transfer that ends because the device is
// closed or unplugged was cancelled, and one that ends with a bus reset has failed.
func transferred(id uint32, data []byte, err error) reply {
	switch {
	case err == nil:
		return reply{ID: id, Status: statusOK, Data: data}
	case errors.Is(err, usb.ErrStall):
		return reply{ID: id, Status: statusStall, Data: data}
	case errors.Is(err, usb.ErrBabble):
		return reply{ID: id, Status: statusBabble, Data: data}
	case errors.Is(err, context.Canceled), errors.Is(err, usb.ErrUnplugged), errors.Is(err, usb.ErrClosed):
		return reply{ID: id, Error: failCancelled}
	}
	return reply{ID: id, Error: failTransfer}
}

const (
	classHID            = 0x03
	descInterface       = 0x04
	descEndpoint        = 0x05
	configurationHeader = 9
)

// interfaces returns the class of each interface and the interface of each endpoint in a configuration descriptor.
func interfaces(configuration []byte) (classes map[uint8]uint8, endpoints map[uint8]uint8) {
	classes, endpoints = make(map[uint8]uint8), make(map[uint8]uint8)
	current := uint8(0)
	for d := configuration[min(configurationHeader, len(configuration)):]; len(d) >= 2 && int(d[0]) >= 2 && int(d[0]) <= len(d); d = d[d[0]:] {
		switch {
		case d[1] == descInterface && d[0] >= 9:
			current = d[2]
			classes[current] = d[5]
		case d[1] == descEndpoint && d[0] >= 7:
			endpoints[d[2]] = current
		}
	}
	return classes, endpoints
}
