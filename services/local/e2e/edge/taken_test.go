package edge

import (
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/local/engines/broker"
	"github.com/waymark-events/waymark/services/local/kafkatest"
	"github.com/waymark-events/waymark/services/local/rigs/faultproxy"
)

const restored = `waymark_edge_spool_restored_events_total{region="us"}`

// Kafka is away, the spool holds events, and its folder is taken away. Then the edge is killed.
func TestWhatWasAcceptedSurvivesTheLossOfTheSpoolsFolderAndAKill(t *testing.T) {
	for name, take := range map[string]func(dir string) error{
		"deleted": func(dir string) error { return errors.Join(os.Rename(dir, dir+".gone"), os.RemoveAll(dir+".gone")) },
		"renamed": func(dir string) error { return os.Rename(dir, dir+".old") },
		"emptied": func(dir string) error { return emptied(filepath.Join(dir, "us")) },
		"file replaced": func(dir string) error {
			return os.Rename(filepath.Join(dir, "us", "lock"), filepath.Join(dir, "us", "0000000000000001.spool"))
		},
	} {
		for _, more := range []bool{true, false} { // more is sent before the kill, or nothing
			t.Run(name, func(t *testing.T) {
				address, proxy := kafkatest.StartProxied(t)
				client := kafkatest.Client(t, address)
				kafkatest.Topic(t, client, schemas.RawTopic("us"), 2, nil)
				spool := filepath.Join(t.TempDir(), "spool")
				p, door := program(t, address, spool)
				logs := t.TempDir()
				serve(t, p, logs)
				proxy.Refuse(true)
				proxy.Cut()
				var accepted []string
				send := func(n int) {
					for range n {
						id := uuid.NewString()
						kafkatest.Wait(t, func() bool {
							if err := p.Alive(); err != nil {
								t.Fatal(err)
							}
							return ask(door, id, "v") == 200
						}, "the edge accepts")
						accepted = append(accepted, id)
					}
				}
				send(20)
				if err := take(spool); err != nil {
					t.Fatal(err)
				}
				if more {
					send(20)
				}
				kafkatest.Wait(t, func() bool { n, err := p.Metric(restored); return err == nil && n >= 20 }, "what was taken away is written anew")
				if err := p.Kill(); err != nil {
					t.Fatal(err)
				}
				serve(t, p, logs)
				proxy.Heal()
				kafkatest.Wait(t, func() bool { n, err := p.Metric(`waymark_edge_spool_events{region="us"}`); return err == nil && n == 0 }, "the spool is drained")
				if got := rawEvents(t, client)["v"]; !slices.Equal(got, accepted) {
					t.Errorf("%d events accepted, %d on the raw topic, or in another order", len(accepted), len(got))
				}
				if err := p.Stop(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// Kafka is away, and the spool's disk takes nothing. Clients are told so, readiness names both, and the log says it once.
func TestKafkaAndTheSpoolFailingTogetherAreNamedBoth(t *testing.T) {
	address, proxy := kafkatest.StartProxied(t)
	kafkatest.Topic(t, kafkatest.Client(t, address), schemas.RawTopic("us"), 2, nil)
	spool := filepath.Join(t.TempDir(), "spool")
	p, door := program(t, address, spool)
	logs := t.TempDir()
	serve(t, p, logs)
	proxy.Refuse(true)
	proxy.Cut()
	if err := errors.Join(os.RemoveAll(spool), os.WriteFile(spool, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	for range 30 {
		if status := ask(door, uuid.NewString(), "v"); status != 503 {
			t.Fatalf("status %d", status)
		}
	}
	resp, err := http.Get("http://" + p.Admin + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	why, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 503 || !strings.Contains(string(why), "kafka: ") || !strings.Contains(string(why), "spool: ") {
		t.Errorf("%s %s, %v", resp.Status, why, err)
	}
	text, err := os.ReadFile(filepath.Join(logs, "edge.log"))
	if err != nil {
		t.Fatal(err)
	}
	for says, want := range map[string]int{"neither Kafka nor the spool takes events": 1, "the spool is drained": 0} {
		if n := strings.Count(string(text), says); n != want {
			t.Errorf("the log says %d times, not %d, that %s", n, want, says)
		}
	}
}

func emptied(dir string) error {
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	for _, name := range names {
		if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return err
}

// Events wait in the spool for longer than the raw topic keeps its records. Kafka must not delete them as soon as they come.
func TestWhatWaitedLongerThanTheTopicsRetentionIsNotDeletedUnread(t *testing.T) {
	const retention = 5 * time.Second
	var proxy *faultproxy.Proxy
	b, err := broker.Start(broker.Config{Address: "127.0.0.1:0", Advertise: func(listening string) (string, error) {
		var err error
		if proxy, err = faultproxy.Listen(listening); err != nil {
			return "", err
		}
		return proxy.Addr(), nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { proxy.Close(); b.Close() })
	client := kafkatest.Client(t, b.Address())
	kafkatest.Topic(t, client, schemas.RawTopic("us"), 2, map[string]string{"retention.ms": "5000"})
	p, door := program(t, b.Address(), t.TempDir())
	serve(t, p, t.TempDir())
	proxy.Refuse(true)
	proxy.Cut()
	var accepted []string
	for range 10 {
		id := uuid.NewString()
		if status := ask(door, id, "v"); status != 200 {
			t.Fatalf("status %d", status)
		}
		accepted = append(accepted, id)
	}
	since := time.Now()
	kafkatest.Wait(t, func() bool { return time.Since(since) > retention }, "the retention is over")
	proxy.Heal()
	kafkatest.Wait(t, func() bool { n, err := p.Metric(`waymark_edge_spool_events{region="us"}`); return err == nil && n == 0 }, "the spool is drained")
	drained := time.Now()
	b.ApplyRetention()
	got := rawEvents(t, client)["v"]
	if took := time.Since(drained); took > retention/2 {
		t.Fatalf("this machine took %s to look: nothing can be said", took)
	}
	if !slices.Equal(got, accepted) {
		t.Errorf("of %d events that waited %d are on the raw topic", len(accepted), len(got))
	}
	// Retention works here: when they are old by their new time, they go.
	kafkatest.Wait(t, func() bool { b.ApplyRetention(); return len(rawEvents(t, client)["v"]) == 0 }, "retention deletes them in its time")
	if err := p.Stop(); err != nil {
		t.Error(err)
	}
}
