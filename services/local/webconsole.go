package local

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"

	"github.com/waymark-events/waymark/pkg/account"
	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/telemetry"
	"github.com/waymark-events/waymark/schemas"
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
		cfg.UserList.SQL[reader.Account] = webconsole.Analyst{User: reader.User, Password: analystPassword}
	}
	if err := cfg.Validate(); err != nil {
		return fmt.Errorf("settings of the console: %w", err)
	}
	scoped := metrics.scope(tel, "console")
	p.stack.start(ctx, "console", func(ctx context.Context) error { return webconsole.Run(ctx, cfg, scoped) })
	return nil
}

// analystPassword is no secret: ClickHouse's default user has none here, and may do more.
const analystPassword = "waymark"

// longestAnalyst is the longest name that a reader may have.
const longestAnalyst = 63

// analysts are users of ClickHouse who see one account each, as the SQL box runs as.
func analysts(accounts *account.Directory) (readers []clickhouse.Reader) {
	hash := sha256.Sum256([]byte(analystPassword))
	for _, of := range accounts.Accounts() {
		if user := "analyst_" + of.ID; served(of.Region) && len(user) <= longestAnalyst {
			readers = append(readers, clickhouse.Reader{
				User: user, PasswordSHA256: hex.EncodeToString(hash[:]), Account: of.ID, Databases: []string{Database(of.Region)},
			})
		}
	}
	return readers
}

// analystsFile is ClickHouse's users file of the analysts; empty where there are none.
func analystsFile(accounts *account.Directory) (string, error) {
	if accounts == nil || len(analysts(accounts)) == 0 {
		return "", nil
	}
	schema, err := clickhouse.ReadSchema(schemas.Migrations())
	if err != nil {
		return "", err
	}
	return schema.ReaderFile(analysts(accounts)...)
}
