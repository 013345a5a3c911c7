package load

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/kafka/admin"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/local/demo"
	"github.com/waymark-events/waymark/services/local/rigs/child"
	"github.com/waymark-events/waymark/services/local/rigs/operator"
)

// A rig is the processes under measurement and the engines below them.
type rig struct {
	cfg     Config
	dir     string
	running []*child.Process // in the order of their start, the two engines first

	kafka                    *kafka.Client
	broker, native, edgeDoor string
	tables                   *clickhouse.Conn // of the first region
	seed                     uint64           // how many senders there were
}

// engines starts Kafka and ClickHouse, with topics and tables.
func (r *rig) engines(ctx context.Context) error {
	addresses, err := child.FreeAddresses(3)
	if err != nil {
		return err
	}
	r.broker, r.native = addresses[0], addresses[1]
	binary := filepath.Join(r.cfg.Binaries, "waymark-local")
	data := "--data=" + r.dir
	for _, p := range []*child.Process{
		{Name: "Kafka", Args: []string{binary, "kafka", data, "--kafka=" + r.broker}},
		{Name: "ClickHouse", Args: []string{binary, "clickhouse", data, "--clickhouse-native=" + r.native, "--clickhouse-http=" + addresses[2]}},
	} {
		p.Says = "is ready"
		if err := r.start(ctx, p); err != nil {
			return err
		}
	}
	cfg := kafka.DefaultConfig()
	cfg.Brokers = []string{r.broker}
	if r.kafka, err = kafka.NewClient(cfg, zap.NewNop(), prometheus.NewRegistry()); err != nil {
		return err
	}
	if r.cfg.Partitions == 0 {
		return nil
	}
	return r.repartition(ctx)
}

// repartition makes the topics of events anew, with cfg.Partitions: Kafka takes none away.
func (r *rig) repartition(ctx context.Context) error {
	op, err := operator.New(r.broker)
	if err != nil {
		return err
	}
	defer op.Close()
	for _, region := range r.cfg.Regions {
		topics, err := schemas.Topics(region)
		if err != nil {
			return err
		}
		for _, t := range topics {
			if t.Name != schemas.RawTopic(region) && t.Name != schemas.EnrichedTopic(region) {
				continue
			}
			t.Config["min.insync.replicas"] = "1"
			if err := op.DeleteTopics(ctx, t.Name); err != nil {
				return err
			}
			if err := op.CreateTopic(ctx, t.Name, r.cfg.Partitions, 1, t.Config); err != nil {
				return err
			}
		}
	}
	return nil
}

// everything starts all services.
func (r *rig) everything(ctx context.Context) (edge *child.Process, rest []*child.Process, err error) {
	if edge, err = r.edge(ctx); err != nil {
		return nil, nil, err
	}
	enrichers, err := r.enrichers(ctx)
	if err != nil {
		return nil, nil, err
	}
	sinks, err := r.sinks(ctx)
	return edge, append(enrichers, sinks...), err
}

func (r *rig) edge(ctx context.Context) (*child.Process, error) {
	door, err := child.FreeAddresses(1)
	if err != nil {
		return nil, err
	}
	r.edgeDoor = door[0]
	env := map[string]string{"LISTEN": r.edgeDoor, "ACCOUNTS": r.cfg.Accounts, "TRUSTED_PROXIES": "127.0.0.0/8"}
	for _, region := range r.cfg.Regions {
		env["REGIONS_"+strings.ToUpper(region)+"_KAFKA_BROKERS"] = r.broker
	}
	p, err := r.service("edge", "", env)
	if err != nil {
		return nil, err
	}
	return p, r.start(ctx, p)
}

