//go:build !linux

package chaos

import "errors"

func mount(string) error { return errors.ErrUnsupported }

func unmount(string) error { return nil }
