// Package script serves the recorder to web pages, under names that the operator chooses: lists of what browsers block know the usual ones.
package script

import (
	"errors"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strings"

	"github.com/waymark-events/waymark/pkg/recorderjs"
	"github.com/waymark-events/waymark/services/edge/internal/static"
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
	files, folder := filesOf(cfg)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f, found := files[r.URL.Path]; found {
			f.ServeHTTP(w, r)
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

// filesOf are the scripts by their paths, and the folder that they are in. Under the name with its hash a script never changes; under the other it
// may be an hour old.
func filesOf(cfg Config) (files map[string]*static.File, folder string) {
	files = map[string]*static.File{}
	if cfg.Path == "" {
		return files, ""
	}
	for suffix, text := range map[string][]byte{"": recorderjs.Recorder, ".tours": recorderjs.Tours} {
		name := strings.TrimSuffix(cfg.Path, ".js") + suffix
		f := static.New("text/javascript; charset=utf-8", text)
		files[name+".js"] = f
		files[name+"."+f.Hash+".js"] = f.Forever()
	}
	return files, strings.TrimSuffix(path.Dir(cfg.Path), "/")
}

// at is the request under another path.
func at(r *http.Request, to string) *http.Request {
	moved := *r
	moved.URL = new(url.URL)
	*moved.URL = *r.URL
	moved.URL.Path, moved.URL.RawPath = to, ""
	return &moved
}
