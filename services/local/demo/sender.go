package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/waymark-events/waymark/pkg/retry"
)

// A Sender posts deliveries to an edge as recorders do: one request, and the same events again until they are answered.
type Sender struct {
	// URL is the edge's, such as http://127.0.0.1:8080.
	URL    string
	Client *http.Client
}

// NewSender returns a sender that keeps up to connections open.
func NewSender(url string, connections int) *Sender {
	return &Sender{URL: url, Client: &http.Client{
		Timeout:   30 * time.Second,
		Transport: &http.Transport{MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections, DisableCompression: true},
	}}
}

// Close closes the idle connections.
func (s *Sender) Close() { s.Client.CloseIdleConnections() }

// An Answer counts what became of a delivery's events.
type Answer struct {
	Accepted, Rejected int
	Retries            int
	Refusal            string // the first rejection's or refusal's words
}

// Send posts d until the edge answers for good or ctx ends. Requests that got no answer, 429 and 503 are repeated with the same
// event ids, after what Retry-After says or a growing pause.
func (s *Sender) Send(ctx context.Context, d *Delivery) (Answer, error) {
	var out Answer
	pause := 100 * time.Millisecond
	for {
		answer, wait, err := s.post(ctx, d)
		if ctx.Err() != nil {
			return out, ctx.Err()
		}
		if err == nil && wait == 0 {
			answer.Retries = out.Retries
			return answer, nil
		}
		out.Retries++
		if wait == 0 {
			wait = pause/2 + rand.N(pause) // spread, so that clients do not come back all at once
			pause = min(2*pause, 5*time.Second)
		}
		if err := retry.Pause(ctx, wait); err != nil {
			return out, err
		}
	}
}

// post makes one request. A wait above 0 says to come back after it.
func (s *Sender) post(ctx context.Context, d *Delivery) (a Answer, wait time.Duration, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/v1/events", bytes.NewReader(d.body(time.Now())))
	if err != nil {
		return a, 0, err
	}
	for name, values := range d.who.agent.hints {
		req.Header[name] = values
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", d.who.agent.userAgent)
	req.Header.Set("X-Forwarded-For", d.who.addr.String())
	req.Header.Set("X-Write-Key", d.Account.WriteKey)
	resp, err := s.Client.Do(req)
	if err != nil {
		return a, 0, fmt.Errorf("post to the edge: %w", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 4<<20))
	if err != nil {
		return a, 0, fmt.Errorf("read the edge's answer: %w", err)
	}
	switch resp.StatusCode {
	case http.StatusOK:
		if bytes.Count(text, accepted) == len(d.Events) { // nearly always, and much cheaper than to read it
			return Answer{Accepted: len(d.Events)}, 0, nil
		}
		return s.count(text)
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return a, retryAfter(resp.Header.Get("Retry-After")), nil
	}
	return Answer{Rejected: len(d.Events), Refusal: resp.Status + ": " + string(text[:min(len(text), 300)])}, 0, nil
}

var accepted = []byte(`"status":"accepted"`)

// body is the batch as a recorder posts it. sentAt is by the visitor's clock, which may be wrong.
func (d *Delivery) body(now time.Time) []byte {
	size := 64
	for _, e := range d.Events {
		size += len(e) + 1
	}
	out := append(make([]byte, 0, size), `{"sentAt":`...)
	out = strconv.AppendInt(out, now.Add(d.who.skew).UnixMilli(), 10)
	out = append(out, `,"events":[`...)
	for i, e := range d.Events {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, e...)
	}
	return append(out, "]}"...)
}

// count reads the edge's result for each event.
func (s *Sender) count(text []byte) (a Answer, _ time.Duration, err error) {
	var answer struct {
		Results []struct {
			Status  string `json:"status"`
			Code    string `json:"code"`
			Path    string `json:"path"`
			Message string `json:"message"`
		} `json:"results"`
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return a, 0, fmt.Errorf("read the edge's answer: %w", err)
	}
	for _, r := range answer.Results {
		if r.Status == "accepted" {
			a.Accepted++
			continue
		}
		a.Rejected++
		if a.Refusal == "" {
			a.Refusal = r.Code + " " + r.Path + " " + r.Message
		}
	}
	return a, 0, nil
}

// retryAfter reads the header's seconds (RFC 9110 §10.2.3); a second when it says nothing usable.
func retryAfter(value string) time.Duration {
	if seconds, err := strconv.Atoi(value); err == nil && seconds >= 0 && seconds < 3600 {
		return max(time.Duration(seconds)*time.Second, 10*time.Millisecond)
	}
	return time.Second
}
