package device

import (
	"strconv"
	"strings"

	"imkey-connect/core/apdu"
)

const (
	// Lines and Columns are the size of the screen in characters.
	Lines   = 4
	Columns = 16
)

// view is what the screen shows while it asks nothing. Its methods run under the device's mu.
type view interface {
	// lines are at most Lines of at most Columns characters.
	lines(d *Device) []string
	// press answers a button, hold one that is held down.
	press(d *Device, b Button) error
	hold(d *Device, b Button) error
	// caption names the view in a trace, without a secret.
	caption() string
	// busy says that applets are refused with F080 while this is shown.
	busy() bool
	// kind is what [Status] says of it.
	kind() Showing
}

// question covers the screen until the person presses OK or cancel, or something makes it pointless. Up and down turn
// its pages.
type question struct {
	pages [][]string // at most three lines each
	at    int        // the page shown
	// gone is closed when the host has given up: the question counts for nothing any more, though whoever asked has not
	// taken it away yet. nil: no host asks.
	gone    <-chan struct{}
	reply   func(outcome error)
	caption string // for a trace
}

// ask puts a question; reply is called once, under mu, with nil for OK, [apdu.Declined] for cancel, or with why the
// question went away.
func (d *Device) ask(q *question) {
	switch d.approve {
	case Yes:
		q.reply(nil)
	case No:
		q.reply(apdu.Declined)
	default:
		d.dismiss(apdu.Declined)
		d.question = q
		d.changed("asks: " + q.caption)
	}
}

// lines is the page shown, above what can be done.
func (q *question) lines() []string {
	lines := append(append(make([]string, 0, Lines), q.pages[q.at]...), make([]string, Lines)...)[:Lines]
	lines[Lines-1] = "OK or Cancel"
	if len(q.pages) > 1 {
		of := strconv.Itoa(q.at+1) + "/" + strconv.Itoa(len(q.pages))
		for _, hint := range []string{"OK or Cancel ", "OK/Cancel ", ""} {
			if len(hint)+len(of) <= Columns {
				lines[Lines-1] = hint + of
				break
			}
		}
	}
	return lines
}

// turn shows another page.
func (q *question) turn(d *Device, by int) {
	if at := q.at + by; at >= 0 && at < len(q.pages) {
		q.at = at
		d.changed("next page")
	}
}

// pages cuts texts into lines as wide as the screen, and the lines into pages. Each text begins a page. No character is left
// out or changed.
func pages(texts ...string) (all [][]string) {
	for _, text := range texts {
		var page []string
		for line := range strings.SplitSeq(text, "\n") {
			for first := true; first || line != ""; first = false {
				if len(page) == Lines-1 {
					all, page = append(all, page), nil
				}
				n := min(len(line), Columns)
				page, line = append(page, line[:n]), line[n:]
			}
		}
		all = append(all, page)
	}
	return all
}

// asking is the question that the person can answer, if there is one.
func (d *Device) asking() *question {
	if d.question != nil {
		select {
		case <-d.question.gone:
		default:
			return d.question
		}
	}
	return nil
}

// dismiss takes the question away; with none there it does nothing.
func (d *Device) dismiss(outcome error) {
	if q := d.question; q != nil {
		d.question = nil
		q.reply(outcome)
		if d.screen != nil {
			d.changed(d.screen.caption())
		}
	}
}

// show changes what the screen shows.
func (d *Device) show(v view) {
	d.screen = v
	d.changed(v.caption())
}

// lines is the screen as it looks now.
func (d *Device) lines() []string {
	if !d.powered || d.screen == nil {
		return []string{}
	}
	shown := d.screen.lines(d)
	if d.bootLoader {
		shown = []string{"imKey", "Boot loader"}
	} else if q := d.asking(); q != nil {
		shown = q.lines()
	}
	screen := make([]string, Lines)
	for i, line := range shown {
		screen[i] = line[:min(len(line), Columns)]
	}
	return screen
}

// showing says what the screen shows now.
func (d *Device) showing() Showing {
	switch {
	case !d.powered || d.screen == nil:
		return ShowsNothing
	case d.bootLoader:
		return ShowsBootLoader
	case d.asking() != nil:
		return ShowsQuestion
	}
	return d.screen.kind()
}

// rest is the view that the device comes back to by itself.
func (d *Device) rest() view {
	if d.locked() {
		return newLockedView()
	}
	return homeView{}
}

// codeView shows the binding code until a host is bound or the person goes home.
type codeView struct{}

func (codeView) lines(d *Device) []string {
	code, err := d.se.Code()
	if err != nil {
		return nil
	}
	return []string{"Binding code:", string(code[:]), "", "Cancel: home"}
}

func (codeView) press(d *Device, b Button) error {
	if b == Cancel {
		d.show(d.rest())
	}
	return nil
}

// hold does what it does on the home page: after too many wrong codes the person need not leave this one first.
func (codeView) hold(d *Device, b Button) error { return homeView{}.hold(d, b) }
func (codeView) caption() string                { return "binding code" }
func (codeView) busy() bool                     { return false }
func (codeView) kind() Showing                  { return ShowsCode }

// noticeView tells the person something; any button goes on, to what is next or home.
type noticeView struct {
	first, second string
	next          view
}

func (v noticeView) lines(*Device) []string { return []string{v.first, v.second, "", "OK"} }

func (v noticeView) press(d *Device, _ Button) error {
	if v.next != nil {
		d.show(v.next)
	} else {
		d.show(d.rest())
	}
	return nil
}

func (v noticeView) hold(d *Device, b Button) error { return v.press(d, b) }
func (v noticeView) caption() string                { return v.first }
func (v noticeView) busy() bool                     { return v.next != nil }
func (v noticeView) kind() Showing                  { return ShowsNotice }
