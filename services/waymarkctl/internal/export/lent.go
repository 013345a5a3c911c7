package export

import (
	"errors"
	"io"
	"net/http"
	"sync"
)

// A released transport lets go of a request's body before it returns. Go's own may still be reading it for an answer that came early, while minio-go (7.4)
// rewinds it and sends it again: the second request would lack what the first one takes.
type released struct{ http.RoundTripper }

func (t released) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body == nil || req.Body == http.NoBody {
		return t.RoundTripper.RoundTrip(req)
	}
	body := &lent{ReadCloser: req.Body}
	defer body.end()
	req = req.WithContext(req.Context()) // a copy
	req.Body, req.GetBody = body, nil
	return t.RoundTripper.RoundTrip(req)
}

// Lent is a body that nobody can read after its end.
type lent struct {
	io.ReadCloser
	mu    sync.Mutex
	ended bool
}

func (l *lent) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
}

func (l *lent) Read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return 0, errors.New("the request is over")
	}
	return l.ReadCloser.Read(p)
}
