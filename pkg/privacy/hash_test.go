package privacy

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"
)

func TestHashed(t *testing.T) {
	sum := sha256.Sum256([]byte("jane.doe@example.com"))
	want := hex.EncodeToString(sum[:])
	for name, id := range map[string]string{
		"hexadecimal": want, "in capitals": strings.ToUpper(want), "base64": base64.StdEncoding.EncodeToString(sum[:]), "base64, not padded": base64.RawStdEncoding.EncodeToString(sum[:]),
		"base64url": base64.URLEncoding.EncodeToString(sum[:]), "base64url, not padded": base64.RawURLEncoding.EncodeToString(sum[:]),
	} {
		if got, ok := Hashed(id); !ok || got != want {
			t.Errorf("%s: %q, %v", name, got, ok)
		}
	}
	nothing := sha256.Sum256(nil)
	nobody := sha256.Sum256([]byte("undefined"))
	for name, id := range map[string]string{
		"nothing": "", "a name": "jane", "an address": "jane.doe@example.com", "an address as long as a hash": strings.Repeat("j", 52) + "@example.com",
		"one as long as base64": strings.Repeat("j", 31) + "@example.com", "MD5": strings.Repeat("ab", 16), "SHA-1": strings.Repeat("ab", 20), "SHA-512": strings.Repeat("ab", 64),
		"with a 0x": "0x" + want, "with a space": " " + want, "cut off": want[:63], "base64 whose last letter says too much": strings.Repeat("Q", 42) + "B",
		"padding in its middle": strings.Repeat("A", 20) + "=" + strings.Repeat("A", 22) + "=", "line ends": strings.Repeat("A", 41) + "\r\n", "of nothing": hex.EncodeToString(nothing[:]),
		"of undefined, in base64": base64.StdEncoding.EncodeToString(nobody[:]), "zeros": strings.Repeat("0", 64),
	} {
		if got, ok := Hashed(id); ok {
			t.Errorf("%s: taken as %q", name, got)
		}
	}
}

// Whatever is taken as a hash is one, and again.
func FuzzHashed(f *testing.F) {
	f.Add(strings.Repeat("ab", 32))
	f.Add(strings.Repeat("Aa1_", 10) + "Aa0")
	f.Fuzz(func(t *testing.T, id string) {
		got, ok := Hashed(id)
		if !ok {
			return
		}
		if again, ok := Hashed(got); len(got) != 64 || !ok || again != got || len(id) != 64 && len(id) != 43 && len(id) != 44 {
			t.Errorf("%q is taken as %q", id, got)
		}
	})
}
