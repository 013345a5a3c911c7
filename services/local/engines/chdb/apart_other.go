//go:build unix && !linux

package chdb

import "syscall"

// apart puts the engine into a session of its own. It dies with this process by the end of its lifeline.
func apart() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
