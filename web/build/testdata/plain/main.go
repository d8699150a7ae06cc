// Command plain does what every program does: goroutines, timers, garbage collection, a panic that is recovered. It neither traces nor
// profiles itself. With an argument, it ends with a panic.
package main

import (
	"fmt"
	"os"
	"runtime"
	"time"
)

func main() {
	sums := make(chan int)
	for n := range 50 {
		go func() {
			var kept [][]byte
			for range 20 {
				kept = append(kept, make([]byte, 1000*n))
			}
			time.Sleep(time.Duration(n%3) * time.Millisecond)
			runtime.GC()
			sums <- len(kept)
		}()
	}
	total := 0
	for range 50 {
		total += <-sums
	}
	func() {
		defer func() { fmt.Println(recover()) }()
		_ = sums
		var list []int
		_ = list[total]
	}()
	fmt.Println("total", total)
	if len(os.Args) > 1 {
		panic("asked for")
	}
}
