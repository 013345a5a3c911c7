package collect

import (
	"net/http"
	"strings"
)

// keyFromHeader returns the write key of X-Write-Key or Authorization, or "".
func keyFromHeader(r *http.Request) string {
	if key := r.Header.Get("X-Write-Key"); key != "" {
		return key
	}
	if user, _, ok := r.BasicAuth(); ok {
		return user
	}
	if scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(token)
	}
	return ""
}
