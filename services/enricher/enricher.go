// Package enricher turns the raw events of one region into enriched ones: it reads events.raw, adds location, environment,
// identity and corrected time under the account's privacy policy, and writes events.enriched, or events.dead for what
// cannot be used.
package enricher

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/waymark-events/waymark/pkg/account"
	"github.com/waymark-events/waymark/pkg/erasure"
	"github.com/waymark-events/waymark/pkg/geo"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/kafka/topicaudit"
	"github.com/waymark-events/waymark/pkg/pseudonym"
	"github.com/waymark-events/waymark/pkg/telemetry"
	"github.com/waymark-events/waymark/pkg/useragent"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/enricher/internal/enrich"
	"github.com/waymark-events/waymark/services/enricher/internal/stream"
)

// Run enriches cfg.Region until ctx ends, then finishes the batches in hand and returns nil. An error is an operator's to
// fix: nothing is lost by it, the next run goes on where this one stopped.
func Run(ctx context.Context, cfg Config, tel telemetry.Telemetry) error {
	accounts, err := account.Open(cfg.Accounts, tel.Log, tel.Registry)
	if err != nil {
		return err
	}
	locator, err := geo.Open(cfg.Geo, tel.Log, tel.Registry)
	if err != nil {
		return fmt.Errorf("geolocation: %w", err)
	}
	parser, err := useragent.New(useragent.Config{CacheEntries: cfg.UserAgent.CacheEntries}, tel.Registry)
	if err != nil {
		return fmt.Errorf("user agents: %w", err)
	}
	keyring, err := pseudonym.Open(cfg.Pseudonyms.Keys, tel.Log, tel.Registry)
	if err != nil {
		return fmt.Errorf("pseudonyms.keys: %w", err)
	}
	client, err := kafka.NewClient(cfg.Kafka, tel.Log, tel.Registry)
	if err != nil {
		return err
	}
	keys, err := cfg.Erasure.Keys()
	if err != nil {
		return errors.Join(err, client.Close())
	}
	raw, enriched, dead, erasures := schemas.RawTopic(cfg.Region), schemas.EnrichedTopic(cfg.Region), schemas.DeadTopic(cfg.Region), schemas.ErasuresTopic(cfg.Region)
	view, err := erasure.NewView(client, erasures, keys, tel.Log, tel.Registry)
	if err != nil {
		return errors.Join(err, client.Close())
	}
	audit := topicaudit.New(client, tel.Log,
		topicaudit.Use{Topic: raw}, topicaudit.Use{Topic: enriched, BatchBytes: cfg.Producer.MaxBatchBytes},
		topicaudit.Use{Topic: dead, BatchBytes: cfg.Producer.MaxBatchBytes}, topicaudit.Use{Topic: erasures, Compacted: true},
	)
	tel.Health.Check("kafka", client.Reach(raw, enriched, dead))
	tel.Health.Check("configuration of topics", audit.Check)
	tel.Health.Check("consumer group", client.CheckGroups)
	tel.Health.Check("erasures", view.Check)
	tel.Health.Check("pseudonyms", func(context.Context) error { return keyless(accounts.Directory(), cfg.Region, keyring) })
	producer := client.NewProducer(cfg.Producer)
	window := enrich.Window{Future: cfg.Time.MaxFuture, Past: cfg.Time.MaxPast}
	enricher := enrich.New(enrich.Settings{Region: cfg.Region, Window: window}, accounts, locator, parser, keyring)
	events, err := stream.New(cfg.stream(), client, producer, enricher.Enrich, view, tel)
	if err != nil {
		return errors.Join(err, closeAll(ctx, producer, client))
	}

	// It is followed until the batches in hand are forwarded.
	following, unfollow := context.WithCancel(context.WithoutCancel(ctx))
	var follower errgroup.Group
	follower.Go(func() error {
		view.Run(following)
		return nil
	})
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() error {
		accounts.Watch(groupCtx, accountsInterval)
		return nil
	})
	group.Go(func() error {
		keyring.Watch(groupCtx, accountsInterval)
		return nil
	})
	group.Go(func() error {
		if err := locator.Watch(groupCtx); groupCtx.Err() == nil {
			return err
		}
		return nil
	})
	group.Go(func() error {
		if err := audit.Start(groupCtx); err != nil {
			return err
		}
		group.Go(func() error {
			audit.Watch(groupCtx)
			return nil
		})
		return events.Run(groupCtx)
	})
	err = group.Wait()
	unfollow()
	err = errors.Join(err, follower.Wait())
	if ctx.Err() == nil && err != nil {
		tel.Health.Fail(err)
	}
	return errors.Join(err, closeAll(ctx, producer, client))
}

// keyless names an account of the region whose policy asks for pseudonyms that the ring has no key for. Its events go on, with the anonymous id in the
// place of the user's.
func keyless(accounts *account.Directory, region string, keys *pseudonym.Ring) error {
	for _, a := range accounts.Accounts() {
		if a.Region == region && a.Policy.Identification == account.IdentifyPseudonymised && !keys.Has(a.ID) {
			return fmt.Errorf("account %s has no key for pseudonyms: its events are stored without user ids until waymarkctl keys new makes one", a.ID)
		}
	}
	return nil
}

// accountsInterval is how often accounts and keys are looked at.
const accountsInterval = 2 * time.Second

// closeAll ends the connections. What the stream wrote was acknowledged before it returned, so nothing waits here.
func closeAll(ctx context.Context, producer *kafka.Producer, client *kafka.Client) error {
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	return errors.Join(producer.Close(grace), client.Close())
}
