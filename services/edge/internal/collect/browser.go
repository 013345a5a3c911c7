package collect

import (
	"net/http"
	"slices"
	"strings"

	"github.com/waymark-events/waymark/services/edge/internal/intake"
)

// originOf is the origin of the page that a request comes from, as browsers put it on every POST.
func originOf(r *http.Request) string { return r.Header.Get("Origin") }

// letBrowsers lets pages of the allowed origins send by methods, and refuses those of others: a page's simple POST comes without asking first (CORS
// only hides the answer from it). Without an Origin it is no page that asks, but a server or an app, which can leave it out as it likes.
//
// The origin is echoed and credentials are allowed because navigator.sendBeacon always sends with them, and the Fetch standard takes no
// "*" then. It gives nothing away, even where every origin is allowed: no cookie is read or set here, and an answer tells a page nothing
// but what became of its own events.
func (h *Handler) letBrowsers(w http.ResponseWriter, r *http.Request, page string, methods []string) *intake.Refusal {
	header := w.Header()
	header["Accept-Ch"] = acceptCH
	if header["Vary"] == nil {
		header["Vary"] = varyOrigin
	} else {
		header.Add("Vary", "Origin")
	}
	if page != "" && !slices.Contains(h.origins, "*") && !slices.Contains(h.origins, page) {
		return intake.Refuse(http.StatusForbidden, "origin_not_allowed", "pages of this origin may not send here: allowed_origins of the edge names those that may")
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return nil
	}
	header.Set("Access-Control-Allow-Origin", origin)
	header["Access-Control-Allow-Credentials"], header["Access-Control-Expose-Headers"] = allowCredentials, exposeHeaders
	if r.Method == http.MethodOptions {
		header.Set("Access-Control-Allow-Methods", strings.Join(methods, ", "))
		header.Set("Access-Control-Allow-Headers", allowedHeaders(r.Header.Values("Access-Control-Request-Headers")))
		header.Set("Access-Control-Max-Age", "86400")
	}
	return nil
}

// Values that are shared by all answers: nothing may be added to them.
var (
	acceptCH         = []string{"Sec-CH-UA-Full-Version-List, Sec-CH-UA-Model, Sec-CH-UA-Platform-Version, Sec-CH-UA-Form-Factors"}
	varyOrigin       = []string{"Origin"}
	allowCredentials = []string{"true"}
	exposeHeaders    = []string{"Retry-After, RateLimit, RateLimit-Policy, X-RateLimit-Reset, X-Waymark-Result"}
)

// maxAsked bounds the names a preflight may ask for, in bytes.
const maxAsked = 2048

// allowedHeaders are those that are read here and those that a preflight asks for: SDKs and tracing tools add their own, which do no harm.
// Only names are given back (RFC 9110 §5.6.2).
func allowedHeaders(asked []string) string {
	names := []string{"authorization", "content-type", "content-encoding", "x-write-key", "x-sent-at"}
	list := strings.Join(asked, ",")
	if len(list) > maxAsked {
		list = ""
	}
	for name := range strings.SplitSeq(list, ",") {
		if name = strings.ToLower(strings.Trim(name, " \t")); isToken(name) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

func isToken(text string) bool {
	return text != "" && strings.IndexFunc(text, func(r rune) bool {
		alphanumeric := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		return !alphanumeric && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	}) < 0
}
