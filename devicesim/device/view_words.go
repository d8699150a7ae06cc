package device

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

const (
	quizWords   = 3 // number of questions
	quizChoices = 4 // choices of a question
)

// wordsView shows the words of a new wallet one by one and then asks for some of them.
type wordsView struct {
	words []string
	at    int // index of the word shown
	quiz  []quizQuestion
	asked int // index of the question shown
	wrong bool
}

type quizQuestion struct {
	word    int // index of the word that is asked for
	choices []string
	at      int
}

func (v *wordsView) lines(*Device) []string {
	of := " of " + strconv.Itoa(len(v.words))
	if v.quiz == nil {
		hint := "OK: next"
		if v.wrong {
			hint = "Wrong: again"
		}
		return []string{"Word " + strconv.Itoa(v.at+1) + of, v.words[v.at], "", hint}
	}
	q := v.quiz[v.asked]
	return []string{"Word " + strconv.Itoa(q.word+1) + of + "?", "> " + q.choices[q.at], "Up, Down: choose", "OK"}
}

func (v *wordsView) press(d *Device, b Button) error {
	defer d.changed("wallet words")
	if b == Cancel {
		d.show(d.rest())
		return nil
	}
	if v.quiz != nil {
		return v.answer(d, b)
	}
	switch b {
	case Up:
		v.at = max(0, v.at-1)
	case OK, Down:
		v.wrong = false
		if v.at+1 < len(v.words) {
			v.at++
		} else if b == OK {
			return v.startQuiz(d.random)
		}
	}
	return nil
}

func (v *wordsView) answer(d *Device, b Button) error {
	q := &v.quiz[v.asked]
	switch b {
	case Up:
		q.at = (q.at + len(q.choices) - 1) % len(q.choices)
	case Down:
		q.at = (q.at + 1) % len(q.choices)
	case OK:
		if q.choices[q.at] != v.words[q.word] {
			v.quiz, v.asked, v.at, v.wrong = nil, 0, 0, true
			return nil
		}
		if v.asked++; v.asked == len(v.quiz) {
			v.asked--
			return d.keepWallet(strings.Join(v.words, " "))
		}
	}
	return nil
}

// startQuiz draws the words to ask for and the choices.
func (v *wordsView) startQuiz(random io.Reader) error {
	order, err := shuffle(random, len(v.words))
	if err != nil {
		return err
	}
	var quiz []quizQuestion
	for _, word := range order[:quizWords] {
		choices := []string{v.words[word]}
		for _, other := range order {
			if w := v.words[other]; len(choices) < quizChoices && !slices.Contains(choices, w) {
				choices = append(choices, w)
			}
		}
		places, err := shuffle(random, len(choices))
		if err != nil {
			return err
		}
		mixed := make([]string, len(choices))
		for i, p := range places {
			mixed[p] = choices[i]
		}
		quiz = append(quiz, quizQuestion{word: word, choices: mixed})
	}
	v.quiz, v.asked = quiz, 0
	return nil
}

// shuffle returns 0 … n-1 in random order.
func shuffle(random io.Reader, n int) ([]int, error) {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	for i := n - 1; i > 0; i-- {
		var b [4]byte
		if _, err := io.ReadFull(random, b[:]); err != nil {
			return nil, fmt.Errorf("device: %w", err)
		}
		j := int(binary.BigEndian.Uint32(b[:]) % uint32(i+1))
		order[i], order[j] = order[j], order[i]
	}
	return order, nil
}

func (v *wordsView) hold(*Device, Button) error { return nil }
func (v *wordsView) caption() string            { return "wallet words" }
func (v *wordsView) busy() bool                 { return true }
func (*wordsView) kind() Showing                { return ShowsWords }
