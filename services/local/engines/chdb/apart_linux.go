package chdb

import "syscall"

// apart puts the engine into a session of its own and lets it die with the thread that started it, even of a SIGKILL, and even
// while it is stopped.
func apart() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
}
