package edge

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/local/kafkatest"
	"github.com/waymark-events/waymark/services/local/rigs/child"
)

// program is a real edge, as a process that can be killed.
func program(t *testing.T, broker, spool string) (*child.Process, string) {
	t.Helper()
	dir := t.TempDir()
	binary := filepath.Join(dir, "waymark-edge")
	if out, err := exec.Command("go", "build", "-o", binary, "github.com/waymark-events/waymark/services/edge/cmd/waymark-edge").CombinedOutput(); err != nil {
		t.Fatalf("build the edge: %v\n%s", err, out)
	}
	accounts := filepath.Join(dir, "accounts.yaml")
	if err := os.WriteFile(accounts, []byte("accounts: [{id: a, region: us, write_keys: [wk_test_key], policy: {level: 3}}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	addresses, err := child.FreeAddresses(2)
	if err != nil {
		t.Fatal(err)
	}
	return &child.Process{Name: "edge", Args: []string{binary}, Admin: addresses[1], Env: []string{
		"WAYMARK_EDGE_LISTEN=" + addresses[0], "WAYMARK_EDGE_ADMIN=" + addresses[1], "WAYMARK_EDGE_ACCOUNTS=" + accounts,
		"WAYMARK_EDGE_REGIONS_US_KAFKA_BROKERS=" + broker, "WAYMARK_EDGE_SPOOL_DIR=" + spool, "WAYMARK_EDGE_SPOOL_AFTER=200ms",
		"WAYMARK_EDGE_PRODUCER_TIMEOUT=1s", "WAYMARK_EDGE_TIMEOUTS_LEAVE=0s",
	}}, addresses[0]
}

// serve starts an edge, again too, and waits until it is ready. It is killed when the test ends.
func serve(t *testing.T, p *child.Process, logs string) {
	t.Helper()
	if err := p.Start(t.Context(), logs); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Kill() })
	if err := p.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// ask posts one event of a visitor and returns the status; 0 without an answer.
func ask(address, id, visitor string) int {
	body := fmt.Sprintf(`{"id":"%s","time":1700000000000,"type":"play","data":{"type":"wt","oId":1},"user":{"guid":"%s"}}`, id, visitor)
	req, err := http.NewRequest(http.MethodPost, "http://"+address+"/v1/events", bytes.NewReader([]byte(body)))
	if err != nil {
		return 0
	}
	req.Header.Set("X-Write-Key", "wk_test_key")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

// rawEvents are the ids on the raw topic by visitor, each at its first place, in order.
func rawEvents(t *testing.T, client *kafka.Client) map[string][]string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var bounds []kafka.PartitionOffsets
	kafkatest.Wait(t, func() (ok bool) {
		var err error
		bounds, err = client.Offsets(ctx, schemas.RawTopic("us"))
		return err == nil
	}, "Kafka tells the raw topic's offsets")
	out := map[string][]string{}
	for _, b := range bounds {
		for at := b.Start; at < b.End; {
			batch, err := kafkatest.Fetch(ctx, client, schemas.RawTopic("us"), b.Partition, at, kafka.DefaultFetchOptions)
			if err != nil {
				t.Fatal(err)
			}
			for _, rec := range batch.Records {
				var e struct {
					ID   string
					User struct{ GUID string }
				}
				if err := json.Unmarshal(rec.Value, &e); err != nil {
					t.Fatal(err)
				}
				if !slices.Contains(out[e.User.GUID], e.ID) {
					out[e.User.GUID] = append(out[e.User.GUID], e.ID)
				}
			}
			at = batch.Next
		}
	}
	return out
}

func TestEventsTakenWhileKafkaIsAwaySurviveKillsOfTheEdgeAndFollowInOrder(t *testing.T) {
	address, proxy := kafkatest.StartProxied(t)
	client := kafkatest.Client(t, address)
	kafkatest.Topic(t, client, schemas.RawTopic("us"), 2, nil)
	p, door := program(t, address, t.TempDir())
	logs := t.TempDir()
	serve(t, p, logs)

	const visitors = 8
	accepted := make([][]string, visitors)
	// Each visitor sends an event, and the same again until it is accepted, then the next.
	load := func(each int) {
		var all sync.WaitGroup
		for v := range visitors {
			all.Go(func() {
				for range each {
					id := uuid.NewString()
					for ask(door, id, fmt.Sprint("visitor ", v)) != 200 {
						if t.Context().Err() != nil {
							return
						}
					}
					accepted[v] = append(accepted[v], id)
				}
			})
		}
		all.Wait()
	}
	load(10)
	proxy.Refuse(true)
	proxy.Cut()
	for range 3 {
		load(20)
		if err := p.Kill(); err != nil {
			t.Fatal(err)
		}
		serve(t, p, logs) // ready though Kafka is away: the spool takes events
	}
	load(5)
	proxy.Heal()
	kafkatest.Wait(t, func() bool { n, err := p.Metric(`waymark_edge_spool_events{region="us"}`); return err == nil && n == 0 }, "the spool is drained")
	load(5)
	got := rawEvents(t, client)
	for v := range visitors {
		if name := fmt.Sprint("visitor ", v); !slices.Equal(got[name], accepted[v]) {
			t.Errorf("%s: %d events accepted, %d on the raw topic, or in another order", name, len(accepted[v]), len(got[name]))
		}
	}
	if err := p.Stop(); err != nil {
		t.Error(err)
	}
}
