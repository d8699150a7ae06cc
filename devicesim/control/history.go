package control

import (
	"encoding/json"
	"slices"
	"sync"
	"time"

	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/usb"
)

// The kinds of moments.
const (
	MomentScreen = "screen" // the screen shows something else
	MomentUser   = "user"   // an action of the user, by a POST below device/
	MomentFaults = "faults" // faults are armed or cleared
)

// Moment is one line of a history. Unlike a trace, it has what the screen shows, a binding code or the words of a wallet too: it is
// for the reports of tests. It has neither the words of a POST nor a PIN, however
// that is entered: of a screen on which a PIN is typed it has the title alone, and of the presses there none.
type Moment struct {
	Time   time.Time     `json:"time"`
	Kind   string        `json:"kind"`
	Screen []string      `json:"screen,omitempty"` // the lines; none if the screen is dark
	Action string        `json:"action,omitempty"` // the name of the call, as "press"
	Button device.Button `json:"button,omitempty"` // of "press"
	Hold   bool          `json:"hold,omitempty"`   // of "press"
	Faults []usb.Fault   `json:"faults,omitempty"` // all that are armed
}

// maxMoments is the number of moments that a history keeps. One takes about 200 bytes.
const maxMoments = 1000

// History keeps the last screens of a device and the last actions of its user. It is safe for concurrent use.
type History struct {
	mu      sync.Mutex
	moments []Moment
	screen  []string // the last one
}

// Screen adds what the screen shows, unless it shows that already.
func (h *History) Screen(display device.Display) {
	lines := display.Lines
	if display.Showing == device.ShowsPIN {
		lines = lines[:min(1, len(lines))] // the others have the digit, and how many there are
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.screen != nil && slices.Equal(lines, h.screen) {
		return
	}
	h.screen = append([]string{}, lines...)
	h.add(Moment{Time: time.Now(), Kind: MomentScreen, Screen: h.screen})
}

// Faults adds the faults that are armed from a time on.
func (h *History) Faults(from time.Time, armed []usb.Fault) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.add(Moment{Time: from, Kind: MomentFaults, Faults: armed})
}

// acted adds an action, which has been carried out, with the body of its POST.
func (h *History) acted(at time.Time, action string, body []byte) {
	m := Moment{Time: at, Kind: MomentUser, Action: action}
	if action == "press" {
		var press struct {
			Button device.Button
			Hold   bool
		}
		_ = json.Unmarshal(body, &press) // the action has read it
		m.Button, m.Hold = press.Button, press.Hold
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.add(m)
}

// add adds a moment. mu is held.
func (h *History) add(m Moment) {
	if len(h.moments) == maxMoments {
		h.moments = slices.Delete(h.moments, 0, maxMoments/10)
	}
	h.moments = append(h.moments, m)
}

// Moments returns what is kept, in the order of time. An action comes before the screens that it shows.
func (h *History) Moments() []Moment {
	h.mu.Lock()
	defer h.mu.Unlock()
	moments := slices.Clone(h.moments)
	slices.SortStableFunc(moments, func(a, b Moment) int { return a.Time.Compare(b.Time) })
	return moments
}
