//go:build unix

package chdb

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"github.com/ebitengine/purego"
	"golang.org/x/sys/unix"
)

// libraryVariable makes a process the engine: it names the library. The arguments are those of `clickhouse local`.
const libraryVariable = "WAYMARK_CHDB_LIBRARY"

// Descriptors that the child is given: the end of a pipe whose other end only the parent has, and the locked file of the folder,
// which stays locked as long as one of both lives.
const (
	lifeline = 3
	folder   = 4
)

// cannotStart is the exit status of a child that says on standard error, in one sentence, why it cannot be an engine.
const cannotStart = 3

func init() {
	library := os.Getenv(libraryVariable)
	if library == "" {
		return
	}
	if err := become(library, os.Args); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(cannotStart)
	}
	os.Exit(0)
}

// become runs ClickHouse in this process until it ends.
func become(library string, args []string) error {
	// A core dump of a process that maps so much would fill the disk.
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("forbid core dumps: %w", err)
	}
	go func() { // ends with the process
		_, _ = os.NewFile(lifeline, "lifeline").Read(make([]byte, 1)) // nothing is ever written to it
		_ = unix.Kill(os.Getpid(), unix.SIGKILL)
	}()
	handle, err := purego.Dlopen(library, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return fmt.Errorf("load libchdb from %s: %w", library, err)
	}
	symbol, err := purego.Dlsym(handle, "chdb_query_cmdline")
	if err != nil {
		return fmt.Errorf("%s is not a libchdb this program can use: it lacks chdb_query_cmdline (chdb %s or later is needed)", library, LibraryVersion)
	}
	var main func(argc int32, argv unsafe.Pointer) unsafe.Pointer
	purego.RegisterFunc(&main, symbol)
	var pin runtime.Pinner
	defer pin.Unpin()
	argv := make([]unsafe.Pointer, 0, len(args)+1)
	for _, arg := range args {
		text := append([]byte(arg), 0)
		pin.Pin(&text[0])
		argv = append(argv, unsafe.Pointer(&text[0]))
	}
	argv = append(argv, nil)
	pin.Pin(&argv[0])
	if main(int32(len(args)), unsafe.Pointer(&argv[0])) == nil {
		return errors.New("ClickHouse ended without a reason")
	}
	return nil
}
