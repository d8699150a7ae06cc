package build

import (
	"bytes"
	"slices"
	"strings"
)

// The linker keeps a function if another function that it keeps mentions it, even behind a condition that never holds: `if trace.ok()`. Some
// of these conditions cannot hold in a browser, or cannot hold because the function that would make them true is not linked.
// cutUnused gives the functions behind them an empty body. A mistake here traps: the instance stops, and the next call starts another one.

// unused are functions that do not run.
type unused struct {
	// unless are functions that start what the others serve. If one of them is linked, the others are kept.
	unless []string
	// names are the functions, as in the linker's table. A star at the end stands for any text.
	names []string
	// silent says that the functions have no result and may be called: they do nothing. The others trap.
	silent bool
}

var allUnused = []unused{
	// The execution tracer. traceLocker.ok stays: it is what asks whether it runs.
	{unless: []string{"runtime.StartTrace", "runtime/trace.Start", "runtime.traceStartReadCPU"}, names: []string{
		"runtime.traceAdvance*", "runtime.traceStack", "runtime.traceReadCPU", "runtime.traceStopReadCPU", "runtime.traceCPUFlush*",
		"runtime.traceSyncBatch*", "runtime.traceRegisterLabelsAndReasons", "runtime.traceAcquireEnabled", "runtime.traceBufFlush",
		"runtime.traceSpanID", "runtime.traceSpanTypeAndClass", "runtime.traceHeapObjectID",
		"runtime.traceGoroutineStackID", "runtime.traceReader", "runtime.traceWriter.*", "runtime.traceEventWriter.*",
		"runtime.traceLocker.Go*", "runtime.traceLocker.GC*", "runtime.traceLocker.Proc*", "runtime.traceLocker.STW*", "runtime.traceLocker.Span*",
		"runtime.traceLocker.Heap*", "runtime.traceLocker.Gomaxprocs", "runtime.traceLocker.eventWriter", "runtime.traceLocker.emitUnblockStatus",
		"runtime.traceLocker.startPC", "runtime.traceLocker.string", "runtime.traceLocker.stack", "runtime.traceLocker.rtype",
		"runtime.traceLocker.writer", "runtime.traceLocker.rawEventWriter",
		"runtime.(*traceBuf).*", "runtime.(*traceMap).*", "runtime.(*traceStackTable).*", "runtime.(*traceStringTable).*",
		"runtime.(*traceTypeTable).*", "runtime.(*traceRegionAlloc).*", "runtime.dumpStacksRec", "runtime.dumpTypesRec", "runtime.makeTraceFrames",
		"runtime.fpunwindExpand*", "runtime.(*profBuf).*",
	}},
	// The profiles of blocking and goroutines. That of memory may take a sample before the program turns it off.
	{unless: []string{"runtime.SetBlockProfileRate", "runtime.SetMutexProfileFraction", "runtime.goroutineProfileInternal"}, names: []string{
		"runtime.saveblockevent", "runtime.tryRecordGoroutineProfile*", "runtime.doRecordGoroutineProfile*",
	}},
	// The metrics, which package runtime/metrics reads. The variable GODEBUG would register more.
	{unless: []string{"runtime.readMetrics", "runtime/metrics.Read", "runtime.readMetricNames"}, names: []string{"runtime.initMetrics*"}},
	// What the variable GODEBUG turns on. A page has no environment.
	{names: []string{
		"internal/bisect.*", "runtime.schedtrace*", "runtime.printScavTrace", "runtime.dumpScanStats", "runtime.checkFinalizersAndCleanups*", "runtime.setCheckmark",
	}},
	// Threads of C.
	{unless: []string{"runtime.iscgo", "runtime/cgo.init"}, names: []string{"runtime.oneNewExtraM", "runtime.newextram"}},
	// Values of methods in package reflect.
	{unless: []string{"reflect.Value.Method", "reflect.Value.MethodByName", "reflect.(*rtype).Method", "reflect.(*rtype).MethodByName", "reflect.MakeFunc", "reflect.Value.Call", "reflect.FuncOf"}, names: []string{
		"reflect.callMethod", "reflect.funcLayout*", "reflect.methodReceiver", "reflect.storeRcvr", "reflect.newAbiDesc", "reflect.addTypeBits",
		"reflect.(*abiSeq).*", "reflect.(*bitVector).*", "reflect.makeMethodValue",
	}},
	// The stacks that a program writes when it ends. They have no names and lines here. The message before them stays.
	{unless: []string{"runtime.Stack"}, silent: true, names: []string{"runtime.traceback", "runtime.traceback1", "runtime.tracebackothers", "runtime.tracebacksomeothers", "runtime.goroutineheader"}},
	{unless: []string{"runtime.Stack"}, names: []string{
		"runtime.traceback1.func*", "runtime.traceback2*", "runtime.tracebacksomeothers.func*", "runtime.tracebackothers.func*", "runtime.printcreatedby*", "runtime.printArgs*",
		"runtime.printAncestor*", "runtime.printOneCgoTraceback", "runtime.printCgoTraceback*", "runtime.printFuncName", "runtime.showframe", "runtime.showfuncinfo",
	}},
}

