package chaos

import "syscall"

// mount puts a disk of a few megabytes, in memory, on dir. It needs root.
func mount(dir string) error { return syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=6m") }

func unmount(dir string) error { return syscall.Unmount(dir, syscall.MNT_DETACH) }
