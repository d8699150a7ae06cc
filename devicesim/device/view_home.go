package device

import "strconv"

// homeView is the home page.
type homeView struct{}

func (homeView) lines(d *Device) []string {
	m := &d.memory
	state := "No wallet"
	switch wallet := m.Mnemonic != ""; {
	case wallet && m.SE.Bound:
		state = "Ready, bound"
	case wallet:
		state = "Ready"
	case m.SE.Bound:
		state = "Bound, no wallet"
	case !m.Activated:
		state = "New device"
	}
	last := "Battery " + strconv.Itoa(int(m.Battery)) + "%"
	if m.Battery == Charging {
		last = "Charging"
	}
	if d.se.CodeAttemptsLeft() == 0 {
		state, last = "Too many codes", "Hold OK"
		if m.PIN != "" {
			last = "Enter the PIN"
		}
	}
	return []string{"imKey", m.Serial, state, last}
}

// press opens the menu for down only: an OK may be meant for a question that the host has just withdrawn.
func (homeView) press(d *Device, b Button) error {
	if b == Down {
		d.show(&menuView{})
	}
	return nil
}

// hold allows new attempts after too many wrong binding codes, after the PIN if one is set.
func (homeView) hold(d *Device, b Button) error {
	if b != OK || d.se.CodeAttemptsLeft() > 0 {
		return nil
	}
	if d.memory.PIN != "" {
		d.show(newLockedView())
		return nil
	}
	if err := d.se.Unlock(); err != nil {
		return err
	}
	d.changed("codes can be tried again")
	return nil
}

func (homeView) caption() string { return "home" }
func (homeView) busy() bool      { return false }
func (homeView) kind() Showing   { return ShowsHome }

// menuView lists the user's actions.
type menuView struct{ at int }

type menuItem struct {
	text string
	open func(d *Device) error
}

func (d *Device) menu() []menuItem {
	var items []menuItem
	if d.memory.Mnemonic == "" {
		items = append(items,
			menuItem{"New: 12 words", func(d *Device) error { return d.create(12) }},
			menuItem{"New: 24 words", func(d *Device) error { return d.create(24) }},
			menuItem{"Restore", func(d *Device) error { d.show(&restoreLengthView{}); return nil }})
	}
	if d.memory.PIN == "" {
		items = append(items, menuItem{"Set a PIN", func(d *Device) error { d.show(newPINView()); return nil }})
	} else {
		items = append(items,
			menuItem{"Change PIN", func(d *Device) error { d.show(newPINView()); return nil }},
			menuItem{"Lock", (*Device).lock})
	}
	return append(items, menuItem{"Reset", func(d *Device) error {
		d.warn("Reset? Wallet\nand binding are\nwiped for good.", func() {
			d.warn("Only your words\nbring the wallet\nback. Reset now?", func() {
				if d.reset() != nil {
					d.show(noticeView{first: "Not done:", second: "memory failure"})
				}
			})
		})
		return nil
	}})
}

// warn asks before an action that cannot be undone.
func (d *Device) warn(text string, then func()) {
	d.ask(&question{pages: pages(text), caption: "reset", reply: func(outcome error) {
		if outcome == nil {
			then()
		}
	}})
}

func (v *menuView) lines(d *Device) []string {
	items := d.menu()
	first := max(0, min(v.at-1, len(items)-(Lines-1)))
	lines := []string{"Menu"}
	for i := first; i < len(items) && len(lines) < Lines; i++ {
		mark := "  "
		if i == v.at {
			mark = "> "
		}
		lines = append(lines, mark+items[i].text)
	}
	return lines
}

func (v *menuView) press(d *Device, b Button) error {
	items := d.menu()
	switch b {
	case Up:
		v.at = max(0, v.at-1)
	case Down:
		v.at = min(len(items)-1, v.at+1)
	case Cancel:
		d.show(d.rest())
		return nil
	case OK:
		return items[min(v.at, len(items)-1)].open(d)
	}
	d.changed("menu")
	return nil
}

func (v *menuView) hold(*Device, Button) error { return nil }
func (v *menuView) caption() string            { return "menu" }
func (v *menuView) busy() bool                 { return true }
func (*menuView) kind() Showing                { return ShowsMenu }
