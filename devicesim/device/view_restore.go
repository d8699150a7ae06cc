package device

import (
	"slices"
	"strconv"
	"strings"

	"github.com/tyler-smith/go-bip39"
)

// restoreWordChoices is the largest number of words to choose from. With more, the user enters another letter.
const restoreWordChoices = 8

// restoreView is the entry of a mnemonic phrase, word by word. Up and down choose the next letter and OK accepts it. As soon
// as few words begin with these letters, the user chooses among the words. Cancel removes the last letter, then goes back to
// the word before; at the first word it leaves.
//
// If the words are no valid mnemonic phrase, the user reviews them: OK keeps a word, cancel enters it again.
type restoreView struct {
	words  []string // "" if not entered yet
	word   int      // index of the current word
	prefix string   // its letters so far
	at     int      // index of the choice
	review bool     // the current word is shown as it was entered
}

// restoreLengthView asks for the number of words.
type restoreLengthView struct{ long bool }

func (v *restoreLengthView) lines(*Device) []string {
	marks := [2]string{"> ", "  "}
	if v.long {
		marks = [2]string{"  ", "> "}
	}
	return []string{"How many words?", marks[0] + "12", marks[1] + "24", "OK or Cancel"}
}

func (v *restoreLengthView) press(d *Device, b Button) error {
	switch b {
	case Up, Down:
		v.long = b == Down
		d.changed(v.caption())
	case OK:
		n := 12
		if v.long {
			n = 24
		}
		d.show(&restoreView{words: make([]string, n)})
	case Cancel:
		d.show(d.rest())
	}
	return nil
}

func (*restoreLengthView) hold(*Device, Button) error { return nil }
func (*restoreLengthView) caption() string            { return "restoring a wallet" }
func (*restoreLengthView) busy() bool                 { return true }
func (*restoreLengthView) kind() Showing              { return ShowsRestoring }

// choices returns the words that begin with the prefix if they are few, else the letters that can follow it. Among more words
// none is a prefix of all others, so a letter always follows.
func (v *restoreView) choices() (choices []string, words bool) {
	list := bip39.GetWordList() // sorted
	from, _ := slices.BinarySearch(list, v.prefix)
	for _, w := range list[from:] {
		if !strings.HasPrefix(w, v.prefix) {
			break
		}
		choices = append(choices, w)
	}
	if len(choices) <= restoreWordChoices {
		return choices, true
	}
	var letters []string
	for _, w := range choices {
		next := w[len(v.prefix) : len(v.prefix)+1]
		if len(letters) == 0 || letters[len(letters)-1] != next {
			letters = append(letters, next)
		}
	}
	return letters, false
}

func (v *restoreView) lines(*Device) []string {
	title := "Word " + strconv.Itoa(v.word+1) + " of " + strconv.Itoa(len(v.words))
	if v.review {
		return []string{title, v.words[v.word], "OK: right", "Cancel: change"}
	}
	choices, words := v.choices()
	if words {
		return []string{title, v.prefix + "_", "> " + choices[v.at], "OK: this word"}
	}
	return []string{title, v.prefix + "_", "< " + choices[v.at] + " >", "OK: next letter"}
}

func (v *restoreView) press(d *Device, b Button) error {
	defer func() {
		if d.screen == view(v) {
			d.changed(v.caption())
		}
	}()
	if v.review {
		switch b {
		case OK:
			return v.next(d)
		case Cancel:
			v.review = false
		}
		return nil
	}
	choices, words := v.choices()
	switch b {
	case Up:
		v.at = (v.at + len(choices) - 1) % len(choices)
	case Down:
		v.at = (v.at + 1) % len(choices)
	case OK:
		chosen := choices[v.at]
		if words {
			v.words[v.word] = chosen
			return v.next(d)
		}
		v.prefix, v.at = v.prefix+chosen, 0
	case Cancel:
		switch {
		case v.prefix != "":
			v.prefix, v.at = v.prefix[:len(v.prefix)-1], 0
		case v.word > 0:
			v.word, v.at = v.word-1, 0
			v.words[v.word] = ""
		default:
			d.show(d.rest())
		}
	}
	return nil
}

// next goes to the next word. After the last word it makes the wallet.
func (v *restoreView) next(d *Device) error {
	v.prefix, v.at = "", 0
	if v.word+1 < len(v.words) {
		v.word++
		v.review = v.words[v.word] != ""
		return nil
	}
	mnemonic, err := parseMnemonic(strings.Join(v.words, " "))
	if err == nil {
		return d.keepWallet(mnemonic)
	}
	v.word, v.review = 0, true
	d.show(noticeView{first: "Wrong words", second: "Check each one", next: v})
	return nil
}

func (*restoreView) hold(*Device, Button) error { return nil }
func (*restoreView) caption() string            { return "restoring a wallet" }
func (*restoreView) busy() bool                 { return true }
func (*restoreView) kind() Showing              { return ShowsRestoring }
