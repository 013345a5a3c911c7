// Package send posts a file of events to an edge, as an SDK would: in batches, with retries that cannot double.
package send

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

const (
	// Batches stay below the edge's default limits of 500 events and 1 MiB.
	maxBatchEvents = 500
	maxBatchBytes  = 900 << 10
	// maxLine is the longest line read; the edge refuses far shorter events itself and says so.
	maxLine = 16 << 20

	maxTries   = 8
	firstPause = 200 * time.Millisecond
	maxPause   = 10 * time.Second
)

// A Sender posts NDJSON to one edge under one write key.
type Sender struct {
	Client *http.Client
	// URL is the edge's base URL.
	URL      string
	WriteKey string
	// Report hears of every event that was not accepted; line counts from 1.
	Report func(line int, result Result)
}

// A Result is the edge's answer for one event.
type Result struct {
	Status  string `json:"status"`
	ID      string `json:"id"`
	Code    string `json:"code"`
	Path    string `json:"path"`
	Message string `json:"message"`
}

// Totals count events.
type Totals struct{ Accepted, Rejected, Ignored int }

// Send posts every non-empty line of r. It stops at the first batch the edge refuses whole or does not take within the retries.
//
// A retry repeats the same bytes: events that carry an id of their own cannot double. Events without one are given theirs
// by the edge, so a retry after a lost answer may store them twice.
func (s *Sender) Send(ctx context.Context, r io.Reader) (Totals, error) {
	var total Totals
	var body bytes.Buffer
	var lines []int
	flush := func() error {
		if len(lines) == 0 {
			return nil
		}
		results, err := s.post(ctx, body.Bytes())
		if err != nil {
			return fmt.Errorf("lines %d–%d: %w", lines[0], lines[len(lines)-1], err)
		}
		if len(results) != len(lines) {
			return fmt.Errorf("lines %d–%d: sent %d events, got %d results", lines[0], lines[len(lines)-1], len(lines), len(results))
		}
		for i, result := range results {
			switch result.Status {
			case "accepted":
				total.Accepted++
				continue
			case "ignored": // the account's policy does not collect it
				total.Ignored++
			default:
				total.Rejected++
			}
			s.Report(lines[i], result)
		}
		body.Reset()
		lines = lines[:0]
		return nil
	}

	scanner := bufio.NewScanner(r)
	scanner.Buffer(make([]byte, 64<<10), maxLine)
	for line := 1; scanner.Scan(); line++ {
		event := bytes.TrimSpace(scanner.Bytes())
		if len(event) == 0 {
			continue
		}
		if len(lines) == maxBatchEvents || body.Len()+len(event) > maxBatchBytes {
			if err := flush(); err != nil {
				return total, err
			}
		}
		body.Write(event)
		body.WriteByte('\n')
		lines = append(lines, line)
	}
	if err := scanner.Err(); err != nil {
		return total, fmt.Errorf("read events: %w", err)
	}
	return total, flush()
}

// post sends one batch, again and again while the edge says that it could not take it now.
func (s *Sender) post(ctx context.Context, body []byte) ([]Result, error) {
	pause := firstPause
	for try := 1; ; try++ {
		results, wait, err := s.postOnce(ctx, body)
		if err == nil || wait < 0 || try == maxTries {
			return results, err
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(err, ctx.Err())
		case <-time.After(max(wait, pause)):
		}
		pause = min(2*pause, maxPause)
	}
}

// postOnce returns how long to wait at least before another try; a negative wait means that none would help.
func (s *Sender) postOnce(ctx context.Context, body []byte) ([]Result, time.Duration, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/v1/events", bytes.NewReader(body))
	if err != nil {
		return nil, -1, err
	}
	req.Header.Set("Content-Type", "application/x-ndjson")
	req.Header.Set("Authorization", "Bearer "+s.WriteKey)
	req.Header.Set("User-Agent", "waymarkctl")
	resp, err := s.Client.Do(req)
	if err != nil {
		return nil, 0, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, 0, fmt.Errorf("read the edge's answer: %w", err)
	}
	switch {
	case resp.StatusCode == http.StatusOK:
		var ok struct {
			Results []Result `json:"results"`
		}
		if err := json.Unmarshal(answer, &ok); err != nil {
			return nil, -1, fmt.Errorf("the edge's answer: %w", err)
		}
		return ok.Results, 0, nil
	case resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= 500:
		seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
		return nil, time.Duration(max(seconds, 0)) * time.Second, refusal(resp, answer)
	}
	return nil, -1, refusal(resp, answer)
}

func refusal(resp *http.Response, answer []byte) error {
	var body struct {
		Error struct{ Code, Message string } `json:"error"`
	}
	if json.Unmarshal(answer, &body) == nil && body.Error.Message != "" {
		return fmt.Errorf("%s: %s: %s", resp.Status, body.Error.Code, body.Error.Message)
	}
	return fmt.Errorf("%s", resp.Status)
}
