package device

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tyler-smith/go-bip39"

	"imkey-connect/core/apdu"
	"imkey-connect/devicesim/device/hosttest"
)

func TestPIN(t *testing.T) {
	d := newDevice(t, Options{Mnemonic: testMnemonic})
	require.ErrorIs(t, d.Lock(), ErrNoPIN)
	for _, bad := range []string{"", "123", "1234567890123", "12a4", "１２３４", "12 4"} {
		require.ErrorIs(t, d.SetPIN(bad), ErrPINFormat, bad)
	}
	require.NoError(t, d.SetPIN("1234"))
	require.False(t, d.Status().Locked, "setting a PIN does not lock the device")
	require.NoError(t, d.SetPIN("123456"), "change")
	require.NoError(t, d.Lock())
	require.True(t, d.Status().Locked)
	require.ErrorIs(t, d.SetPIN("9999"), ErrLocked)
	require.ErrorIs(t, d.Restore(testMnemonic), ErrLocked)
	require.ErrorIs(t, d.Create(12), ErrLocked)

	require.ErrorIs(t, d.Unlock("abcd"), ErrPINFormat)
	require.Equal(t, 5, d.Status().PINAttemptsLeft, "a text that is not a PIN is not an attempt")
	for left := 4; left >= 1; left-- {
		var wrong *WrongPINError
		require.ErrorAs(t, d.Unlock("1234"), &wrong)
		require.Equal(t, left, wrong.Left)
		require.Equal(t, left, d.Status().PINAttemptsLeft)
		require.NoError(t, d.PowerCut())
		require.NoError(t, d.Plug())
		require.Equal(t, left, d.Status().PINAttemptsLeft)
	}
	require.NoError(t, d.Unlock("123456"))
	require.Equal(t, 5, d.Status().PINAttemptsLeft)
	require.NoError(t, d.Unplug())
	require.NoError(t, d.Plug())
	require.True(t, d.Status().Locked, "the device is locked after a power cycle")
	require.NoError(t, d.Unlock("123456"))
	h := newHost(t, d, 1)
	h.Bind()

	for range 4 {
		require.Error(t, d.Unlock("0000"))
	}
	require.ErrorIs(t, d.Unlock("0000"), ErrPINWiped)
	s := d.Status()
	require.Equal(t, []any{false, false, false, "none", 5}, []any{s.Wallet, s.Locked, s.PINSet, s.Binding, s.PINAttemptsLeft})
	require.Equal(t, hosttest.Unbound, h.Check())
	require.NotEmpty(t, shownCode(d), "a new code")
}

// TestPINWipeCut cuts the power between the last wrong PIN and the wipe.
func TestPINWipeCut(t *testing.T) {
	d := newDevice(t, Options{Mnemonic: testMnemonic, PIN: "1234"})
	d.mu.Lock()
	require.NoError(t, d.update(func(m *memory) { m.WrongPINs = MaxWrongPINs }))
	d.mu.Unlock()
	require.NoError(t, d.PowerCut())
	require.NoError(t, d.Plug())
	require.False(t, d.Status().Wallet)
	require.False(t, d.Status().PINSet)
}

// typePIN enters a PIN with the four buttons.
func typePIN(t *testing.T, d *Device, pin string) {
	t.Helper()
	for _, c := range pin {
		for range int(c - '0') {
			require.NoError(t, d.Press(Up))
		}
		require.NoError(t, d.Press(OK))
	}
	require.NoError(t, d.Hold(OK))
}

// choose chooses an entry of the menu.
func choose(t *testing.T, d *Device, text string) {
	t.Helper()
	require.NoError(t, d.Menu())
	for range 10 {
		for _, line := range d.Status().Screen {
			if line == "> "+text {
				require.NoError(t, d.Press(OK))
				return
			}
		}
		require.NoError(t, d.Press(Down))
	}
	require.FailNow(t, "no such entry", "%s in %q", text, d.Status().Screen)
}

