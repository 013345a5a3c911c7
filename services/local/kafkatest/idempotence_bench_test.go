package kafkatest

import (
	"context"
	"syscall"
	"testing"
	"time"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
)

// What numbering batches costs: the same batches written with and without, by turns, so that both meet the same machine. The
// processor time is this process's: with the embedded broker it includes the broker's.
func BenchmarkIdempotence(b *testing.B) {
	client := Client(b, Start(b))
	const size = 1000
	recs := make([]event.Record, size)
	for i := range recs {
		recs[i] = event.Record{Timestamp: time.Now().UnixMilli(), Key: []byte("account|visitor"), Value: make([]byte, 500)}
	}
	type side struct {
		name      string
		producer  *kafka.Producer
		wall, cpu time.Duration
	}
	var sides []*side
	for name, idempotent := range map[string]bool{"plain": false, "idempotent": true} {
		Topic(b, client, "bench-"+name, 1, nil)
		cfg := kafka.DefaultProducerConfig()
		cfg.Idempotent = idempotent
		sides = append(sides, &side{name: name, producer: client.NewProducer(cfg)})
	}
	for b.Loop() {
		for _, s := range sides {
			wall, cpu := time.Now(), cpuTime(b)
			for range 20 {
				if _, err := s.producer.Produce(context.Background(), "bench-"+s.name, 0, recs); err != nil {
					b.Fatal(err)
				}
			}
			s.wall += time.Since(wall)
			s.cpu += cpuTime(b) - cpu
		}
	}
	cost := map[string]*side{}
	for _, s := range sides {
		cost[s.name] = s
		records := float64(b.N * 20 * size)
		b.ReportMetric(float64(s.wall.Nanoseconds())/records, s.name+"-ns/record")
		b.ReportMetric(s.cpu.Seconds()/records*1e6, s.name+"-cpu-s/million")
	}
	b.ReportMetric(float64(cost["idempotent"].wall)/float64(cost["plain"].wall), "wall-ratio")
	b.ReportMetric(float64(cost["idempotent"].cpu)/float64(cost["plain"].cpu), "cpu-ratio")
}

func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
