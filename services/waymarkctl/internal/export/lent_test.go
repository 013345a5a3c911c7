package export

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// early answers before it has read the body, and goes on reading when it has answered.
type early struct{ body io.Reader }

func (e *early) RoundTrip(req *http.Request) (*http.Response, error) {
	e.body = req.Body
	return &http.Response{StatusCode: http.StatusServiceUnavailable, Body: http.NoBody}, nil
}

func TestABodyIsNotReadBehindItsAnswer(t *testing.T) {
	content := strings.NewReader("what is sent again")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://127.0.0.1:1/", io.NopCloser(content))
	if err != nil {
		t.Fatal(err)
	}
	var inner early
	resp, err := released{&inner}.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if n, err := inner.body.Read(make([]byte, 4)); n != 0 || err == nil {
		t.Errorf("read %d bytes, %v", n, err)
	}
	if content.Len() != len("what is sent again") {
		t.Errorf("%d bytes are left for the next request", content.Len())
	}
}
