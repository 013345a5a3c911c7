// Command waymark-sink stores a region's enriched events in ClickHouse.
package main

import (
	"context"
	"os"
	"runtime/debug"

	"github.com/waymark-events/waymark/pkg/process"
	"github.com/waymark-events/waymark/pkg/telemetry"
	"github.com/waymark-events/waymark/services/sink"
)

func main() {
	cfg := sink.DefaultConfig()
	process.Main("sink", &cfg, func(ctx context.Context, cfg *sink.Config, tel telemetry.Telemetry) error {
		// The environment's word is the operator's.
		if os.Getenv("GOMEMLIMIT") == "" {
			debug.SetMemoryLimit(cfg.MemoryLimit())
		}
		return sink.Run(ctx, *cfg, tel.WithRegion(cfg.Region))
	})
}