var (
	traps = []byte{0, 0x00, 0x0B} // no locals; unreachable
	// quiet is how Go compiles a function that does nothing: it removes the return address from the stack and returns 0.
	quiet = []byte{1, 1, 0x7F, 0x23, 0, 0x21, 1, 0x20, 1, 0x41, 8, 0x6A, 0x22, 1, 0x24, 0, 0x41, 0, 0x0F, 0, 0x0B}
	// known are two functions of every program and how their bodies begin. The first does nothing; the second passes 8 to a function.
	known = map[string][]byte{"runtime.publicationBarrier": quiet, "runtime.gcWriteBarrier1": {0, 0x42, 8, 0x10}}
)

// match reports whether a pattern of names matches.
func match(pattern, name string) bool {
	prefix, open := strings.CutSuffix(pattern, "*")
	return name == prefix || open && strings.HasPrefix(name, prefix)
}

// cutUnused returns the content of the code section without the bodies that do not run, and the indices of these functions. names are
// the names of all functions in their order. If the code has another form than Go gives it, it returns errTables.
func cutUnused(code []byte, names []string) ([]byte, map[int]bool, error) {
	linked := map[string]bool{}
	for _, name := range names {
		linked[name] = true
	}
	cut := map[int]bool{}
	silent := map[int]bool{}
	for _, u := range allUnused {
		if slices.ContainsFunc(u.unless, func(name string) bool { return linked[name] }) {
			continue
		}
		for i, name := range names {
			if slices.ContainsFunc(u.names, func(pattern string) bool { return match(pattern, name) }) {
				cut[i], silent[i] = true, u.silent
			}
		}
	}

	count, rest, err := unsigned(code)
	if err != nil {
		return nil, nil, err
	}
	if count != len(names) {
		return nil, nil, errTables
	}
	out := appendUnsigned(nil, count)
	seen := 0
	for i := range count {
		size, body, err := unsigned(rest)
		if err != nil || size > len(body) {
			return nil, nil, errWASM
		}
		body, rest = body[:size], body[size:]
		if start, ok := known[names[i]]; ok {
			if !bytes.HasPrefix(body, start) {
				return nil, nil, errTables // the names are not those of these bodies, or the code calls in another way
			}
			seen++
		}
		switch {
		case silent[i]:
			body = quiet
		case cut[i]:
			body = traps
		}
		out = append(appendUnsigned(out, len(body)), body...)
	}
	if len(rest) != 0 || seen != len(known) {
		return nil, nil, errTables
	}
	return out, cut, nil
}

// cutFrom cuts functions from the code section in place, and returns their indices.
func cutFrom(sections []section, segments []segment) (map[int]bool, error) {
	table, err := findTable(segments)
	if err != nil {
		return nil, err
	}
	for i, s := range sections {
		if s.id == sectionCode {
			code, cut, err := cutUnused(s.content, table.namesOfAll())
			if err == nil {
				sections[i].content = code
			}
			return cut, err
		}
	}
	return nil, errWASM
}
