package state

import (
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// A Door compares what edges accepted since they started with what is stored of that time, in the whole region.
type Door struct {
	// Since is when the edge that has run the longest started.
	Since    time.Time `json:"since"`
	Edges    int       `json:"edges"`
	Accepted float64   `json:"accepted"`
	Stored   any       `json:"stored"`
	Dead     any       `json:"dead"`
	// Difference is what is accepted and neither stored nor dead: under way, or a client's repetition.
	Difference float64 `json:"difference"`
	// Exact is false with several edges: what one of them took before it was started again is stored, but counted no more.
	Exact bool   `json:"exact"`
	Error string `json:"error,omitempty"`
}

const (
	scrapeTime = 3 * time.Second
	// scrapeBytes bounds what is read of an edge's metrics.
	scrapeBytes = 8 << 20
)

func (r Region) door(ctx context.Context, region string, client *http.Client) *Door {
	d := &Door{Edges: len(r.Edges), Exact: len(r.Edges) == 1}
	for _, edge := range r.Edges {
		accepted, since, err := scrape(ctx, client, edge, region)
		if err != nil {
			d.Error = "An edge's metrics cannot be read."
			return d
		}
		d.Accepted += accepted
		if d.Since.IsZero() || since.Before(d.Since) {
			d.Since = since
		}
	}
	rows, err := r.ask(ctx, doorSQL, map[string]string{"since": milliseconds(d.Since)})
	if err != nil || len(rows) != 1 {
		d.Error = unanswered
		return d
	}
	d.Stored, d.Dead = rows[0]["stored"], rows[0]["dead"]
	d.Difference = d.Accepted - toFloat(d.Stored) - toFloat(d.Dead)
	return d
}

func toFloat(value any) float64 {
	switch v := value.(type) {
	case uint64:
		return float64(v)
	case int64:
		return float64(v)
	}
	return 0
}

// scrape reads an edge's metrics: how many events of a region it accepted since it started, and when that was.
func scrape(ctx context.Context, client *http.Client, edge, region string) (accepted float64, since time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, scrapeTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(edge, "/")+"/metrics", nil)
	if err != nil {
		return 0, time.Time{}, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, time.Time{}, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return 0, time.Time{}, fmt.Errorf("edge answers %s", resp.Status)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(io.LimitReader(resp.Body, scrapeBytes))
	if err != nil {
		return 0, time.Time{}, err
	}
	for _, m := range families["waymark_edge_events_total"].GetMetric() {
		if label(m, "region") == region && label(m, "result") == "accepted" {
			accepted += m.GetCounter().GetValue()
		}
	}
	started := families["process_start_time_seconds"].GetMetric()
	if len(started) == 0 {
		return 0, time.Time{}, fmt.Errorf("edge does not say when it started")
	}
	seconds, fraction := math.Modf(started[0].GetGauge().GetValue())
	return accepted, time.Unix(int64(seconds), int64(fraction*1e9)).UTC().Truncate(time.Millisecond), nil
}

func label(m *dto.Metric, name string) string {
	for _, l := range m.GetLabel() {
		if l.GetName() == name {
			return l.GetValue()
		}
	}
	return ""
}
