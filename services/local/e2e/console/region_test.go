package console

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/waymark-events/waymark/pkg/telemetry"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/console"
	"github.com/waymark-events/waymark/services/edge"
	"github.com/waymark-events/waymark/services/local/e2e/inprocess"
	"github.com/waymark-events/waymark/services/local/kafkatest"
)

// An edge takes events and nobody carries them on: an operator sees how many are under way, and nobody else.
func TestOperatorsSeeTheWholeRegion(t *testing.T) {
	brokers := kafkatest.Start(t)
	client := kafkatest.Client(t, brokers)
	for _, topic := range []string{schemas.RawTopic("us"), schemas.EnrichedTopic("us"), schemas.DeadTopic("us")} {
		kafkatest.Topic(t, client, topic, 2, nil)
	}
	var collector, admin string
	h := newHouse(t, func(cfg *console.Config) {
		collector, admin = startEdge(t, cfg.Accounts, brokers)
		region := cfg.Regions["us"]
		region.Kafka.Brokers, region.Edges = []string{brokers}, []string{admin}
		cfg.Regions["us"] = region
	})
	for range 3 {
		resp, err := http.Post(collector+"/v1/events", "application/json", strings.NewReader(`{"key":"wk_of_shop","events":[{"time":1551784063000,"type":"view","data":{"type":"page"}}]}`))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("the edge answers %s", resp.Status)
		}
	}
	h.insert("shop", "01890c3a-7b1e-7c3d-8e4f-000000000000")
	h.insert("rival", "01890c3a-7b1e-7c3d-8e4f-100000000000")
	type report struct {
		Door *struct {
			Edges, Accepted, Stored, Dead, Difference int
			Exact                                     bool
			Error                                     string
		}
		Lag *struct {
			Error  string
			Stages []struct {
				Stage, Topic        string
				Partitions, Records int
			}
		}
	}
	look := func() (r report) {
		t.Helper()
		if err := json.Unmarshal([]byte(h.get("/api/health-data?account=shop").text), &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := look(); r.Door != nil || r.Lag != nil {
		t.Errorf("who is no operator sees %+v", r)
	}
	h.as = ops
	r := look()
	// Rows of both accounts arrived since the edge started; one of the house's own may have, too.
	if r.Door == nil || r.Door.Edges != 1 || r.Door.Accepted != 3 || r.Door.Stored < 2 || r.Door.Stored > 4 || r.Door.Difference != r.Door.Accepted-r.Door.Stored-r.Door.Dead || !r.Door.Exact || r.Door.Error != "" {
		t.Errorf("door: %+v", r.Door)
	}
	want := "[{enricher events.raw.us 2 3} {sink events.enriched.us 2 0} {sink events.dead.us 2 0}]"
	if r.Lag == nil || fmt.Sprint(r.Lag.Stages) != want || r.Lag.Error != "" {
		t.Errorf("lag: %+v, want %s", r.Lag, want)
	}
}

func TestAPartThatCannotBeHadSaysSo(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close() // nobody listens there
	h := newHouse(t, func(cfg *console.Config) {
		region := cfg.Regions["us"]
		region.Kafka.Brokers, region.Edges = []string{l.Addr().String()}, []string{"http://" + l.Addr().String()}
		cfg.Regions["us"] = region
	})
	h.as = ops
	a := h.get("/api/health-data?account=shop")
	if a.status != http.StatusOK || !strings.Contains(a.text, "Kafka does not answer.") || !strings.Contains(a.text, "An edge's metrics cannot be read.") || !strings.Contains(a.text, `"events":150`) {
		t.Errorf("%d %s", a.status, a.text)
	}
	if strings.Contains(a.text, l.Addr().String()) {
		t.Errorf("addresses are told: %s", a.text)
	}
}

// startEdge returns the addresses of a collector and of its admin port.
func startEdge(t *testing.T, accounts, brokers string) (collector, admin string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cfg := edge.DefaultConfig()
	cfg.Listener, cfg.Accounts, cfg.Timeouts.Leave = listener, accounts, 0
	region := edge.Region{}
	region.Kafka.Brokers = []string{brokers}
	cfg.Regions = map[string]edge.Region{"us": region, "eu": region}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	s := inprocess.Start(t, "edge", func(ctx context.Context, tel telemetry.Telemetry) error { return edge.Run(ctx, cfg, tel) })
	s.Registry.MustRegister(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})) // as pkg/process has it
	server := httptest.NewServer(telemetry.AdminHandler(s.Health, s.Registry))
	t.Cleanup(server.Close)
	return "http://" + listener.Addr().String(), server.URL
}
