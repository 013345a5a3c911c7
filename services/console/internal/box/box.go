// Package box is the SQL box's way to ClickHouse: as a user of one account's own.
//
// What keeps accounts apart is ClickHouse's: that user's row policies and grants, which hold in whatever statement there is. Reading somebody's SQL here,
// or adding a filter to it, would be a second, weaker wall. So the box is closed where an account has no such user, or one that sees too much.
package box

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/services/console/internal/access"
)

// Closed is why an account has no box, as a sentence.
type Closed struct{ Why string }

func (e *Closed) Error() string { return e.Why }

// A Box opens connections. It is safe for concurrent use.
type Box struct {
	regions map[string]clickhouse.Config
	store   *access.Store

	mu   sync.Mutex
	open map[string]*opened // by account
}

type opened struct {
	mu      sync.Mutex // held while it is looked at
	analyst access.Analyst
	region  string
	conn    *clickhouse.Conn
	looked  time.Time // when the user was last found to see its account alone, as far as apart tells
	apart   bool      // whether other accounts' rows were looked for
}

// lookEvery is how long a user that saw its account alone is taken to do so: grants and policies change.
const lookEvery = 10 * time.Minute

// New makes a box for the analysts of store.
func New(regions map[string]clickhouse.Config, store *access.Store) *Box {
	return &Box{regions: regions, store: store, open: make(map[string]*opened)}
}

// Has tells whether an account has a user of its own; whether that sees too much is known when it is asked.
func (b *Box) Has(account string) bool {
	_, has := b.store.List().SQL[account]
	return has
}

// Conn returns a connection of the account's own user, which sees that account alone. Who may see all accounts anyway has the box without that: apart is
// false. Errors: *Closed, or ClickHouse's.
func (b *Box) Conn(ctx context.Context, account, region string, apart bool) (*clickhouse.Conn, error) {
	analyst, has := b.store.List().SQL[account]
	if !has {
		return nil, &Closed{"This account has no ClickHouse user of its own, which SQL would be run as: an operator makes one, and names it in the console's users file."}
	}
	b.mu.Lock()
	o := b.open[account]
	if o == nil {
		o = new(opened)
		b.open[account] = o
	}
	b.mu.Unlock()
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.conn == nil || o.analyst != analyst || o.region != region {
		cfg, served := b.regions[region]
		if !served {
			return nil, &Closed{"The account's region is not among those of this console."}
		}
		cfg.User, cfg.Password, cfg.MaxConnections = analyst.User, analyst.Password, 2
		conn, err := clickhouse.Open(cfg)
		if err != nil {
			return nil, err
		}
		if o.conn != nil {
			_ = o.conn.Close() // statements under way have connections of their own
		}
		o.analyst, o.region, o.conn, o.looked = analyst, region, conn, time.Time{}
	}
	if time.Since(o.looked) > lookEvery || apart && !o.apart {
		if err := look(ctx, o.conn, account, apart); err != nil {
			return nil, err
		}
		o.looked, o.apart = time.Now(), apart
	}
	return o.conn, nil
}

// Close ends all connections.
func (b *Box) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	var errs []error
	for _, o := range b.open {
		if o.conn != nil {
			errs = append(errs, o.conn.Close())
		}
	}
	return errors.Join(errs...)
}

//go:embed sql/old.sql
var old string

//go:embed sql/tables.sql
var tables string

//go:embed sql/others.sql
var others string

// rights reach beyond an account's rows: to other servers and files, to what changes something, and to the logs, which quote what everybody asks.
//
//go:embed rights.txt
var rights string

// look makes sure that a user may not reach beyond the tables of accounts, and, where apart, sees no other account's rows in any of them.
func look(ctx context.Context, conn *clickhouse.Conn, account string, apart bool) error {
	for right := range strings.Lines(rights) {
		right = strings.TrimSpace(right)
		may, err := conn.Ask(ctx, clickhouse.Question{Statement: "CHECK GRANT " + right})
		if err != nil {
			return fmt.Errorf("look at the right %s: %w", right, err)
		}
		if len(may.Rows) != 1 || fmt.Sprint(may.Rows[0][0]) != "0" {
			return &Closed{"The account's ClickHouse user has the right " + right + ": the box stays closed until an operator takes it away."}
		}
	}
	if !apart {
		return nil
	}
	readable, err := conn.Ask(ctx, clickhouse.Question{Statement: tables})
	if err != nil {
		return err
	}
	if len(readable.Rows) == 0 {
		return &Closed{"The account's ClickHouse user can read none of the account's tables: an operator grants it SELECT."}
	}
	for _, row := range readable.Rows {
		statement := strings.ReplaceAll(strings.ReplaceAll(others, "{database:Identifier}", identifier(row[0])), "{table:Identifier}", identifier(row[1]))
		answer, err := conn.Ask(ctx, clickhouse.Question{Statement: statement, Parameters: map[string]string{"account": account}})
		if err != nil {
			return fmt.Errorf("look at %v.%v: %w", row[0], row[1], err)
		}
		if len(answer.Rows) > 0 {
			return &Closed{fmt.Sprintf("The account's ClickHouse user sees rows of other accounts in %v.%v: the box stays closed until an operator gives it a row policy there.", row[0], row[1])}
		}
	}
	server, err := conn.Ask(ctx, clickhouse.Question{Statement: old})
	if err != nil {
		return err
	}
	if len(server.Rows) > 0 {
		return &Closed{"ClickHouse before 26.7.6.49 has a way round row policies: the box stays closed, but for who may see all accounts, until an operator updates it."}
	}
	return nil
}

// identifier quotes a name of system.columns.
func identifier(name any) string {
	return "`" + strings.NewReplacer(`\`, `\\`, "`", "\\`").Replace(fmt.Sprint(name)) + "`"
}
