package local

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/process"
	"github.com/waymark-events/waymark/pkg/telemetry"
	"github.com/waymark-events/waymark/services/edge"
	"github.com/waymark-events/waymark/services/enricher"
	"github.com/waymark-events/waymark/services/local/demo/shop"
	"github.com/waymark-events/waymark/services/sink"
	"github.com/waymark-events/waymark/services/waymarkctl"
)

// startServices starts, from the far end of the path to its door: a sink and an enricher for each region, then the edge. So the
// edge stops first, and what it accepted can still move on.
func (p *Pipeline) startServices(ctx context.Context, door net.Listener, tel telemetry.Telemetry, metrics *gatherers) error {
	for _, region := range Regions {
		cfg := p.sinkConfig(region)
		if err := cfg.Validate(); err != nil {
			return fmt.Errorf("settings of the sink: %w", err)
		}
		scoped := metrics.scope(tel, "sink").WithRegion(region)
		p.stack.start(ctx, "sink of region "+region, func(ctx context.Context) error { return sink.Run(ctx, cfg, scoped) })
	}
	for _, region := range Regions {
		cfg, err := p.enricherConfig(region)
		if err == nil {
			err = cfg.Validate()
		}
		if err != nil {
			return fmt.Errorf("settings of the enricher: %w", err)
		}
		scoped := metrics.scope(tel, "enricher").WithRegion(region)
		p.stack.start(ctx, "enricher of region "+region, func(ctx context.Context) error { return enricher.Run(ctx, cfg, scoped) })
	}
	cfg := p.edgeConfig(door)
	if err := p.openShop(ctx, &cfg); err != nil {
		return err
	}
	if err := cfg.Validate(); err != nil {
		return fmt.Errorf("settings of the edge: %w", err)
	}
	scoped := metrics.scope(tel, "edge")
	p.stack.start(ctx, "edge", func(ctx context.Context) error { return edge.Run(ctx, cfg, scoped) })
	return nil
}

func (p *Pipeline) edgeConfig(door net.Listener) edge.Config {
	cfg := edge.DefaultConfig()
	cfg.Listener, cfg.Accounts = door, p.cfg.Accounts
	// Whoever runs on this machine may say whose address an event is from: that is how the demo's come from all over the world.
	cfg.TrustedProxies = []string{"127.0.0.0/8", "::1/128"}
	cfg.Regions = map[string]edge.Region{}
	for _, region := range Regions {
		cfg.Regions[region] = edge.Region{Kafka: p.kafka}
	}
	cfg.Spool.Dir = filepath.Join(p.cfg.Data, "spool")
	cfg.Timeouts.Leave = 0 // nobody stands before it who would have to turn away
	return cfg
}

// shopKey is the write key that the shop at / sends with, where the accounts have it.
const shopKey = "wk_demo_us"

// openShop puts the shop before the edge's collector.
func (p *Pipeline) openShop(ctx context.Context, cfg *edge.Config) error {
	owner := p.accounts.ByKey(shopKey)
	if owner == nil || !served(owner.Region) {
		return nil
	}
	conn, err := clickhouse.Open(clickhouseConfig(p.Addresses.ClickHouseNative, owner.Region))
	if err != nil {
		return err
	}
	p.stack.start(ctx, "shop", func(ctx context.Context) error { // before the edge, and so it ends after it
		<-ctx.Done()
		return conn.Close()
	})
	cfg.Pages, err = shop.New(shop.Owner{Account: owner.ID, Key: shopKey, Database: Database(owner.Region), Rows: conn})
	return err
}

func (p *Pipeline) enricherConfig(region string) (enricher.Config, error) {
	cfg := enricher.DefaultConfig()
	cfg.Region, cfg.Kafka, cfg.Accounts = region, p.kafka, p.cfg.Accounts
	cfg.Erasure.Secret = waymarkctl.LocalSecret
	var err error
	if cfg.Geo, p.locations, err = p.cfg.geolocation(); err != nil {
		return cfg, err
	}
	cfg.Pseudonyms.Keys = filepath.Join(p.cfg.Data, "keys")
	return cfg, os.MkdirAll(cfg.Pseudonyms.Keys, 0o700)
}

func (p *Pipeline) sinkConfig(region string) sink.Config {
	cfg := sink.DefaultConfig()
	cfg.Region, cfg.Kafka = region, p.kafka
	cfg.Erasure.Secret = waymarkctl.LocalSecret
	cfg.ClickHouse = clickhouseConfig(p.Addresses.ClickHouseNative, region)
	return cfg
}

// gatherers are the metrics of several services in one process. Each has a registry of its own, since they share names.
type gatherers struct{ prometheus.Gatherers }

// scope returns telemetry for one instance of a service.
func (g *gatherers) scope(tel telemetry.Telemetry, service string) telemetry.Telemetry {
	registry := prometheus.NewRegistry()
	g.Gatherers = append(g.Gatherers, registry)
	tel.Registry = prometheus.WrapRegistererWith(prometheus.Labels{"service": service}, registry)
	tel.Log = tel.Log.With(zap.String("service", service))
	return tel
}

func newGatherers() *gatherers { return &gatherers{prometheus.Gatherers{process.NewRegistry()}} }
