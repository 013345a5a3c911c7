package libchdb

import (
	"fmt"
	"sync"
	"syscall"
	"unsafe"

	"github.com/ebitengine/purego"
)

// guardedSignals are those that libchdb may reset (chdb.cpp, chdb_reset_signal_handlers). Losing Go's SIGSEGV handler would turn a
// nil dereference into a dead process.
var guardedSignals = []syscall.Signal{
	syscall.SIGABRT, syscall.SIGSEGV, syscall.SIGILL, syscall.SIGBUS,
	syscall.SIGSYS, syscall.SIGFPE, syscall.SIGTSTP, syscall.SIGTRAP,
}

// sigactionBytes holds any platform's struct sigaction (152 bytes with glibc, 16 on Darwin).
const sigactionBytes = 256

var libcSigaction = sync.OnceValues(func() (func(signal int32, act, old unsafe.Pointer) int32, error) {
	symbol, err := purego.Dlsym(purego.RTLD_DEFAULT, "sigaction")
	if err != nil {
		return nil, fmt.Errorf("find sigaction in the C library: %w", err)
	}
	var f func(signal int32, act, old unsafe.Pointer) int32
	purego.RegisterFunc(&f, symbol)
	return f, nil
})

// keepSignalHandlers notes the process's handlers and returns what puts them back.
func keepSignalHandlers() (restore func(), err error) {
	sigaction, err := libcSigaction()
	if err != nil {
		return nil, err
	}
	saved := make([][sigactionBytes]byte, len(guardedSignals))
	for i, s := range guardedSignals {
		if sigaction(int32(s), nil, unsafe.Pointer(&saved[i])) != 0 {
			return nil, fmt.Errorf("read the handler of %s", s)
		}
	}
	return func() {
		for i, s := range guardedSignals {
			sigaction(int32(s), unsafe.Pointer(&saved[i]), nil)
		}
	}, nil
}
