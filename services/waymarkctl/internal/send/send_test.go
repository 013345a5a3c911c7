package send

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// edge answers as the real one does; refusals come first, one a request.
type edge struct {
	refusals []int
	bodies   []string
}

func (e *edge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	e.bodies = append(e.bodies, string(body))
	if r.URL.Path != "/v1/events" || r.Header.Get("Authorization") != "Bearer wk_test_key" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if len(e.refusals) > 0 {
		code := e.refusals[0]
		e.refusals = e.refusals[1:]
		w.WriteHeader(code)
		fmt.Fprint(w, `{"error":{"code":"unavailable","message":"try again"}}`)
		return
	}
	var results []Result
	for line := range bytes.Lines(body) {
		if bytes.Contains(line, []byte("bad")) {
			results = append(results, Result{Status: "rejected", Code: "wrong_type", Path: "$.time"})
		} else if bytes.Contains(line, []byte("private")) {
			results = append(results, Result{Status: "ignored", Code: "not_collected"})
		} else {
			results = append(results, Result{Status: "accepted", ID: "x"})
		}
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"results": results})
}

func run(t *testing.T, e *edge, input string) (Totals, []int, error) {
	t.Helper()
	server := httptest.NewServer(e)
	defer server.Close()
	var rejected []int
	s := Sender{Client: server.Client(), URL: server.URL, WriteKey: "wk_test_key", Report: func(line int, _ Result) {
		rejected = append(rejected, line)
	}}
	total, err := s.Send(context.Background(), strings.NewReader(input))
	return total, rejected, err
}

func TestSendReportsRejectionsByLine(t *testing.T) {
	total, rejected, err := run(t, new(edge), "{\"a\":1}\n\n{\"bad\":1}\n{\"a\":2}\n{\"private\":1}")
	if err != nil || total != (Totals{Accepted: 2, Rejected: 1, Ignored: 1}) || !cmp.Equal(rejected, []int{3, 5}) {
		t.Errorf("%+v, rejected lines %v, error %v", total, rejected, err)
	}
}

func TestSendSplitsIntoBatches(t *testing.T) {
	e := new(edge)
	total, _, err := run(t, e, strings.Repeat("{}\n", maxBatchEvents+1))
	if err != nil || total.Accepted != maxBatchEvents+1 || len(e.bodies) != 2 {
		t.Errorf("%+v in %d requests, error %v", total, len(e.bodies), err)
	}
}

func TestSendRepeatsTheSameBytesWhileTheEdgeIsBusy(t *testing.T) {
	e := &edge{refusals: []int{503, 429}}
	total, _, err := run(t, e, "{}\n")
	if err != nil || total.Accepted != 1 || !cmp.Equal(e.bodies, []string{"{}\n", "{}\n", "{}\n"}) {
		t.Errorf("%+v, bodies %q, error %v", total, e.bodies, err)
	}
}

func TestSendStopsAtARefusal(t *testing.T) {
	e := &edge{refusals: []int{413}}
	_, _, err := run(t, e, "{}\n")
	if err == nil || !strings.Contains(err.Error(), "try again") || len(e.bodies) != 1 {
		t.Errorf("%d requests, error %v", len(e.bodies), err)
	}
}
