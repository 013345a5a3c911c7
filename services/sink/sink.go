// Package sink stores the enriched events of one region in ClickHouse, each exactly once, and the reasons of those that could not be
// used.
package sink

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/erasure"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/kafka/topicaudit"
	"github.com/waymark-events/waymark/pkg/retry"
	"github.com/waymark-events/waymark/pkg/telemetry"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/sink/internal/load"
	"github.com/waymark-events/waymark/services/sink/internal/store"
)

// Run loads cfg.Region until ctx ends, then finishes the batches in hand and returns nil. An error is an operator's to fix (a wrong
// password, a missing table): readiness is false from then on, nothing is lost, and the next run goes on where this one stopped.
func Run(ctx context.Context, cfg Config, tel telemetry.Telemetry) error {
	return run(ctx, cfg, tel, (*load.Loader).Run)
}

// RunAtLeastOnce runs as Run does, but a crash doubles a batch: a benchmark measures against it what exactly-once costs.
func RunAtLeastOnce(ctx context.Context, cfg Config, tel telemetry.Telemetry) error {
	return run(ctx, cfg, tel, (*load.Loader).RunAtLeastOnce)
}

// WithTrace returns a context under which Run calls step as a partition comes to each step of the protocol, which goes on when step returns
// (load.WithTrace names them). It is for tests, which stop and kill a sink there.
func WithTrace(ctx context.Context, step func(name string)) context.Context {
	return load.WithTrace(ctx, step)
}

// run checks what the sink stands on, and then loads.
func run(ctx context.Context, cfg Config, tel telemetry.Telemetry, loading func(*load.Loader, context.Context) error) (err error) {
	client, err := kafka.NewClient(cfg.Kafka, tel.Log, tel.Registry)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	conn, err := clickhouse.Open(cfg.ClickHouse)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	producer := client.NewProducer(cfg.Producer)
	tables := store.New(conn)
	keys, err := cfg.Erasure.Keys()
	if err != nil {
		return err
	}
	enriched, dead, erasures := schemas.EnrichedTopic(cfg.Region), schemas.DeadTopic(cfg.Region), schemas.ErasuresTopic(cfg.Region)
	view, err := erasure.NewView(client, erasures, keys, tel.Log, tel.Registry)
	if err != nil {
		return err
	}
	loader, err := load.New(cfg.load(), client, producer, tables, view, tel)
	if err != nil {
		return err
	}
	audit := topicaudit.New(client, tel.Log,
		topicaudit.Use{Topic: enriched}, topicaudit.Use{Topic: dead, BatchBytes: cfg.Producer.MaxBatchBytes}, topicaudit.Use{Topic: erasures, Compacted: true},
	)
	tel.Health.Check("kafka", client.Reach(enriched, dead))
	tel.Health.Check("configuration of topics", audit.Check)
	tel.Health.Check("consumer group", client.CheckGroups)
	tel.Health.Check("erasures", view.Check)
	tel.Health.Check("clickhouse", conn.Ping)
	// It is followed until the batches in hand are stored.
	following, unfollow := context.WithCancel(context.WithoutCancel(ctx))
	var follower errgroup.Group
	follower.Go(func() error {
		view.Run(following)
		return nil
	})
	start, startCtx := errgroup.WithContext(ctx)
	start.Go(func() error { return check(startCtx, tables, tel.Log) })
	start.Go(func() error { return audit.Start(startCtx) })
	if err = start.Wait(); err == nil {
		work, workCtx := errgroup.WithContext(ctx)
		work.Go(func() error {
			audit.Watch(workCtx)
			return nil
		})
		work.Go(func() error { return loading(loader, workCtx) })
		err = work.Wait()
	}
	unfollow()
	err = errors.Join(err, follower.Wait())
	if err != nil {
		tel.Health.Fail(err)
	}
	// What was buried was acknowledged before the loader went on, so nothing waits here.
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	return errors.Join(err, producer.Close(grace))
}

// check waits until ClickHouse can be asked, and then returns nil only if the tables are as they must be, or ctx has ended.
func check(ctx context.Context, tables *store.Store, log *zap.Logger) error {
	looking := retry.Policy{
		First: 100 * time.Millisecond, Last: 5 * time.Second,
		Passes: func(err error) bool { return clickhouse.Classify(err) != clickhouse.Operator },
		Notice: func(err error) { log.Warn("cannot look at ClickHouse's tables; trying again", zap.Error(err)) },
	}
	if err := looking.Do(ctx, func() error { return tables.Check(ctx) }); err != nil && ctx.Err() == nil {
		return fmt.Errorf("ClickHouse is not ready for the sink: %w", err)
	}
	return nil
}
