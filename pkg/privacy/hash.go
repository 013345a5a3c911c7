package privacy

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
)

// Hashed reads a SHA-256 that a client made of a user's id: 64 hexadecimal digits, or 32 bytes in base64 or base64url, padded or not. It returns
// the digits in small letters, so that one user in two spellings is one, and false for whatever is no such hash: what looks like a name or
// an address must not be stored for one. Hashes of nothing, and of what programs write for nobody, are none: all strangers would be one user.
func Hashed(id string) (digits string, ok bool) {
	var sum [sha256.Size]byte
	switch n := len(id); {
	case n == hex.EncodedLen(len(sum)):
		if _, err := hex.Decode(sum[:], []byte(id)); err != nil {
			return "", false
		}
	case n == 44 && id[43] == '=' || n == 43:
		text := id[:43]
		if !decodes(base64.RawStdEncoding.Strict(), text, &sum) && !decodes(base64.RawURLEncoding.Strict(), text, &sum) {
			return "", false
		}
	default:
		return "", false
	}
	if ofNobody[sum] {
		return "", false
	}
	return hex.EncodeToString(sum[:]), true
}

func decodes(encoding *base64.Encoding, text string, sum *[sha256.Size]byte) bool {
	n, err := encoding.Decode(sum[:], []byte(text))
	return err == nil && n == len(sum)
}

// ofNobody are hashes of what stands where there is no id.
var ofNobody = func() map[[sha256.Size]byte]bool {
	out := map[[sha256.Size]byte]bool{{}: true}
	for _, word := range []string{"", " ", "null", "NULL", "undefined", "None", "none", "nil", "NaN", "0", "-1", "false", "[object Object]", "anonymous", "unknown", "guest"} {
		out[sha256.Sum256([]byte(word))] = true
	}
	return out
}()
