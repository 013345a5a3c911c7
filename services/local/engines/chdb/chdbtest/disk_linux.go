package chdbtest

import (
	"fmt"
	"syscall"
	"testing"
)

// Disk is the folder of a disk of so many megabytes, in memory, which goes with the test. Only root may have one: for others it is
// empty, and the test says so.
func Disk(t testing.TB, megabytes int) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dm", megabytes)); err != nil {
		t.Logf("no small disk for this user: %v", err)
		return ""
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount a small disk: %v", err)
		}
	})
	return dir
}
