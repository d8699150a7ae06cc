// Command stacks does what needs the table of functions: it grows stacks, collects garbage below them, panics and recovers, and calls
// functions that reflect makes. It writes what it counted.
package main

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
)

type node struct {
	next *node
	text string
}

// deep keeps a chain of pointers on a stack of n calls, and collects garbage at its end.
func deep(n int, last *node) int {
	here := &node{last, strings.Repeat("x", n%7)}
	if n == 0 {
		runtime.GC()
		length := 0
		for at := here; at != nil; at = at.next {
			length++
		}
		return length
	}
	var room [64]byte // makes the stack grow
	room[n%64] = byte(n)
	return deep(n-1, here) + int(room[(n+1)%64])
}

func recovered(n int) (err error) {
	defer func() {
		err = errors.Join(err, fmt.Errorf("recovered %v", recover()))
	}()
	defer func() {
		defer func() { err = fmt.Errorf("inside %v", recover()) }()
		var list []int
		_ = list[n]
	}()
	var none *node
	return errors.New(none.text)
}

func main() {
	debug.SetGCPercent(5)
	var group sync.WaitGroup
	sums := make([]int, 50)
	for i := range sums {
		group.Go(func() {
			for round := range 4 {
				sums[i] += deep(500+100*i+round, nil)
				runtime.Gosched()
			}
		})
	}
	group.Wait()
	total := 0
	for _, n := range sums {
		total += n
	}
	fmt.Println("deep", total)
	fmt.Println(strings.ReplaceAll(recovered(3).Error(), "\n", "; "))
	add := reflect.MakeFunc(reflect.TypeFor[func(int, *node) int](), func(in []reflect.Value) []reflect.Value {
		runtime.GC()
		return []reflect.Value{reflect.ValueOf(int(in[0].Int()) + len(in[1].Interface().(*node).text))}
	}).Interface().(func(int, *node) int)
	fmt.Println("made", add(4, &node{nil, "abc"}))
	method := reflect.ValueOf(&group).MethodByName("Wait").Interface().(func())
	method()
	fmt.Println("goroutines", runtime.NumGoroutine())
	func() {
		defer func() { fmt.Println("exit", recover()) }()
		done := make(chan struct{})
		go func() {
			defer close(done)
			defer runtime.Goexit()
			panic("gone with the goroutine")
		}()
		<-done
		panic(fmt.Sprint("last ", len(debug.Stack()) > 0))
	}()
}
