//go:build !linux

package chdbtest

import "testing"

// Disk is empty: only Linux has such disks.
func Disk(t testing.TB, _ int) string {
	t.Helper()
	t.Log("no small disk on this system")
	return ""
}
