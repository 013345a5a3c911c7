// Package cost measures what a million events cost the edge, above what net/http takes for the same requests.
package cost

import (
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/local/kafkatest"
	"github.com/waymark-events/waymark/services/local/rigs/child"
)

// edgesVariable names programs to compare, with commas between them: other builds of waymark-edge. Without it the tree's own is built.
const edgesVariable = "WAYMARK_EDGES"

// One round of one program has so many events, or so many requests, whichever are fewer: about a second of its work.
const (
	eventsARound   = 60_000
	requestsARound = 8_000
)

// BenchmarkEdge sends the same requests over loopback to each edge and to a bare server that reads them, in turns, b.N rounds of each. It
// prints medians: CPU seconds and heap objects a million events, and CPU above the bare server's. Kafka is embedded, in this process. It
// needs Linux.
func BenchmarkEdge(b *testing.B) {
	names := programs(b)
	kafka, create := kafkatest.StartAdvertising(b, "")
	create(schemas.RawTopic("us"), 8, nil)
	floor := startFloor(b)
	edges := make([]*edge, len(names))
	for i, name := range names {
		edges[i] = startEdge(b, i, name, kafka)
	}
	for _, size := range []int{1, 18, 50} {
		for _, packed := range []bool{false, true} {
			name := fmt.Sprintf("%d events a request", size)
			if packed {
				name += ", gzip"
			}
			requests := makeRequests(b, size, packed)
			b.Run(name, func(b *testing.B) { compare(b, floor, edges, requests, size) })
		}
	}
}

// compare runs b.N rounds and reports the medians.
func compare(b *testing.B, floor *edge, edges []*edge, requests [][]byte, size int) {
	all := append([]*edge{floor}, edges...)
	costs, objects := make([][]float64, len(all)), make([][]float64, len(all))
	for _, e := range all {
		e.send(b, requests, eventsARound/4, size) // connections, pools and caches are warm
	}
	for round := range b.N {
		for turn := range all {
			i := (turn + round) % len(all)
			before := all[i].usage(b)
			sent := all[i].send(b, requests, eventsARound, size)
			after := all[i].usage(b)
			costs[i] = append(costs[i], (after.CPU-before.CPU).Seconds()/float64(sent)*1e6)
			objects[i] = append(objects[i], (after.Mallocs-before.Mallocs)/float64(sent))
		}
	}
	bare := median(costs[0])
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(bare, "floor-cpu-s/M")
	for i, e := range edges {
		whole := median(costs[i+1])
		b.ReportMetric(whole, e.label+"cpu-s/M")
		b.ReportMetric(whole-bare, e.label+"above-cpu-s/M")
		b.ReportMetric(median(objects[i+1]), e.label+"objects/event")
		if i > 0 {
			b.ReportMetric((whole-bare)/(median(costs[1])-bare), e.label+"above/first's")
		}
	}
}

func median(of []float64) float64 {
	if len(of) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(of))
	return (sorted[len(sorted)/2] + sorted[(len(sorted)-1)/2]) / 2
}

// programs are the edges to measure.
func programs(b *testing.B) []string {
	if list := os.Getenv(edgesVariable); list != "" {
		return strings.Split(list, ",")
	}
	program := filepath.Join(b.TempDir(), "waymark-edge")
	build := exec.Command("go", "build", "-o", program, "github.com/waymark-events/waymark/services/edge/cmd/waymark-edge")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("build the edge: %v: %s", err, out)
	}
	return []string{program}
}

const key = "wk_cost_key"

// An edge is a server under measurement in a process of its own.
type edge struct {
	*child.Process
	label, address string
}

func startEdge(b *testing.B, n int, program, kafka string) *edge {
	dir := b.TempDir()
	accounts := filepath.Join(dir, "accounts.yaml")
	if err := os.WriteFile(accounts, []byte("accounts: [{id: cost, region: us, write_keys: ["+key+"], policy: {level: 3}}]"), 0o600); err != nil {
		b.Fatal(err)
	}
	free, err := child.FreeAddresses(2)
	if err != nil {
		b.Fatal(err)
	}
	e := &edge{address: free[0], Process: &child.Process{Name: fmt.Sprintf("edge %d", n), Args: []string{program}, Admin: free[1]}}
	if n > 0 {
		e.label = fmt.Sprintf("%d-", n+1)
	}
	for name, value := range map[string]string{
		"LISTEN": free[0], "ADMIN": free[1], "ACCOUNTS": accounts, "LOG_LEVEL": "warn", "REGIONS_US_KAFKA_BROKERS": kafka,
		"TRUSTED_PROXIES": "127.0.0.0/8",
	} {
		e.Env = append(e.Env, "WAYMARK_EDGE_"+name+"="+value)
	}
	e.run(b, dir)
	return e
}

func (e *edge) run(b *testing.B, dir string) {
	if err := e.Start(context.Background(), dir); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := e.Stop(); err != nil {
			b.Error(err)
		}
	})
	if err := e.Ready(context.Background()); err != nil {
		b.Fatal(err)
	}
}

func (e *edge) usage(b *testing.B) child.Usage {
	u, err := e.Usage()
	if err != nil {
		b.Fatal(err)
	}
	return u
}
