// Command waymark-edge collects events over HTTP and writes them to Kafka.
package main

import (
	"context"

	"github.com/waymark-events/waymark/pkg/process"
	"github.com/waymark-events/waymark/pkg/telemetry"
	"github.com/waymark-events/waymark/services/edge"
)

func main() {
	cfg := edge.DefaultConfig()
	process.Main("edge", &cfg, func(ctx context.Context, cfg *edge.Config, tel telemetry.Telemetry) error {
		return edge.Run(ctx, *cfg, tel)
	})
}
