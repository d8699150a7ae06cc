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

// view is what the screen shows while it asks no question. Its methods run with the device's mu held.
type view interface {
	// lines returns at most Lines lines of at most Columns characters.
	lines(d *Device) []string
	// press handles a button that is pressed, hold one that is held down.
	press(d *Device, b Button) error
	hold(d *Device, b Button) error
	// caption names the view in a trace, without a secret.
	caption() string
	// busy reports whether applets answer F080 while the view is shown.
	busy() bool
	// kind is the view's name in [Status].
	kind() Showing
}

// question covers the view until the user presses OK or cancel, or another event ends it. Up and down turn its pages.
type question struct {
	pages [][]string // at most three lines each
	at    int        // index of the page shown
	// gone is closed when the host has given up. The question then has no effect, even before it is removed. It is nil for
	// a question that no host asks.
	gone    <-chan struct{}
	reply   func(outcome error)
	caption string // for a trace
}

// ask shows a question. Its reply is called once, with mu held: with nil for OK, with [apdu.Rejected] for cancel, or with the
// error of the event that ended the question.
func (d *Device) ask(q *question) {
	switch d.approve {
	case Yes:
		q.reply(nil)
	case No:
		q.reply(apdu.Rejected)
	default:
		d.dismiss(apdu.Rejected)
		d.question = q
		d.changed("asks: " + q.caption)
	}
}

// lines returns the page shown, and the buttons below it.
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

// turn shows the page that is by pages further.
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

// asking returns the question that the user can answer, or nil.
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

// dismiss removes the question, if there is one, with an outcome.
func (d *Device) dismiss(outcome error) {
	if q := d.question; q != nil {
		d.question = nil
		q.reply(outcome)
		if d.screen != nil {
			d.changed(d.screen.caption())
		}
	}
}

// show changes the view.
func (d *Device) show(v view) {
	d.screen = v
	d.changed(v.caption())
}

// lines returns what the screen shows now.
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

// showing returns the kind of what the screen shows now.
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

// rest returns the view that the device returns to: the home page, or the PIN entry while it is locked.
func (d *Device) rest() view {
	if d.locked() {
		return newLockedView()
	}
	return homeView{}
}

// codeView shows the binding code until an app is bound or the user goes home.
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

// hold does the same as on the home page, so that the user need not leave the code first.
func (codeView) hold(d *Device, b Button) error { return homeView{}.hold(d, b) }
func (codeView) caption() string                { return "binding code" }
func (codeView) busy() bool                     { return false }
func (codeView) kind() Showing                  { return ShowsCode }

// noticeView shows a notice. Any button goes to the next view, or home if there is none.
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
