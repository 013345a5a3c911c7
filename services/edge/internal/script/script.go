// Package script serves the recorder to web pages, under names that the operator chooses: lists of what browsers block know the usual ones.
package script

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/waymark-events/waymark/pkg/recorderjs"
)

// Config says where pages find the recorder.
type Config struct {
	// Path is the recorder's; its tours are beside it, /recorder.tours.js beside /recorder.js. Events are taken in the same folder too:
	// with /lib/app.js at /lib/v1/events, where the script sends them. Empty serves no script. Default /recorder.js.
	Path string `yaml:"path"`
	// EventsPath is one more path that takes events, for tags with data-endpoint. Default none.
	EventsPath string `yaml:"events_path"`
}

// DefaultConfig returns the defaults.
func DefaultConfig() Config { return Config{Path: "/recorder.js"} }

var (
	scriptPattern = regexp.MustCompile(`^(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*/[A-Za-z0-9_-][A-Za-z0-9._-]*\.js$`)
	eventsPattern = regexp.MustCompile(`^(/[A-Za-z0-9_-][A-Za-z0-9._-]*)+$`)
)

// Validate names the first setting that is wrong and what is accepted.
func (c Config) Validate() error {
	switch {
	case c.Path != "" && (len(c.Path) > 100 || !scriptPattern.MatchString(c.Path)):
		return errors.New("path: want a path such as /lib/app.js, of letters, digits, -, _ and ., 100 at most, or nothing")
	case c.EventsPath != "" && (len(c.EventsPath) > 100 || !eventsPattern.MatchString(c.EventsPath) || strings.HasPrefix(c.EventsPath, "/v1/")):
		return errors.New("events_path: want a path such as /lib/e, of letters, digits, -, _ and ., 100 at most and not below /v1, or nothing")
	}
	return nil
}

// eventsPath is where the collector takes them.
const eventsPath = "/v1/events"

// Handler serves the scripts, and gives every other request to the collector: under its own path where it came by one of ours.
func Handler(cfg Config, collector http.Handler) http.Handler {
	files := map[string]file{}
	folder := ""
	if cfg.Path != "" {
		folder = strings.TrimSuffix(path.Dir(cfg.Path), "/")
		for suffix, text := range map[string][]byte{"": recorderjs.Recorder, ".tours": recorderjs.Tours} {
			f := newFile(text)
			name := strings.TrimSuffix(cfg.Path, ".js") + suffix
			files[name+".js"] = f
			files[name+"."+f.hash+".js"] = f
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f, found := files[r.URL.Path]; found {
			f.serve(w, r)
			return
		}
		switch rest, below := strings.CutPrefix(r.URL.Path, folder); {
		case cfg.EventsPath != "" && r.URL.Path == cfg.EventsPath:
			r = at(r, eventsPath)
		case folder != "" && below && strings.HasPrefix(rest, "/v1/"):
			r = at(r, rest)
		}
		collector.ServeHTTP(w, r)
	})
}

// at is the request under another path.
func at(r *http.Request, to string) *http.Request {
	moved := *r
	moved.URL = new(url.URL)
	*moved.URL = *r.URL
	moved.URL.Path, moved.URL.RawPath = to, ""
	return &moved
}

// A file is a script as it is sent.
type file struct {
	hash         string // of its bytes, SHA-256, 16 digits
	plain, small []byte // small is gzip's
}

func newFile(text []byte) file {
	sum := sha256.Sum256(text)
	var small bytes.Buffer
	w, _ := gzip.NewWriterLevel(&small, gzip.BestCompression) // the level exists
	_, _ = w.Write(text)                                      // a buffer takes everything
	_ = w.Close()
	return file{hash: hex.EncodeToString(sum[:8]), plain: text, small: small.Bytes()}
}

// serve answers with the script. Any page may load it, with integrity too, which needs CORS, and from pages that isolate themselves (COEP),
// which need CORP. Under the name with its hash it never changes; under the other it may be an hour old.
func (f file) serve(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		header.Set("Allow", "GET, HEAD")
		http.Error(w, "the script is for GET and HEAD", http.StatusMethodNotAllowed)
		return
	}
	caching := "public, max-age=3600, stale-while-revalidate=86400"
	if strings.HasSuffix(r.URL.Path, "."+f.hash+".js") {
		caching = "public, max-age=31536000, immutable"
	}
	text, tag := f.plain, `"`+f.hash+`"`
	if acceptsGzip(r.Header.Values("Accept-Encoding")) {
		text, tag = f.small, `"`+f.hash+`-gzip"`
		header.Set("Content-Encoding", "gzip")
	}
	for name, value := range map[string]string{
		"Content-Type": "text/javascript; charset=utf-8", "X-Content-Type-Options": "nosniff", "Cache-Control": caching, "ETag": tag,
		"Vary": "Accept-Encoding", "Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin", "Timing-Allow-Origin": "*",
	} {
		header.Set(name, value)
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(text))
}

var noWeight = regexp.MustCompile(`^q=0(\.0*)?$`)

// acceptsGzip reads Accept-Encoding (RFC 9110 §12.5.3); a weight of nought is no.
func acceptsGzip(accepted []string) bool {
	for coding := range strings.SplitSeq(strings.Join(accepted, ","), ",") {
		name, weight, _ := strings.Cut(coding, ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			return !noWeight.MatchString(strings.TrimSpace(weight))
		}
	}
	return false
}