// TestByHand sets up a new device with its buttons only.
func TestByHand(t *testing.T) {
	d := newDevice(t, Options{})
	require.Equal(t, []string{"imKey", d.Status().Serial, "New device", "Battery 100%"}, d.Status().Screen)
	require.NoError(t, d.Press(Down))
	require.Equal(t, []string{"Menu", "> New: 12 words", "  New: 24 words", "  Restore"}, d.Status().Screen)
	require.NoError(t, d.Press(Cancel))

	choose(t, d, "Set a PIN")
	typePIN(t, d, "12")
	require.Equal(t, "4 to 12 digits", d.Status().Screen[3])
	typePIN(t, d, "2580")
	typePIN(t, d, "2581")
	require.Equal(t, "Not the same", d.Status().Screen[3])
	typePIN(t, d, "2580")
	typePIN(t, d, "2580")
	require.True(t, d.Status().PINSet)
	require.NoError(t, d.Press(OK))

	choose(t, d, "Lock")
	require.True(t, d.Status().Locked)
	typePIN(t, d, "1111")
	require.Equal(t, "Wrong, 4 left", d.Status().Screen[3])
	require.NoError(t, d.Press(Up))
	require.NoError(t, d.Press(OK))
	require.Equal(t, "*", d.Status().Screen[1])
	require.NoError(t, d.Press(Cancel)) // removes the digit
	typePIN(t, d, "2580")
	require.False(t, d.Status().Locked)
	require.Equal(t, "New device", d.Status().Screen[2])

	choose(t, d, "New: 12 words")
	writeDown(t, d, 12)
	require.True(t, d.Status().Wallet)

	choose(t, d, "Reset")
	require.True(t, d.Status().Asking)
	require.NoError(t, d.Press(Cancel))
	require.True(t, d.Status().Wallet)
	choose(t, d, "Reset")
	require.NoError(t, d.Press(OK))
	require.Equal(t, []string{"Only your words", "bring the wallet", "back. Reset now?", "OK or Cancel"}, d.Status().Screen)
	require.NoError(t, d.Press(Cancel))
	require.True(t, d.Status().Wallet)
	choose(t, d, "Reset")
	require.NoError(t, d.Press(OK))
	require.NoError(t, d.Press(OK))
	s := d.Status()
	require.False(t, s.Wallet)
	require.False(t, s.PINSet)
	require.Equal(t, "No wallet", s.Screen[2])
}

// writeDown reads the words of a new wallet as a user does, and returns them.
func writeDown(t *testing.T, d *Device, n int) []string {
	t.Helper()
	words := make([]string, n)
	for i := range words {
		words[i] = d.Status().Screen[1]
		require.NoError(t, d.Press(OK))
	}
	for range quizWords {
		answerQuiz(t, d, words, true)
	}
	return words
}

func answerQuiz(t *testing.T, d *Device, words []string, right bool) {
	t.Helper()
	screen := d.Status().Screen
	require.True(t, strings.HasSuffix(screen[0], "?"), "%q", screen)
	number := 0
	for _, c := range strings.Fields(screen[0])[1] {
		number = 10*number + int(c-'0')
	}
	for range quizChoices {
		if (d.Status().Screen[1] == "> "+words[number-1]) == right {
			require.NoError(t, d.Press(OK))
			return
		}
		require.NoError(t, d.Press(Down))
	}
	require.FailNow(t, "the word is not among the choices")
}

func TestCreate(t *testing.T) {
	for _, n := range []int{12, 24} {
		d := newDevice(t, Options{})
		require.ErrorIs(t, d.Create(15), ErrWordCount)
		require.NoError(t, d.Create(n))
		require.NoError(t, d.Press(Up))
		words := writeDown(t, d, n)
		require.True(t, bip39.IsMnemonicValid(strings.Join(words, " ")))
		require.Equal(t, strings.Join(words, " "), d.memory.Mnemonic)
		require.True(t, d.Status().Wallet)
		require.ErrorIs(t, d.Create(n), ErrWalletExists)
		require.ErrorIs(t, d.Restore(testMnemonic), ErrWalletExists)
	}
}

