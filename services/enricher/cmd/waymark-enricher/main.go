// Command waymark-enricher enriches the events of one region.
package main

import (
	"context"

	"github.com/waymark-events/waymark/pkg/process"
	"github.com/waymark-events/waymark/pkg/telemetry"
	"github.com/waymark-events/waymark/services/enricher"
)

func main() {
	cfg := enricher.DefaultConfig()
	process.Main("enricher", &cfg, func(ctx context.Context, cfg *enricher.Config, tel telemetry.Telemetry) error {
		return enricher.Run(ctx, *cfg, tel.WithRegion(cfg.Region))
	})
}
