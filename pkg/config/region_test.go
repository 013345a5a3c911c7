package config

import (
	"strings"
	"testing"
)

func TestRegionsNames(t *testing.T) {
	for name, good := range map[string]bool{
		"eu": true, "us2": true, "0": true, strings.Repeat("a", 16): true,
		"": false, "EU": false, "eu-west": false, "eu_1": false, "eu.1": false, "é": false, " eu": false, "eu\n": false, strings.Repeat("a", 17): false,
	} {
		if err := CheckRegion(name); (err == nil) != good {
			t.Errorf("%q: %v", name, err)
		}
	}
}