// TestCreateNotWrittenDown gives a wrong answer, which leads back to the first word. There is no wallet before the last right
// answer.
func TestCreateNotWrittenDown(t *testing.T) {
	d := newDevice(t, Options{})
	require.NoError(t, d.Create(12))
	words := make([]string, 12)
	for i := range words {
		words[i] = d.Status().Screen[1]
		require.NoError(t, d.Press(OK))
	}
	answerQuiz(t, d, words, true)
	answerQuiz(t, d, words, false)
	require.Equal(t, []string{"Word 1 of 12", words[0], "", "Wrong: again"}, d.Status().Screen)
	require.False(t, d.Status().Wallet)
	require.Equal(t, words, writeDown(t, d, 12))
	require.True(t, d.Status().Wallet)

	for name, stop := range map[string]func(*Device) error{
		"cancel": func(d *Device) error { return d.Press(Cancel) }, "home": (*Device).Home,
		"power": func(d *Device) error { return errors.Join(d.PowerCut(), d.Plug()) },
	} {
		d := newDevice(t, Options{})
		require.NoError(t, d.Create(12))
		require.NoError(t, d.Press(OK))
		require.NoError(t, stop(d), name)
		require.False(t, d.Status().Wallet)
		require.Equal(t, "New device", d.Status().Screen[2])
	}
}

func TestCreateApproved(t *testing.T) {
	d := newDevice(t, Options{Approve: Yes})
	require.NoError(t, d.Create(24))
	require.True(t, d.Status().Wallet)
	d = newDevice(t, Options{Approve: No})
	require.ErrorIs(t, d.Create(12), ErrRejected)
	require.False(t, d.Status().Wallet)
}

func TestRestore(t *testing.T) {
	d := newDevice(t, Options{})
	for text, want := range map[string]error{
		"": ErrWordCount,
		strings.TrimPrefix(testMnemonic, "inject "):           ErrWordCount,
		testMnemonic + " " + testMnemonic + " wife":           ErrWordCount,
		strings.Replace(testMnemonic, "sketch", "wife", 1):    ErrMnemonic, // checksum
		strings.Replace(testMnemonic, "sketch", "sketsch", 1): ErrMnemonic, // no such word
	} {
		err := d.Restore(text)
		require.ErrorIs(t, err, want, text)
		require.NotContains(t, err.Error(), "kidney")
	}
	require.False(t, d.Status().Wallet)
	require.NoError(t, d.Restore("  "+strings.ToUpper(strings.ReplaceAll(testMnemonic, " ", "\n "))))
	require.Equal(t, testMnemonic, d.memory.Mnemonic)

	entropy := make([]byte, 32)
	long, err := bip39.NewMnemonic(entropy)
	require.NoError(t, err)
	newDevice(t, Options{Mnemonic: long})
	_, err = New(Options{Mnemonic: testMnemonic + " wife"})
	var option *OptionError
	require.ErrorAs(t, err, &option)
	require.Equal(t, "Mnemonic", option.Option)
	require.ErrorIs(t, err, ErrWordCount)
}

func TestButtons(t *testing.T) {
	d := newDevice(t, Options{})
	require.ErrorIs(t, d.Press("power"), ErrButton)
	require.ErrorIs(t, d.Hold(""), ErrButton)
	before := d.Status()
	for _, b := range []Button{OK, Cancel, Up} {
		require.NoError(t, d.Press(b))
		require.NoError(t, d.Hold(b))
	}
	require.Equal(t, before, d.Status(), "a button changes nothing on the home page")
}

