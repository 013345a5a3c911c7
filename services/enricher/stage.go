package enricher

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/account"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/geo"
	"github.com/waymark-events/waymark/pkg/pseudonym"
	"github.com/waymark-events/waymark/pkg/useragent"
	"github.com/waymark-events/waymark/services/enricher/internal/enrich"
)

// A Stage does to single events what Run does to each, without Kafka: for what makes rows as the pipeline does, such as a demo's history. It is safe
// for concurrent use. Accounts, keys and locations are those of the moment when it was made.
type Stage struct{ enricher *enrich.Enricher }

// NewStage opens what cfg names, but for Kafka.
func NewStage(cfg Config, log *zap.Logger) (*Stage, error) {
	registry := prometheus.NewRegistry() // nobody scrapes it
	accounts, err := account.Open(cfg.Accounts, log, registry)
	if err != nil {
		return nil, err
	}
	locator, err := geo.Open(cfg.Geo, log, registry)
	if err != nil {
		return nil, fmt.Errorf("geolocation: %w", err)
	}
	parser, err := useragent.New(useragent.Config{CacheEntries: cfg.UserAgent.CacheEntries}, registry)
	if err != nil {
		return nil, fmt.Errorf("user agents: %w", err)
	}
	keys, err := pseudonym.Open(cfg.Pseudonyms.Keys, log, registry)
	if err != nil {
		return nil, fmt.Errorf("pseudonyms.keys: %w", err)
	}
	window := enrich.Window{Future: cfg.Time.MaxFuture, Past: cfg.Time.MaxPast}
	return &Stage{enrich.New(enrich.Settings{Region: cfg.Region, Window: window}, accounts, locator, parser, keys)}, nil
}

// Enrich fills out, which it overwrites, from raw, which out then aliases; enriched_at and where the raw record lies are the caller's. A
// *event.Rejection says why the event would be a dead letter.
func (s *Stage) Enrich(raw *event.Raw, out *event.Enriched) error { return s.enricher.Enrich(raw, out) }
