package config

import (
	"errors"
	"regexp"
)

var regionPattern = regexp.MustCompile(`^[a-z0-9]{1,16}$`)

// CheckRegion returns an error that says what a region's name may be, unless it is one. The name is a word of the names of topics, of
// groups and of environment variables.
func CheckRegion(name string) error {
	if !regionPattern.MatchString(name) {
		return errors.New("want a name of 1–16 characters of a–z, 0–9")
	}
	return nil
}