// TestScreens shows each view and question. Each fits on the screen, and only a code looks like a code.
func TestScreens(t *testing.T) {
	d := newDevice(t, Options{ConfirmBinding: true, Serial: "ABCDEFGHJKLMNPQR"})
	h := newHost(t, d, 1)
	look := func() {
		t.Helper()
		d.mu.Lock()
		raw := d.screen.lines(d)
		if d.question != nil {
			raw = d.question.pages[d.question.at]
			require.Less(t, len(raw), Lines)
		}
		_, code := d.screen.(codeView)
		code = code && d.question == nil
		d.mu.Unlock()
		require.LessOrEqual(t, len(raw), Lines)
		for _, line := range raw {
			require.LessOrEqual(t, len(line), Columns, line)
		}
		require.Len(t, d.Status().Screen, Lines)
		require.Equal(t, code, shownCode(d) != "", "%q", raw)
	}
	do := func(errs ...error) {
		t.Helper()
		require.NoError(t, errors.Join(errs...))
		look()
	}
	look()
	h.Check()
	look()
	asks(t, d, h)
	look()
	require.NoError(t, d.Press(OK))
	_, _, _ = h.Answer() // until then the screen may change at any time
	look()
	do(d.Menu())
	for range 6 {
		do(d.Press(Down))
	}
	do(d.Create(24))
	for range 24 {
		do(d.Press(OK))
	}
	for range 5 {
		do(d.Press(Down))
	}
	do(d.Home(), d.SetBattery(Charging), d.Restore(testMnemonic))
	do(d.SetPIN("999999999999"))
	do(d.Menu())
	for range 6 {
		do(d.Press(Down))
	}
	do(d.Lock())
	for range 12 {
		do(d.Press(OK))
	}
	do(d.Hold(OK))
	do(d.Unlock("999999999999"))
	d.SetConfirmBinding(false)
	for range 10 {
		h.Verify("22222222")
	}
	look()
	do(d.Hold(OK))
	do(d.Home())
	choose(t, d, "Reset")
	look()
	do(d.Press(OK))
	do(d.Press(OK))
	choose(t, d, "Restore")
	look()
	do(d.Press(OK))
	for range 30 {
		do(d.Press(Down))
	}
	for range 60 {
		do(d.Press(OK)) // chooses ability each time
	}
	do(d.Press(Cancel))
	do(d.SetBootLoader(true))
}

// TestWatch checks that a change gives a value, several changes give one, and a watch that has ended gives none.
func TestWatch(t *testing.T) {
	d := newDevice(t, Options{})
	changes, stop := d.Watch()
	require.Empty(t, changes)
	for range 10 {
		require.NoError(t, d.Menu())
		require.NoError(t, d.Home())
	}
	require.Len(t, changes, 1)
	<-changes
	require.NoError(t, d.Unplug())
	require.Len(t, changes, 1)
	<-changes
	stop()
	stop()
	require.NoError(t, d.Plug())
	require.Empty(t, changes)
}

func TestCaptionsHoldNoSecret(t *testing.T) {
	var captions []string
	d := newDevice(t, Options{Screen: func(c string) { captions = append(captions, c) }})
	require.NoError(t, d.Create(12))
	words := writeDown(t, d, 12)
	require.NoError(t, d.Reset())
	choose(t, d, "Restore")
	enterWords(t, d, words)
	code := newHost(t, d, 1).Bind()
	require.NoError(t, d.SetPIN("2580"))
	all := strings.Join(captions, "\n")
	require.Contains(t, all, "binding code")
	require.NotContains(t, all, code)
	require.NotContains(t, all, "2580")
	for _, w := range words {
		if !strings.Contains("wallet words ready binding code home bound PIN set restoring a reset menu", w) {
			require.NotContains(t, all, w)
		}
	}
}

// enterWords enters a mnemonic phrase with the four buttons, from the question how many words there are.
func enterWords(t *testing.T, d *Device, words []string) {
	t.Helper()
	beginWords(t, d, len(words))
	for _, word := range words {
		enterWord(t, d, word)
	}
}

func beginWords(t *testing.T, d *Device, n int) {
	t.Helper()
	if n == 24 {
		require.NoError(t, d.Press(Down))
	}
	require.NoError(t, d.Press(OK))
}

