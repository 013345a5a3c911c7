// Command waymark-console serves the page where people see an account's figures, and its interface.
package main

import (
	"context"

	"github.com/waymark-events/waymark/pkg/process"
	"github.com/waymark-events/waymark/pkg/telemetry"
	"github.com/waymark-events/waymark/services/console"
)

func main() {
	cfg := console.DefaultConfig()
	process.Main("console", &cfg, func(ctx context.Context, cfg *console.Config, tel telemetry.Telemetry) error {
		return console.Run(ctx, *cfg, tel)
	})
}
