package page

import (
	"compress/gzip"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/waymark-events/waymark/services/console/web"
)

func TestFilesAreServedAsTheyAre(t *testing.T) {
	script := strings.Repeat("console.log(1);", 100)
	handler, err := New(fstest.MapFS{
		"index.html": {Data: []byte("<!doctype html>")}, "assets/app-ABCD1234.js": {Data: []byte(script)}, "icon.svg": {Data: []byte("<svg/>")}, "assets/x.wasm-unknown": {Data: []byte("x")},
	})
	if err != nil {
		t.Fatal(err)
	}
	get := func(method, path string, headers ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, nil)
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w
	}
	const forever, asked = "public, max-age=31536000, immutable", "no-cache"
	for _, c := range []struct {
		path, kind, caching string
		status              int
	}{
		{"/", "text/html; charset=utf-8", asked, 200},
		{"/items/7", "text/html; charset=utf-8", asked, 200},
		{"/people/a%2Fb", "text/html; charset=utf-8", asked, 200},
		{"/assets/app-ABCD1234.js", "text/javascript; charset=utf-8", forever, 200},
		{"/icon.svg", "image/svg+xml", asked, 200},
		{"/assets/app-ABCD1235.js", "text/plain; charset=utf-8", "", 404},
		{"/x.php", "text/plain; charset=utf-8", "", 404},
	} {
		w := get(http.MethodGet, c.path)
		if w.Code != c.status || w.Header().Get("Content-Type") != c.kind || w.Header().Get("Cache-Control") != c.caching {
			t.Errorf("%s: %d %v", c.path, w.Code, w.Header())
		}
	}
	w := get(http.MethodGet, "/assets/app-ABCD1234.js", "Accept-Encoding", "br, gzip")
	small, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(small)
	if err != nil || string(text) != script || w.Header().Get("Content-Encoding") != "gzip" || w.Header().Get("Vary") != "Accept-Encoding" {
		t.Errorf("%v %v", err, w.Header())
	}
	if w := get(http.MethodGet, "/assets/app-ABCD1234.js", "Accept-Encoding", "gzip;q=0"); w.Header().Get("Content-Encoding") != "" || w.Body.String() != script {
		t.Errorf("gzip that is not wanted: %v", w.Header())
	}
	if again := get(http.MethodGet, "/assets/app-ABCD1234.js", "Accept-Encoding", "gzip", "If-None-Match", w.Header().Get("ETag")); again.Code != http.StatusNotModified {
		t.Errorf("with its tag: %d", again.Code)
	}
	if w := get(http.MethodHead, "/"); w.Code != http.StatusOK || w.Body.Len() > 0 {
		t.Errorf("HEAD: %d, %d bytes", w.Code, w.Body.Len())
	}
	if w := get(http.MethodPost, "/"); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") == "" {
		t.Errorf("POST: %d", w.Code)
	}
	if _, err := New(fstest.MapFS{"app.js": {}}); err == nil {
		t.Error("a page without an index")
	}
}

// What was built fits what is served: names by which files are kept for ever, and nothing that the policy forbids.
func TestTheBuiltPageIsWithinThePolicy(t *testing.T) {
	if _, err := New(dist(t)); err != nil {
		t.Fatal(err)
	}
	assets := 0
	err := fs.WalkDir(dist(t), "assets", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			assets++
			if !hashed.MatchString(name) {
				t.Errorf("%s is asked for again at each visit: its name has no hash", name)
			}
			if kinds[path.Ext(name)] == "" {
				t.Errorf("%s has a kind that is not known", name)
			}
		}
		return err
	})
	if err != nil || assets < 2 {
		t.Errorf("%d assets, %v", assets, err)
	}
	home, err := fs.ReadFile(dist(t), index)
	if err != nil {
		t.Fatal(err)
	}
	for what, forbidden := range map[string]string{
		"a script in the page": `<script(?:\s+type="[^"]*")?\s*>`, "a style in the page": `<style|\sstyle=`, "a handler": `\son[a-z]+=`, "another site's": `(?:src|href)="(?:https?:)?//`,
	} {
		if found := regexp.MustCompile(forbidden).Find(home); found != nil {
			t.Errorf("%s: %s", what, found)
		}
	}
}

func dist(t *testing.T) fs.FS {
	t.Helper()
	files, err := fs.Sub(web.Dist, "dist")
	if err != nil {
		t.Fatal(err)
	}
	return files
}
