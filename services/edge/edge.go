// Package edge is the collector: it takes events over HTTP, authenticates, limits and checks them, and answers only when Kafka has
// every accepted one on all in-sync replicas, or the spool has it on disk, fsynced.
//
// POST /v1/events takes one event, an array, {"key", "sentAt", "events": […]}, or NDJSON, compressed with gzip, zstd, deflate or br or
// not at all; gzip and zstd are seen without Content-Encoding, and plain JSON with it. The write key comes as the user of Basic, as Bearer
// token, in X-Write-Key, or in the body's "key".
//
//	200  one result an event, in order: accepted with its id, rejected with a code, a JSON path and a sentence, ignored, since the account's
//	     policy does not collect it, or dropped, with a code, as its account does not want it
//	400  the body is no JSON, or holds no events; nothing is stored
//	401  no write key, an unknown one, or one that is not valid yet or has expired
//	403  a page of an origin that is not allowed, or a write key that is not for pages, or for pages only; nothing is stored
//	405  another method than POST
//	408  the body came too slowly; nothing is stored
//	413  more bytes or events than accepted; nothing is stored
//	415  a content encoding this edge does not know
//	421  the account's region is not served here; nothing is stored
//	429  client, key or account send more than their rate, or a monthly quota is used up; wait for Retry-After
//	500  the edge broke down over the request: a bug
//	503  neither Kafka nor the spool took the events, or the edge is full; send the same again after Retry-After
//
// GET /v1/pixel.gif is one event in a picture's URL. GET /recorder.js, or another name of the operator's choice, is the script that web pages send
// with (pkg/recorderjs). GET /openapi.yaml describes all endpoints (schemas/openapi.yaml).
//
// After a 503 some of the events may be stored all the same: repeat them with the same ids.
package edge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/waymark-events/waymark/pkg/account"
	"github.com/waymark-events/waymark/pkg/clientip"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/retry"
	"github.com/waymark-events/waymark/pkg/telemetry"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/edge/internal/collect"
	"github.com/waymark-events/waymark/services/edge/internal/intake"
	"github.com/waymark-events/waymark/services/edge/internal/quota"
	"github.com/waymark-events/waymark/services/edge/internal/script"
	"github.com/waymark-events/waymark/services/edge/internal/spool"
	"github.com/waymark-events/waymark/services/edge/internal/static"
)

// accountsInterval is how often the accounts file is looked at.
const accountsInterval = 2 * time.Second