func (r *rig) enrichers(ctx context.Context) ([]*child.Process, error) {
	var all []*child.Process
	for _, region := range r.cfg.Regions {
		p, err := r.service("enricher", region, map[string]string{"REGION": region, "ACCOUNTS": r.cfg.Accounts, "KAFKA_BROKERS": r.broker})
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, r.start(ctx, all...)
}

func (r *rig) sinks(ctx context.Context) ([]*child.Process, error) {
	var all []*child.Process
	for _, region := range r.cfg.Regions {
		for n := range max(1, r.cfg.Sinks) {
			name := region
			if n > 0 {
				name = fmt.Sprint(region, " ", n+1)
			}
			settings := map[string]string{
				"REGION": region, "KAFKA_BROKERS": r.broker, "CLICKHOUSE_ADDRESSES": r.native, "CLICKHOUSE_DATABASE": r.cfg.Database(region),
			}
			maps.Copy(settings, r.cfg.Sink)
			p, err := r.service("sink", name, settings)
			if err != nil {
				return nil, err
			}
			all = append(all, p)
		}
	}
	return all, r.start(ctx, all...)
}

// service is one production binary with settings by environment. Its name is the service's, and which of them.
func (r *rig) service(service, which string, settings map[string]string) (*child.Process, error) {
	admin, err := child.FreeAddresses(1)
	if err != nil {
		return nil, err
	}
	settings["ADMIN"] = admin[0]
	settings["LOG_LEVEL"] = "warn"
	p := &child.Process{Name: strings.TrimSpace(service + " " + which), Args: []string{filepath.Join(r.cfg.Binaries, "waymark-"+service)}, Admin: admin[0]}
	for name, value := range settings {
		p.Env = append(p.Env, "WAYMARK_"+strings.ToUpper(service)+"_"+name+"="+value)
	}
	return p, nil
}

// start starts processes together and waits until all are ready.
func (r *rig) start(ctx context.Context, all ...*child.Process) error {
	for _, p := range all {
		if err := p.Start(ctx, r.dir); err != nil {
			return err
		}
		r.running = append(r.running, p)
	}
	for _, p := range all {
		if err := p.Ready(ctx); err != nil {
			return err
		}
	}
	return nil
}

// stopAll ends everything, the last started first.
func (r *rig) stopAll() error {
	err := r.stopTo(0)
	if r.kafka != nil {
		err = errors.Join(err, r.kafka.Close())
	}
	return err
}

// stopTo ends all but the first keep processes, the last started first.
func (r *rig) stopTo(keep int) error {
	var errs []error
	for len(r.running) > keep {
		errs = append(errs, r.running[len(r.running)-1].Stop())
		r.running = r.running[:len(r.running)-1]
	}
	return errors.Join(errs...)
}

// post sends cfg.Events as fast as the edge takes them, from this process. They bear times within the last hour.
func (r *rig) post(ctx context.Context, edge *child.Process) (*demo.Counts, error) {
	const span = time.Hour
	traffic, err := demo.NewGenerator(demo.Options{
		Seed: r.cfg.Seed, Start: time.Now().Add(-span), Rate: float64(r.cfg.Events) / span.Seconds(), Accounts: r.cfg.Senders,
		Flush: span, // a whole visit in one request
	})
	if err != nil {
		return nil, err
	}
	sender := demo.NewSender("http://"+r.edgeDoor, connections)
	defer sender.Close()
	counts := new(demo.Counts)
	if err := demo.Drive(ctx, traffic, sender, demo.Plan{Events: r.cfg.Events, Connections: connections, Fast: true}, counts); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if n := counts.Rejected.Load(); n > 0 {
		return nil, fmt.Errorf("the edge refused %d events: %s", n, counts.Refusal())
	}
	return counts, edge.Alive()
}

// enriched waits until the enrichers have read all.
func (r *rig) enriched(ctx context.Context) error {
	return r.caughtUp(ctx, schemas.EnricherGroup, schemas.RawTopic)
}

// settle waits until the enrichers and then the sinks have read all.
func (r *rig) settle(ctx context.Context) error {
	if err := r.enriched(ctx); err != nil {
		return err
	}
	return r.caughtUp(ctx, schemas.SinkGroup, schemas.EnrichedTopic)
}

// stalled is how long a group's lag may stay as it is.
const stalled = 2 * time.Minute

// caughtUp waits until each region's group has committed all of its topic.
func (r *rig) caughtUp(ctx context.Context, group, topic func(region string) string) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	last, since := int64(-1), time.Now()
	for {
		var lag int64
		for _, region := range r.cfg.Regions {
			partitions, err := admin.Lag(ctx, r.kafka, group(region), topic(region))
			if err != nil {
				return fmt.Errorf("lag of %s: %w", group(region), err)
			}
			for _, p := range partitions {
				lag += p.Lag
			}
		}
		if lag == 0 {
			return nil
		}
		if lag != last {
			last, since = lag, time.Now()
		}
		if time.Since(since) > stalled {
			return fmt.Errorf("%s: lag stays at %d", group(r.cfg.Regions[0]), lag)
		}
		for _, p := range r.running {
			if err := p.Alive(); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// check compares what ClickHouse has with how many events the edge accepted.
func (r *rig) check(ctx context.Context, accepted int64) (err error) {
	var distinct, rows, dead uint64
	for _, region := range r.cfg.Regions {
		conn, err := r.database(region)
		if err != nil {
			return err
		}
		var d, n, x uint64
		err = conn.Scalar(ctx, "SELECT uniqExact(event_id), count(), (SELECT count() FROM dead_events) FROM events", &d, &n, &x)
		if err = errors.Join(err, conn.Close()); err != nil {
			return err
		}
		distinct, rows, dead = distinct+d, rows+n, dead+x
	}
	if want := uint64(accepted); distinct != want || rows != want || dead != 0 {
		return fmt.Errorf("accepted %d events, ClickHouse has %d rows with %d distinct ids, and %d dead letters", want, rows, distinct, dead)
	}
	return nil
}

// database opens a region's database, which the caller closes.
func (r *rig) database(region string) (*clickhouse.Conn, error) {
	cfg := clickhouse.DefaultConfig()
	cfg.Addresses, cfg.Database = []string{r.native}, r.cfg.Database(region)
	return clickhouse.Open(cfg)
}
