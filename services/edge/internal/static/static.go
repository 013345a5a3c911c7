// Package static serves files that are part of the edge.
package static

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// A File is one as it is sent. It is safe for concurrent use.
type File struct {
	// Hash is of its bytes: SHA-256, 16 digits.
	Hash         string
	kind         string // its Content-Type
	caching      string
	plain, small []byte // small is gzip's
}

// New makes a file of a Content-Type, which may be an hour old where it is used.
func New(kind string, text []byte) *File {
	sum := sha256.Sum256(text)
	var small bytes.Buffer
	w, _ := gzip.NewWriterLevel(&small, gzip.BestCompression) // the level exists
	_, _ = w.Write(text)                                      // a buffer takes everything
	_ = w.Close()
	return &File{Hash: hex.EncodeToString(sum[:8]), kind: kind, caching: "public, max-age=3600, stale-while-revalidate=86400", plain: text, small: small.Bytes()}
}

// Forever is the file under a name that has its hash: it never changes.
func (f *File) Forever() *File {
	forever := *f
	forever.caching = "public, max-age=31536000, immutable"
	return &forever
}

// ServeHTTP answers with the file. Any page may load it, with integrity too, which needs CORS, and from pages that isolate themselves (COEP),
// which need CORP.
func (f *File) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		header.Set("Allow", "GET, HEAD")
		http.Error(w, "this file is for GET and HEAD", http.StatusMethodNotAllowed)
		return
	}
	text, tag := f.plain, `"`+f.Hash+`"`
	if acceptsGzip(r.Header.Values("Accept-Encoding")) {
		text, tag = f.small, `"`+f.Hash+`-gzip"`
		header.Set("Content-Encoding", "gzip")
	}
	for name, value := range map[string]string{
		"Content-Type": f.kind, "X-Content-Type-Options": "nosniff", "Cache-Control": f.caching, "ETag": tag,
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
