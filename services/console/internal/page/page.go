// Package page serves the console's page: files that are part of the program.
package page

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"regexp"
	"strings"
	"time"
)

// Policy is the Content-Security-Policy of everything that the console serves: the page loads what is its own, and nothing else; no script or style
// stands in a page itself.
const Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Secure sets the headers that every answer has.
func Secure(header http.Header) {
	for name, value := range map[string]string{
		"Content-Security-Policy": Policy, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY",
		"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
		"Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
	} {
		header.Set(name, value)
	}
}

// index is the page of every address that is no file's.
const index = "index.html"

// hashed is a file whose name changes with what it holds, as esbuild names them: app-ABCD1234.js.
var hashed = regexp.MustCompile(`-[A-Z0-9]{8}\.[a-z0-9]+$`)

type file struct {
	kind, tag, caching string
	plain, small       []byte // small is gzip's; nil where that is no gain
}

// New returns the files' handler. There must be an index.html. A path with a dot in its last part is a file's, others are the page's own routes.
func New(files fs.FS) (http.Handler, error) {
	all := make(map[string]*file)
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		all["/"+name], err = newFile(name, text)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("the page's files: %w", err)
	}
	home := all["/"+index]
	if home == nil {
		return nil, fmt.Errorf("the page's files have no %s", index)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f := all[r.URL.Path]
		switch {
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "this is for GET and HEAD", http.StatusMethodNotAllowed)
			return
		case f == nil && strings.Contains(path.Base(r.URL.Path), "."):
			http.NotFound(w, r)
			return
		case f == nil:
			f = home
		}
		f.serve(w, r)
	}), nil
}

func newFile(name string, text []byte) (*file, error) {
	kind := mime.TypeByExtension(path.Ext(name))
	if known, is := kinds[path.Ext(name)]; is { // the machine's own table may say otherwise
		kind = known
	}
	sum := sha256.Sum256(text)
	f := &file{kind: kind, tag: hex.EncodeToString(sum[:8]), caching: "no-cache", plain: text}
	if hashed.MatchString(name) {
		f.caching = "public, max-age=31536000, immutable"
	}
	var small bytes.Buffer
	w, err := gzip.NewWriterLevel(&small, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	if small.Len() < len(text) {
		f.small = small.Bytes()
	}
	return f, nil
}

var kinds = map[string]string{
	".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".json": "application/json", ".svg": "image/svg+xml",
	".png": "image/png", ".webp": "image/webp", ".woff2": "font/woff2", ".txt": "text/plain; charset=utf-8", ".map": "application/json", ".webmanifest": "application/manifest+json",
}

func (f *file) serve(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	text, tag := f.plain, `"`+f.tag+`"`
	if f.small != nil && acceptsGzip(r.Header.Values("Accept-Encoding")) {
		text, tag = f.small, `"`+f.tag+`-gzip"`
		header.Set("Content-Encoding", "gzip")
	}
	header.Set("Vary", "Accept-Encoding")
	header.Set("Content-Type", f.kind)
	header.Set("Cache-Control", f.caching)
	header.Set("ETag", tag)
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
