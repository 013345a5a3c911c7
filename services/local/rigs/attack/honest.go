package attack

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// A traffic is what honest clients noticed.
type traffic struct {
	mu      sync.Mutex
	took    []time.Duration // of each request, from when it was due
	control []time.Duration // of as many requests to the server that nobody attacks
	failed  map[string]int  // by status, or why there was none
}

// honest sends rate requests a second, when each is due and whether or not others were answered: half of them over TLS and HTTP/2.
func (d *door) honest(ctx context.Context, duration time.Duration, rate int) (*traffic, error) {
	t := &traffic{failed: make(map[string]int)}
	clients := []*http.Client{
		{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
		{Timeout: 30 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: d.PEM.Pool()}, ForceAttemptHTTP2: true}},
	}
	urls := []string{"http://" + d.Plain + "/v1/events", "https://" + d.Secure + "/v1/events"}
	var waiting sync.WaitGroup
	begin := time.Now()
	for n := 0; ; n++ {
		due := begin.Add(time.Duration(n) * time.Second / time.Duration(rate))
		if due.Sub(begin) >= duration {
			break
		}
		timer := time.NewTimer(time.Until(due))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
		if ctx.Err() != nil {
			break
		}
		waiting.Go(func() {
			status := post(clients[n%2], urls[n%2], n) // not cut off with the attack: each is waited for
			t.mu.Lock()
			defer t.mu.Unlock()
			t.took = append(t.took, time.Since(due))
			if status != "200 OK" {
				t.failed[status]++
			}
		})
		waiting.Go(func() {
			_ = post(clients[0], "http://"+d.Control, n)
			t.mu.Lock()
			defer t.mu.Unlock()
			t.control = append(t.control, time.Since(due))
		})
	}
	waiting.Wait()
	slices.Sort(t.control)
	for _, c := range clients {
		c.CloseIdleConnections()
	}
	if len(t.took) == 0 {
		return nil, fmt.Errorf("no honest request was sent: %w", ctx.Err())
	}
	slices.Sort(t.took)
	return t, nil
}

// post sends five events of one visitor.
func post(client *http.Client, url string, n int) string {
	event := fmt.Sprintf(`{"time":%d,"type":"step","data":{"type":"wt","oId":124909,"oName":"Log in"},"page":{"url":"https://shop.example/a"},"user":{"guid":"v%d"},"props":{"plan":"pro"}}`,
		time.Now().UnixMilli(), n)
	req, err := http.NewRequest(http.MethodPost, url, strings.NewReader("["+strings.Repeat(event+",", 4)+event+"]"))
	if err != nil {
		return err.Error()
	}
	req.Header.Set("X-Write-Key", honestKey)
	resp, err := client.Do(req)
	if err != nil {
		return "no answer"
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return "no whole answer"
	}
	if resp.StatusCode == http.StatusOK {
		return "200 OK"
	}
	return resp.Status
}

// quantile of the times, which are sorted, are no longer.
func quantile(times []time.Duration, q float64) time.Duration {
	return times[min(len(times)-1, int(q*float64(len(times))))]
}

func (t *traffic) failures() (n int) {
	for _, m := range t.failed {
		n += m
	}
	return n
}
