package chaos

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/kafka/admin"
	"github.com/waymark-events/waymark/pkg/retry"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/local/engines/apachekafka"
	"github.com/waymark-events/waymark/services/local/rigs/child"
	"github.com/waymark-events/waymark/services/local/rigs/faultproxy"
)

// A cluster is the Kafka under test. Every client and broker reaches its nodes through proxies.
type cluster interface {
	Brokers() []string
	// Kill ends node i as kill -9 does; Start brings it back, with what it had on disk.
	Kill(i int)
	Start(i int) error
	Stop()
}

// embedded is the embedded Kafka: one node, a process of waymark-local.
type embedded struct {
	process *child.Process
	dir     string
	told    string
}

func startEmbedded(ctx context.Context, binary, dir string, proxies *[]*faultproxy.Proxy) (cluster, error) {
	address, err := child.FreeAddresses(1)
	if err != nil {
		return nil, err
	}
	proxy, err := faultproxy.Listen(address[0])
	if err != nil {
		return nil, err
	}
	*proxies = append(*proxies, proxy)
	e := &embedded{dir: dir, told: proxy.Addr(), process: &child.Process{
		Name: "kafka", Says: "is ready",
		Args: []string{binary, "kafka", "--data=" + filepath.Join(dir, "kafka-data"), "--kafka=" + address[0], "--kafka-advertised=" + proxy.Addr()},
	}}
	return e, e.Start(0)
}

func (e *embedded) Brokers() []string { return []string{e.told} }
func (e *embedded) Kill(int)          { _ = e.process.Kill() }
func (e *embedded) Stop()             { _ = e.process.Kill() }

// Start tries several times: at its start waymark-local makes the topics through the proxy, which another fault may be cutting.
func (e *embedded) Start(int) (err error) {
	ctx := context.Background()
	for range 5 {
		if err = e.process.Start(ctx, e.dir); err != nil {
			return err
		}
		if err = e.process.Ready(ctx); err == nil || e.process.Alive() == nil {
			return err
		}
	}
	return err
}

// topicSpecs are the region's topics with all their partitions: as waymark-local makes them, or, on Apache Kafka, as production has them,
// three copies, two of them in sync.
func topicSpecs(region string, apacheKafka bool) ([]admin.TopicSpec, error) {
	topics, err := schemas.Topics(region)
	if err != nil {
		return nil, err
	}
	copies, inSync := 1, "1"
	if apacheKafka {
		copies, inSync = 3, "2"
	}
	var specs []admin.TopicSpec
	for _, t := range topics {
		t.Config["min.insync.replicas"] = inSync
		specs = append(specs, admin.TopicSpec{Name: t.Name, Partitions: t.Partitions, ReplicationFactor: copies, Config: t.Config})
	}
	return specs, nil
}

// startApache starts three nodes of Apache Kafka, with the region's topics.
func startApache(ctx context.Context, dir, region string, proxies *[]*faultproxy.Proxy) (cluster, error) {
	c, err := apachekafka.Run(filepath.Join(dir, "apache-kafka"), 3)
	if err != nil {
		return c, err
	}
	for i := range c.Brokers() {
		*proxies = append(*proxies, c.Proxy(i))
	}
	specs, err := topicSpecs(region, true)
	if err != nil {
		return c, err
	}
	client, err := newKafka(c.Brokers())
	if err != nil {
		return c, err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		_, err = admin.ApplyTopics(ctx, client, specs)
		if err == nil || retry.Pause(ctx, time.Second) != nil {
			return c, err
		}
	}
}

func newKafka(brokers []string) (*kafka.Client, error) {
	cfg := kafka.DefaultConfig()
	cfg.Brokers = brokers
	return kafka.NewClient(cfg, zap.NewNop(), prometheus.NewRegistry())
}

// moveLeaders makes another replica the leader of every partition of the topics: the order of the replicas is rotated, and the
// preferred leaders are elected.
func moveLeaders(ctx context.Context, brokers []string, topics ...string) (int, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...))
	if err != nil {
		return 0, fmt.Errorf("make a client: %w", err)
	}
	defer client.Close()
	ask := kmsg.NewPtrMetadataRequest()
	for _, topic := range topics {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = kmsg.StringPtr(topic)
		ask.Topics = append(ask.Topics, t)
	}
	now, err := ask.RequestWith(ctx, client)
	if err != nil {
		return 0, fmt.Errorf("ask who leads: %w", err)
	}
	reorder, elect := kmsg.NewPtrAlterPartitionAssignmentsRequest(), kmsg.NewPtrElectLeadersRequest()
	reorder.TimeoutMillis, elect.TimeoutMillis = 10_000, 10_000
	moved := 0
	for _, t := range now.Topics {
		r, e := kmsg.NewAlterPartitionAssignmentsRequestTopic(), kmsg.NewElectLeadersRequestTopic()
		r.Topic, e.Topic = *t.Topic, *t.Topic
		for _, p := range t.Partitions {
			change := kmsg.NewAlterPartitionAssignmentsRequestTopicPartition()
			change.Partition = p.Partition
			change.Replicas = append(slices.Clone(p.Replicas[1:]), p.Replicas[0])
			r.Partitions = append(r.Partitions, change)
			e.Partitions = append(e.Partitions, p.Partition)
			moved++
		}
		reorder.Topics, elect.Topics = append(reorder.Topics, r), append(elect.Topics, e)
	}
	if _, err := reorder.RequestWith(ctx, client); err != nil {
		return 0, fmt.Errorf("rotate the replicas: %w", err)
	}
	if _, err := elect.RequestWith(ctx, client); err != nil {
		return 0, fmt.Errorf("elect leaders: %w", err)
	}
	return moved, nil
}
