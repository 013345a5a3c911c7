package script

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/waymark-events/waymark/pkg/recorderjs"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/edge/internal/static"
)

// collector answers with the path it is asked for.
var collector = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "collector "+r.URL.Path) })

func ask(cfg Config, method, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	Handler(cfg, collector).ServeHTTP(w, r)
	return w
}

func TestTheScriptIsServedAsPagesNeedIt(t *testing.T) {
	w := ask(DefaultConfig(), http.MethodGet, "/recorder.js?v=1")
	if w.Code != http.StatusOK || !bytes.Equal(w.Body.Bytes(), recorderjs.Recorder) {
		t.Fatalf("status %d, %d bytes, want the script's %d", w.Code, w.Body.Len(), len(recorderjs.Recorder))
	}
	for name, want := range map[string]string{
		"Content-Type": "text/javascript; charset=utf-8", "X-Content-Type-Options": "nosniff", "Access-Control-Allow-Origin": "*",
		"Cross-Origin-Resource-Policy": "cross-origin", "Cache-Control": "public, max-age=3600, stale-while-revalidate=86400", "Vary": "Accept-Encoding",
		"Timing-Allow-Origin": "*",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if tours := ask(DefaultConfig(), http.MethodGet, "/recorder.tours.js"); !bytes.Equal(tours.Body.Bytes(), recorderjs.Tours) {
		t.Errorf("the tours' script is %.40q", tours.Body)
	}
}

func TestTheScriptUnderItsHashNeverChanges(t *testing.T) {
	w := ask(DefaultConfig(), http.MethodGet, "/recorder."+static.New("", recorderjs.Recorder).Hash+".js")
	if got := w.Header().Get("Cache-Control"); w.Code != http.StatusOK || got != "public, max-age=31536000, immutable" {
		t.Errorf("status %d, Cache-Control %q", w.Code, got)
	}
	// Another version's hash is nobody's: a page that pins it must not get a script of other bytes for a year.
	if got := ask(DefaultConfig(), http.MethodGet, "/recorder.0123456789abcdef.js").Body.String(); !strings.HasPrefix(got, "collector") {
		t.Errorf("an unknown hash is answered %.40q", got)
	}
}

func TestAScriptThatTheBrowserHasIsNotSentAgain(t *testing.T) {
	for _, encoding := range []string{"", "gzip"} {
		tag := ask(DefaultConfig(), http.MethodGet, "/recorder.js", "Accept-Encoding", encoding).Header().Get("ETag")
		w := ask(DefaultConfig(), http.MethodGet, "/recorder.js", "Accept-Encoding", encoding, "If-None-Match", tag)
		if w.Code != http.StatusNotModified || w.Body.Len() != 0 {
			t.Errorf("encoding %q, If-None-Match %s: %d with %d bytes", encoding, tag, w.Code, w.Body.Len())
		}
	}
}

func TestTheScriptIsSentCompressedToWhoTakesIt(t *testing.T) {
	for accepted, want := range map[string]string{"gzip, br": "gzip", "br;q=1, GZIP;q=0.5": "gzip", "gzip;q=0": "", "br": "", "": ""} {
		w := ask(DefaultConfig(), http.MethodGet, "/recorder.js", "Accept-Encoding", accepted)
		if got := w.Header().Get("Content-Encoding"); got != want {
			t.Errorf("Accept-Encoding %q: %q, want %q", accepted, got, want)
		}
		text := io.Reader(w.Body)
		if want == "gzip" {
			var err error
			if text, err = gzip.NewReader(w.Body); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := io.ReadAll(text); err != nil || !bytes.Equal(got, recorderjs.Recorder) {
			t.Errorf("Accept-Encoding %q: not the script: %v", accepted, err)
		}
	}
}

func TestPathsAreTheOperatorsChoice(t *testing.T) {
	cfg := Config{Path: "/lib/app.js", EventsPath: "/e"}
	for path, want := range map[string]string{
		"/lib/app.js":       string(recorderjs.Recorder),
		"/lib/app.tours.js": string(recorderjs.Tours),
		"/lib/v1/events":    "collector /v1/events",
		"/e":                "collector /v1/events",
		"/v1/events":        "collector /v1/events",
		"/recorder.js":      "collector /recorder.js",
		"/library/v1/e":     "collector /library/v1/e",
	} {
		if got := ask(cfg, http.MethodGet, path).Body.String(); got != want {
			t.Errorf("%s: %.40q, want %.40q", path, got, want)
		}
	}
	if got := ask(Config{}, http.MethodGet, "/recorder.js").Body.String(); got != "collector /recorder.js" {
		t.Errorf("no path: %.40q", got)
	}
}

func TestTheScriptIsOnlyRead(t *testing.T) {
	if w := ask(DefaultConfig(), http.MethodHead, "/recorder.js"); w.Code != http.StatusOK || w.Body.Len() != 0 {
		t.Errorf("HEAD: %d with %d bytes", w.Code, w.Body.Len())
	}
	if w := ask(DefaultConfig(), http.MethodPost, "/recorder.js"); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %d, Allow %q", w.Code, w.Header().Get("Allow"))
	}
}

func TestPathsThatAreNone(t *testing.T) {
	for _, cfg := range []Config{{Path: "recorder.js"}, {Path: "/recorder"}, {Path: "/a/../b.js"}, {Path: "/a?b.js"}, {EventsPath: "e"}, {EventsPath: "/v1/x"}, {EventsPath: "/e/"}} {
		if cfg.Validate() == nil {
			t.Errorf("%+v is taken", cfg)
		}
	}
	for _, cfg := range []Config{{}, DefaultConfig(), {Path: "/lib/v2/app.min.js", EventsPath: "/lib/e"}} {
		if err := cfg.Validate(); err != nil {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
}

// The scripts stand in the OpenAPI document under the names that they have unless an operator chooses others, and no other does.
func TestTheScriptsAreInTheDocument(t *testing.T) {
	var doc struct{ Paths map[string]yaml.Node }
	if err := yaml.Unmarshal(schemas.OpenAPI, &doc); err != nil {
		t.Fatal(err)
	}
	files, _ := filesOf(DefaultConfig())
	served := map[string]bool{}
	for name, f := range files {
		served[strings.Replace(name, f.Hash, "{hash}", 1)] = true
	}
	for path := range doc.Paths {
		if strings.HasPrefix(path, "/recorder.") && !served[path] {
			t.Errorf("%s is in the document, and nobody serves it", path)
		}
	}
	for path := range served {
		if _, said := doc.Paths[path]; !said {
			t.Errorf("%s is not in the document", path)
		}
	}
}
