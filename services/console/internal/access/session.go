package access

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A session's cookie is "EXPIRES.HASH.SIGNATURE": when it ends, in Unix seconds, and the hash of the token that it was made for. Nothing of it is kept
// here. It ends before its time when the token is taken out of the users file.

// session is who a cookie was made for.
func (g *Gate) session(list *List, r *http.Request) *User {
	cookies := r.CookiesNamed(g.cookieName())
	if len(cookies) != 1 {
		return nil
	}
	return list.byToken[g.unseal(cookies[0].Value)]
}

func (g *Gate) seal(hashed string, expires time.Time) string {
	payload := strconv.FormatInt(expires.Unix(), 10) + "." + hashed
	return payload + "." + base64.RawURLEncoding.EncodeToString(g.sign(payload))
}

// unseal returns the hash of a cookie that is good now, or "".
func (g *Gate) unseal(value string) string {
	at := strings.LastIndexByte(value, '.')
	if at < 0 {
		return ""
	}
	payload := value[:at]
	signature, err := base64.RawURLEncoding.Strict().DecodeString(value[at+1:])
	if err != nil || !hmac.Equal(signature, g.sign(payload)) {
		return ""
	}
	until, hashed, _ := strings.Cut(payload, ".")
	expires, err := strconv.ParseInt(until, 10, 64)
	if err != nil || g.now().Unix() >= expires {
		return ""
	}
	return hashed
}

// sign is of this use of the key alone.
func (g *Gate) sign(payload string) []byte {
	mac := hmac.New(sha256.New, g.key)
	mac.Write([]byte("waymark-console session\x00"))
	mac.Write([]byte(payload))
	return mac.Sum(nil)
}
