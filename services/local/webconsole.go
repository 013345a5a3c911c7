package local

import (
	"context"
	"fmt"
	"net"

	"github.com/waymark-events/waymark/pkg/telemetry"
	webconsole "github.com/waymark-events/waymark/services/console"
)

// startConsole starts the page with everybody's figures, open to whoever is on this machine.
func (p *Pipeline) startConsole(ctx context.Context, door net.Listener, tel telemetry.Telemetry, metrics *gatherers) error {
	cfg := webconsole.DefaultConfig()
	cfg.Listener, cfg.Accounts, cfg.SignIn.Mode = door, p.cfg.Accounts, webconsole.ModeOpen
	cfg.Timeouts.Leave = 0 // nobody stands before it who would have to turn away
	cfg.Regions = map[string]webconsole.Region{}
	for _, region := range Regions {
		cfg.Regions[region] = webconsole.Region{
			ClickHouse: clickhouseConfig(p.Addresses.ClickHouseNative, region), Kafka: p.kafka, Edges: []string{"http://" + p.Addresses.Admin},
		}
	}
	cfg.UserList = &webconsole.UserList{SQL: map[string]webconsole.Analyst{}}
	for _, reader := range analysts(p.accounts) {
		cfg.UserList.SQL[reader.Account] = webconsole.Analyst{User: reader.User, Password: ReadersPassword}
	}
	if err := cfg.Validate(); err != nil {
		return fmt.Errorf("settings of the console: %w", err)
	}
	scoped := metrics.scope(tel, "console")
	p.stack.start(ctx, "console", func(ctx context.Context) error { return webconsole.Run(ctx, cfg, scoped) })
	return nil
}