func enterWord(t *testing.T, d *Device, word string) {
	t.Helper()
	for range 5 {
		s := d.Status().Screen
		prefix := strings.TrimSuffix(s[1], "_")
		require.True(t, strings.HasPrefix(word, prefix), "%q", s)
		wanted := "> " + word
		if !strings.HasPrefix(s[2], "> ") {
			wanted = "< " + word[len(prefix):len(prefix)+1] + " >"
		}
		for range 27 {
			if d.Status().Screen[2] == wanted {
				break
			}
			require.NoError(t, d.Press(Down))
		}
		require.Equal(t, wanted, d.Status().Screen[2], "%q", s)
		require.NoError(t, d.Press(OK))
		if strings.HasPrefix(wanted, "> ") {
			return
		}
	}
	require.FailNow(t, "the word is not to be had", word)
}

func TestRestoreByHand(t *testing.T) {
	entropy := make([]byte, 32)
	for i := range entropy {
		entropy[i] = byte(37 * i)
	}
	long, err := bip39.NewMnemonic(entropy)
	require.NoError(t, err)
	for _, phrase := range []string{testMnemonic, long} {
		d := newDevice(t, Options{})
		choose(t, d, "Restore")
		words := strings.Fields(phrase)
		beginWords(t, d, len(words))
		for _, word := range words[:len(words)-1] {
			enterWord(t, d, word)
		}
		require.False(t, d.Status().Wallet, "there is no wallet before the last word")
		require.Equal(t, ShowsRestoring, d.Status().Showing)
		enterWord(t, d, words[len(words)-1])
		require.Equal(t, phrase, d.memory.Mnemonic)
		require.Equal(t, ShowsHome, d.Status().Showing)
	}
}

// TestEveryWordCanBeEntered enters each word with at most four letters and a choice among words.
func TestEveryWordCanBeEntered(t *testing.T) {
	for _, word := range bip39.GetWordList() {
		v := &restoreView{}
		for {
			choices, _ := v.choices()
			if slices.Contains(choices, word) {
				break
			}
			require.Less(t, len(v.prefix), 4, word)
			next := word[len(v.prefix) : len(v.prefix)+1]
			require.Contains(t, choices, next, word)
			v.prefix += next
		}
	}
}

// TestRestoreByHandWithAMistake enters words that are not valid and corrects them one by one, and removes letters and words. An
// entry that was not finished leaves nothing behind.
func TestRestoreByHandWithAMistake(t *testing.T) {
	d := newDevice(t, Options{})
	choose(t, d, "Restore")
	words := strings.Fields(testMnemonic)
	mistaken := append([]string{words[0], "wife"}, words[2:]...)
	enterWords(t, d, mistaken)
	require.Equal(t, []string{"Wrong words", "Check each one", "", "OK"}, d.Status().Screen)
	require.False(t, d.Status().Wallet)
	require.NoError(t, d.Press(OK))
	require.Equal(t, []string{"Word 1 of 12", words[0], "OK: right", "Cancel: change"}, d.Status().Screen)
	require.NoError(t, d.Press(OK))
	require.NoError(t, d.Press(Cancel))
	require.NoError(t, d.Press(OK)) // "a", a wrong letter
	require.Equal(t, "a_", d.Status().Screen[1])
	require.NoError(t, d.Press(Cancel))
	enterWord(t, d, words[1])
	for range words[2:] {
		require.NoError(t, d.Press(OK))
	}
	require.Equal(t, testMnemonic, d.memory.Mnemonic)

	d = newDevice(t, Options{})
	h := newHost(t, d, 1)
	choose(t, d, "Restore")
	require.NoError(t, d.Press(OK))
	enterWord(t, d, "zoo")
	require.NoError(t, d.Press(Cancel)) // back to the first word
	enterWord(t, d, words[0])
	require.Equal(t, "Word 2 of 12", d.Status().Screen[0])
	h.OK("00A4040005695F696D6B00")
	h.SW(apdu.InMenu, "8072000000")
	require.NoError(t, errors.Join(d.PowerCut(), d.Plug()))
	require.Equal(t, "New device", d.Status().Screen[2])
	choose(t, d, "Restore")
	require.NoError(t, d.Press(OK))
	require.NoError(t, d.Press(Cancel))
	require.Equal(t, ShowsHome, d.Status().Showing)
}
