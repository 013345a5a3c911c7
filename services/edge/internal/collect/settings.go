package collect

import (
	"net/http"
	"slices"
	"strings"

	"github.com/waymark-events/waymark/services/edge/internal/intake"
)

// A lookup answers what SDKs ask before they send, or tell and nobody keeps: it has no events.
type lookup struct {
	// parts are its path's between slashes, {writeKey} standing for any.
	parts []string
	// below tells that a path of its own may stand before it: the files' addresses are configured apart from the events', often with one.
	below   bool
	methods []string
	answer  func(h *Handler, w http.ResponseWriter, r *http.Request, parts []string) *intake.Refusal
}

// lookups are all there are.
var lookups = []lookup{
	{partsOf("/v1/projects/{writeKey}/settings"), true, []string{http.MethodGet, http.MethodHead}, (*Handler).segmentSettings},
	{partsOf("/sourceConfig"), true, []string{http.MethodGet, http.MethodHead}, (*Handler).sourceConfig},
	{partsOf("/v1/m"), false, []string{http.MethodPost}, (*Handler).segmentMetrics},
}

// lookupOf finds what a path asks for, of its parts between slashes; nil where it asks for nothing.
func lookupOf(parts []string) *lookup {
	for i := range lookups {
		if lookups[i].matches(parts) {
			return &lookups[i]
		}
	}
	return nil
}

func (l *lookup) matches(parts []string) bool {
	before := len(parts) - len(l.parts)
	if before < 0 || before > 0 && !l.below {
		return false
	}
	for i, want := range l.parts {
		if parts[before+i] != want && want != "{writeKey}" {
			return false
		}
	}
	return true
}

func (l *lookup) path() string { return "/" + strings.Join(l.parts, "/") }

// look answers a lookup.
func (h *Handler) look(l *lookup, w http.ResponseWriter, r *http.Request, parts []string) *intake.Refusal {
	if refused := h.letBrowsers(w, r, originOf(r), l.methods); refused != nil {
		return refused
	}
	if !slices.Contains(l.methods, r.Method) {
		return notAllowed(w, r, l.methods, l.path())
	}
	return l.answer(h, w, r, parts)
}

// segmentSettings is GET /v1/projects/<write key>/settings. Without it analytics.js does not start. It names no destination but this edge, under
// the name that the page knows it by, and asks for no metrics.
func (h *Handler) segmentSettings(w http.ResponseWriter, r *http.Request, parts []string) *intake.Refusal {
	key := parts[len(parts)-2]
	if _, refused := h.intake.Recognize(key); refused != nil {
		return refused
	}
	type object = map[string]any
	writeJSON(w, http.StatusOK, object{
		"integrations": object{"Segment.io": object{
			"apiKey": key, "apiHost": r.Host + "/v1", "protocol": h.schemeOf(r), "addBundledMetadata": false, "unbundledIntegrations": []string{},
		}},
		"plan":    object{"track": object{"__default": object{"enabled": true, "integrations": object{}}}},
		"metrics": object{"sampleRate": 0},
	})
	return nil
}

// schemeOf is how a page reaches this edge: what a proxy says (who forges that fools only themselves), else as the page itself was reached, since one
// that came by HTTPS can call nothing else.
func (h *Handler) schemeOf(r *http.Request) string {
	for _, text := range []string{r.Header.Get("X-Forwarded-Proto") + ":", r.Header.Get("Origin"), r.Header.Get("Referer")} {
		switch scheme, _, _ := strings.Cut(text, ":"); scheme {
		case "https", "http":
			return scheme
		}
	}
	if r.TLS != nil {
		return "https"
	}
	return "http"
}

// sourceConfig is GET …/sourceConfig/?writeKey=…, without which RudderStack's SDK for pages does not start: a source without destinations.
func (h *Handler) sourceConfig(w http.ResponseWriter, r *http.Request, _ []string) *intake.Refusal {
	key := r.URL.Query().Get("writeKey")
	if key == "" {
		key = keyFromHeader(r)
	}
	if _, refused := h.intake.Recognize(key); refused != nil {
		return refused
	}
	type object = map[string]any
	writeJSON(w, http.StatusOK, object{"source": object{
		"id": "waymark", "name": "Waymark", "writeKey": key, "enabled": true, "config": object{}, "destinations": []object{}, "connections": []object{},
	}})
	return nil
}

// segmentMetrics is POST /v1/m: what analytics.js counts of itself, which nobody here asks for.
func (h *Handler) segmentMetrics(w http.ResponseWriter, _ *http.Request, _ []string) *intake.Refusal {
	writeJSON(w, http.StatusOK, struct {
		Success bool `json:"success"`
	}{true})
	return nil
}
