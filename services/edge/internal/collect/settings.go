package collect

import (
	"net/http"
	"strings"

	"github.com/waymark-events/waymark/services/edge/internal/intake"
)

// A lookup answers what SDKs ask before they send: it has no events.
type lookup func(h *Handler, w http.ResponseWriter, r *http.Request, parts []string) *intake.Refusal

// lookupOf finds what a path asks for, of its parts between slashes; nil where it asks for nothing. The files' addresses are configured apart from
// the events', often with a path of their own before them.
func lookupOf(parts []string) lookup {
	n := len(parts)
	switch {
	case n >= 4 && parts[n-4] == "v1" && parts[n-3] == "projects" && parts[n-1] == "settings":
		return (*Handler).segmentSettings
	case n >= 1 && parts[n-1] == "sourceConfig":
		return (*Handler).sourceConfig
	case n == 2 && parts[0] == "v1" && parts[1] == "m":
		return (*Handler).segmentMetrics
	}
	return nil
}

// look answers a lookup.
func (h *Handler) look(l lookup, w http.ResponseWriter, r *http.Request, parts []string) *intake.Refusal {
	if refused := h.letBrowsers(w, r); refused != nil {
		return refused
	}
	if r.Method == http.MethodOptions {
		w.Header().Set("Access-Control-Allow-Methods", "GET, POST")
		return &intake.Refusal{Status: http.StatusNoContent}
	}
	return l(h, w, r, parts)
}

// segmentSettings is GET /v1/projects/<write key>/settings. Without it analytics.js does not start. It names no destination but this edge, under
// the name that the page knows it by, and asks for no metrics.
func (h *Handler) segmentSettings(w http.ResponseWriter, r *http.Request, parts []string) *intake.Refusal {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD, OPTIONS")
		return intake.Refuse(http.StatusMethodNotAllowed, "method_not_allowed", "settings come from GET")
	}
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
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD, OPTIONS")
		return intake.Refuse(http.StatusMethodNotAllowed, "method_not_allowed", "the source's configuration comes from GET")
	}
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
func (h *Handler) segmentMetrics(w http.ResponseWriter, r *http.Request, _ []string) *intake.Refusal {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", "POST, OPTIONS")
		return intake.Refuse(http.StatusMethodNotAllowed, "method_not_allowed", "metrics go to POST")
	}
	writeJSON(w, http.StatusOK, struct {
		Success bool `json:"success"`
	}{true})
	return nil
}