// Run serves until ctx ends, then for timeouts.leave as one that is not ready, stops accepting, answers the requests under way, and returns
// nil.
func Run(ctx context.Context, cfg Config, tel telemetry.Telemetry) (err error) {
	var listening atomic.Bool
	tel.Health.Check("collector", func(context.Context) error {
		if !listening.Load() {
			return errors.New("not listening yet")
		}
		return nil
	})
	accounts, err := account.Open(cfg.Accounts, tel.Log, tel.Registry)
	if err != nil {
		return err
	}
	resolver, err := clientip.New(cfg.TrustedProxies, cfg.ProxyHeader)
	if err != nil {
		return err
	}
	regions := make(map[string]intake.Sender)
	var spools []*spool.Sender
	var topics []*rawTopic
	for name, region := range cfg.Regions {
		scoped := tel.WithRegion(name)
		client, err := kafka.NewClient(region.Kafka, scoped.Log, scoped.Registry)
		if err != nil {
			return fmt.Errorf("region %s: %w", name, err)
		}
		producer := client.NewProducer(cfg.Producer)
		defer func() { err = errors.Join(err, closeRegion(ctx, producer, client, cfg.Producer.Timeout)) }()
		topic := newRawTopic(client, schemas.RawTopic(name), cfg.Producer.MaxBatchBytes, scoped.Log)
		topics = append(topics, topic)
		tel.Health.Check("topics of region "+name, topic.audit.Check)
		if cfg.Spool.Dir == "" {
			regions[name] = inParts{producer, cfg.Producer.MaxBufferedBytes / 2}
			tel.Health.Check("kafka of region "+name, topic.reach)
			continue
		}
		log, err := spool.Open(spool.Options{Dir: filepath.Join(cfg.Spool.Dir, name), Bytes: cfg.Spool.Bytes}, scoped.Log, scoped.Registry)
		if err != nil {
			return fmt.Errorf("region %s: %w", name, err)
		}
		sender := spool.NewSender(producer, log, schemas.RawTopic(name), cfg.Spool.After, scoped.Log)
		defer func() { err = errors.Join(err, log.Close()) }()
		spools = append(spools, sender)
		regions[name] = sender
		tel.Health.Check("kafka or spool of region "+name, func(ctx context.Context) error { return sender.Check(ctx, topic.reach) })
	}
	quotas := quota.Open(cfg.quotasFile(), tel.Log)
	defer func() { err = errors.Join(err, quotas.Write()) }()
	handler, err := collect.New(collect.Dependencies{
		Dependencies: intake.Dependencies{Accounts: accounts, Regions: regions, Log: tel.Log, Registry: tel.Registry, Quotas: quotas}, ClientIP: resolver,
	}, cfg.collect(), cfg.AllowedOrigins)
	if err != nil {
		return err
	}
	door, err := openDoor(ctx, cfg, tel)
	if err != nil {
		return err
	}
	listening.Store(true)
	most := mostConnections(cfg.Limits.Connections, len(cfg.Regions), openFiles())
	if most < cfg.Limits.Connections {
		tel.Log.Warn("this process may not open enough files for limits.connections: it takes fewer", zap.Int("connections", most))
	}
	gate, err := newGate(most, resolver.Trusts, tel.Log, tel.Registry)
	if err != nil {
		return errors.Join(err, door.close())
	}
	server := newServer(cfg, withPages(cfg.Pages, withDocument(script.Handler(cfg.Script, handler))), door, gate, tel)
	if door.plain != nil {
		tel.Log.Info("serving", zap.Stringer("address", door.plain.Addr()))
	}
	if door.secure != nil {
		tel.Log.Info("serving with TLS", zap.Stringer("address", door.secure.Addr()), zap.Time("certificate_expires", door.certificate.current.Load().Leaf.NotAfter))
	}

	// Draining goes on while requests under way are answered.
	drainCtx, stopDraining := context.WithCancel(context.WithoutCancel(ctx))
	var draining sync.WaitGroup
	defer draining.Wait()
	defer stopDraining()
	for _, s := range spools {
		draining.Go(func() { s.Run(drainCtx) })
	}
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() error {
		accounts.Watch(groupCtx, accountsInterval)
		return nil
	})
	for _, i := range topics {
		group.Go(func() error {
			i.watch(groupCtx)
			return nil
		})
	}
	group.Go(func() error {
		quotas.Keep(groupCtx)
		return nil
	})
	if door.certificate != nil {
		group.Go(func() error {
			door.certificate.watch(groupCtx, certificateInterval)
			return nil
		})
	}
	door.serve(group, server, gate)
	group.Go(func() error {
		<-groupCtx.Done()
		tel.Health.Fail(errors.New("stopping"))
		if ctx.Err() != nil { // asked to end; otherwise something failed, and nobody is served
			_ = retry.Pause(context.WithoutCancel(ctx), cfg.Timeouts.Leave)
		}
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), cfg.Timeouts.Drain)
		defer cancel()
		if err := server.Shutdown(grace); err != nil {
			tel.Log.Warn("requests under way were cut off", zap.Error(err))
			return server.Close()
		}
		for _, s := range spools {
			if s.Drained(grace) != nil {
				tel.Log.Warn("the spool is not empty: what is left is sent after the next start")
			}
		}
		return nil
	})
	return group.Wait()
}

// withPages puts pages, unless nil, before the collector.
func withPages(pages, collector http.Handler) http.Handler {
	if pages == nil {
		return collector
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" || strings.HasPrefix(r.URL.Path, "/shop/") {
			pages.ServeHTTP(w, r)
			return
		}
		collector.ServeHTTP(w, r)
	})
}

// documentPath is where the edge's own interface is described.
const documentPath = "/openapi.yaml"

// withDocument puts the OpenAPI document before the collector.
func withDocument(collector http.Handler) http.Handler {
	document := static.New("application/yaml", schemas.OpenAPI) // RFC 9512
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == documentPath {
			document.ServeHTTP(w, r)
			return
		}
		collector.ServeHTTP(w, r)
	})
}

func closeRegion(ctx context.Context, producer *kafka.Producer, client *kafka.Client, timeout time.Duration) error {
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	return errors.Join(producer.Close(grace), client.Close())
}
