// Package ctl tests waymarkctl against an embedded Kafka and ClickHouse's own engine.
package ctl

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/local/engines/chdb/chdbtest"
	"github.com/waymark-events/waymark/services/local/kafkatest"
	"github.com/waymark-events/waymark/services/waymarkctl"
)

// region names a region to waymarkctl by its environment variables.
func region(t *testing.T, name, broker, clickhouse, database string) {
	t.Helper()
	prefix := "WAYMARK_WAYMARKCTL_REGIONS_" + strings.ToUpper(name) + "_"
	t.Setenv(prefix+"KAFKA_BROKERS", broker)
	t.Setenv(prefix+"CLICKHOUSE_ADDRESSES", clickhouse)
	t.Setenv(prefix+"CLICKHOUSE_DATABASE", database)
}

// us starts the engines of the only region, us, without topics and tables.
func us(t *testing.T) (*kafka.Client, chdbtest.Server) {
	t.Helper()
	broker, server := kafkatest.Start(t), chdbtest.Start(t)
	region(t, "us", broker, server.NativeAddr, server.Database)
	return kafkatest.Client(t, broker), server
}

// closed is a loopback address where nobody listens.
func closed(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	return listener.Addr().String()
}

func deadline(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func run(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = waymarkctl.Run(deadline(t), args, strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

// ok runs a command that must succeed, and returns what it printed.
func ok(t *testing.T, args ...string) string {
	t.Helper()
	code, stdout, stderr := run(t, args...)
	if code != 0 || stderr != "" {
		t.Fatalf("%v: status %d, %s", args, code, stderr)
	}
	return stdout
}

// fails runs a command that must fail with one line that says every word.
func fails(t *testing.T, words []string, args ...string) {
	t.Helper()
	code, _, stderr := run(t, args...)
	if code != 1 || strings.Count(stderr, "\n") != 1 {
		t.Errorf("%v: status %d, %q, want 1 and one line", args, code, stderr)
	}
	for _, word := range words {
		if !strings.Contains(stderr, word) {
			t.Errorf("%v: %q does not say %q", args, stderr, word)
		}
	}
}

func produce(t *testing.T, client *kafka.Client, topic string, partition int32, message interface{ MarshalVT() ([]byte, error) }) {
	t.Helper()
	value, err := message.MarshalVT()
	if err != nil {
		t.Fatal(err)
	}
	producer := client.NewProducer(kafka.DefaultProducerConfig())
	if _, err := producer.Produce(deadline(t), topic, partition, []event.Record{{Timestamp: 1_700_000_000_000, Value: value}}); err != nil {
		t.Fatal(err)
	}
	if err := producer.Close(deadline(t)); err != nil {
		t.Fatal(err)
	}
}

// objects reads JSON lines.
func objects(t *testing.T, lines string) []map[string]any {
	t.Helper()
	var out []map[string]any
	for line := range strings.Lines(lines) {
		var object map[string]any
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		out = append(out, object)
	}
	return out
}

var topics = []string{schemas.RawTopic("us"), schemas.EnrichedTopic("us"), schemas.DeadTopic("us")}
