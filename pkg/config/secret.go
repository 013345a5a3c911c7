package config

// hidden is what every rendering of a Secret prints.
const hidden = "***"

// A Secret is a setting that must never reach a log, a page or --print-config. Convert it with string(s) where the
// value itself is needed.
//
// In YAML and in the environment a value that starts with "file:" names a file whose contents, less the trailing
// newline, are the secret (Docker and Kubernetes mount secrets so).
type Secret string

// String hides the value; an empty secret prints as the empty string.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return hidden
}

// GoString hides the value from %#v.
func (s Secret) GoString() string { return s.String() }

// MarshalText hides the value from YAML, JSON and zap.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
