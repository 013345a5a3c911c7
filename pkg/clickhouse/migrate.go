package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"regexp"
	"strings"
	"syscall"
	"text/template"
	"time"
)

// A Report is what Migrate did, and what somebody should know of the tables, a line each.
type Report struct {
	// Changes are such as "migration 0001_events applied" and "view events_live replaced".
	Changes []string
	// Notes are what is not as configured, does no harm, and is not changed by Migrate.
	Notes []string
}

// Migrate creates cfg's database where it is missing, applies the migrations that files holds, in order, and then its views. It can be
// repeated, and run twice at once, since each statement can; one that was cut off is completed by the next.
//
// A *SchemaError is what somebody has to decide: a migration that was edited after it was applied, one that a later version has applied, tables
// that were made in another way than t says, and whatever would be lost under a view's name. None of them was changed then.
func Migrate(ctx context.Context, cfg Config, t Tables, files fs.FS) (Report, error) {
	t = t.WithDefaults()
	if err := t.Validate(); err != nil {
		return Report{}, fmt.Errorf("tables: %w", err)
	}
	schema, err := ReadSchema(files)
	if err != nil {
		return Report{}, err
	}
	m := &migrator{cfg: cfg.WithDefaults(), tables: t, schema: schema}
	for try := 1; ; try++ {
		err := m.run(ctx)
		if err == nil || !cutOff(err) || try == 3 || ctx.Err() != nil {
			return m.report, m.plain(err)
		}
	}
}

// cutOff tells whether a connection that had been made broke: doing the same again is worth it at once.
func cutOff(err error) bool {
	return errors.Is(err, net.ErrClosed) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET)
}

// A migrator brings one database up to date.
type migrator struct {
	cfg    Config
	tables Tables
	schema Schema
	report Report

	conn *Conn
	have map[uint32]applied // the migrations that the database has
	// lacking are tables that are fed from now on, and have nothing of the events that there were.
	lacking []string
}

type applied struct{ name, checksum string }

func (m *migrator) run(ctx context.Context) (err error) {
	m.report.Notes = nil
	if err := m.createDatabase(ctx); err != nil {
		return err
	}
	if m.conn, err = Open(m.cfg); err != nil {
		return err
	}
	defer m.conn.Close()
	if err := m.compare(ctx); err != nil {
		return err
	}
	if err := m.exec(ctx, migrationsSource, m.tables.tableParameters()); err != nil {
		return fmt.Errorf("table waymark_migrations: %w", err)
	}
	if err := m.read(ctx); err != nil {
		return fmt.Errorf("table waymark_migrations: %w", err)
	}
	if err := m.judge(); err != nil {
		return err
	}
	views, err := m.lookAtViews(ctx)
	if err != nil {
		return err
	}
	if err := m.migrate(ctx); err != nil {
		return err
	}
	return m.replaceViews(ctx, views)
}

// createDatabase connects to the database every server has, since a connection to a missing one is refused. One that is there already is not
// created, for which a user may have no right, unless another server of the cluster may lack it.
func (m *migrator) createDatabase(ctx context.Context) (err error) {
	if m.conn, err = open(m.cfg, "default"); err != nil {
		return err
	}
	defer m.conn.Close()
	if m.tables.replicated() {
		if err := m.oneShard(ctx); err != nil {
			return err
		}
	}
	engine := ""
	err = m.conn.Query(ctx, "SELECT engine FROM system.databases WHERE name = ?", func(_ []string, values []any) error {
		engine = fmt.Sprint(values[0])
		return nil
	}, m.cfg.Database)
	if err != nil {
		return fmt.Errorf("look for database %s: %w", m.cfg.Database, err)
	}
	if err := m.tables.differsFromDatabase(m.cfg.Database, engine); err != nil {
		return err
	}
	if engine != "" && m.tables.Cluster == "" {
		return nil
	}
	if err := m.exec(ctx, databaseSource, m.tables.databaseParameters(m.cfg.Database)); err != nil {
		return fmt.Errorf("create database %s: %w", m.cfg.Database, err)
	}
	return nil
}

// read finds out which migrations the database has.
func (m *migrator) read(ctx context.Context) error {
	if m.tables.replicated() {
		// A replica that is behind does not know what a later version did, and its views would be put back.
		if err := m.conn.Exec(ctx, "SYSTEM SYNC REPLICA waymark_migrations"); err != nil {
			return fmt.Errorf("bring the replica up to date: %w", err)
		}
	}
	m.have = make(map[uint32]applied)
	return m.conn.Query(ctx, "SELECT number, any(name), any(checksum) FROM waymark_migrations GROUP BY number", func(_ []string, values []any) error {
		m.have[values[0].(uint32)] = applied{values[1].(string), values[2].(string)}
		return nil
	})
}

// judge compares what the database has with the files.
func (m *migrator) judge() error {
	known := make(map[uint32]bool)
	for _, of := range m.schema.Migrations {
		known[of.Number] = true
		if have, applied := m.have[of.Number]; applied && have.checksum != of.Checksum {
			return m.schemaError("migration %04d_%s was edited after it was applied: add a new one instead", of.Number, of.Name)
		}
	}
	for number, have := range m.have {
		if !known[number] {
			return m.schemaError("it has migration %04d_%s, which this version does not know (its last is %04d): a later one was here; use that one's waymarkctl",
				number, have.name, m.schema.last())
		}
	}
	return nil
}

// migrate repeats what was applied, too: that brings back a table that somebody has dropped, and makes it on a server that is new.
func (m *migrator) migrate(ctx context.Context) error {
	for _, of := range m.schema.Migrations {
		_, known := m.have[of.Number]
		if feeds := feedsTable.FindStringSubmatch(of.Text); feeds != nil && !known {
			had, err := m.hasRows(ctx, "events")
			if err != nil {
				return err
			}
			if had {
				m.lacking = append(m.lacking, feeds[1])
			}
		}
		if err := m.exec(ctx, of.Source, m.tables.tableParameters()); err != nil {
			return fmt.Errorf("migration %04d_%s: %w", of.Number, of.Name, err)
		}
		if known {
			continue
		}
		if err := m.record(ctx, of); err != nil {
			return fmt.Errorf("record migration %04d_%s: %w", of.Number, of.Name, err)
		}
		m.report.Changes = append(m.report.Changes, fmt.Sprintf("migration %04d_%s applied", of.Number, of.Name))
	}
	if len(m.lacking) > 0 {
		m.report.Notes = append(m.report.Notes, "the table events has rows that are not in "+strings.Join(m.lacking, ", ")+", fed from now on: waymarkctl model rebuild makes them of all")
	}
	return nil
}

// feedsTable is the table that a migration's materialized view fills from then on: not with what is there.
var feedsTable = regexp.MustCompile(`(?m)^CREATE MATERIALIZED VIEW IF NOT EXISTS \w+\{\{on_cluster\}\} TO (\w+) AS$`)

func (m *migrator) hasRows(ctx context.Context, table string) (has bool, err error) {
	err = m.conn.Query(ctx, "SELECT 1 FROM "+table+" LIMIT 1", func([]string, []any) error {
		has = true
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("look into table %s: %w", table, err)
	}
	return has, nil
}

func (m *migrator) record(ctx context.Context, of Migration) error {
	return m.conn.Insert(ctx, "INSERT INTO waymark_migrations (number, name, checksum, applied_at)", "", []Column{
		{"number", []uint32{of.Number}}, {"name", []string{of.Name}}, {"checksum", []string{of.Checksum}}, {"applied_at", []int64{time.Now().UnixMilli()}},
	})
}

// exec runs a source's statement. On several servers it waits for all of them, but not so long that the client gives up first: the server's
// sentence names those that are not done. They will do it when they can.
func (m *migrator) exec(ctx context.Context, source Source, parameters template.FuncMap) error {
	statement, err := source.fill(parameters)
	if err != nil {
		return err
	}
	if m.tables.replicated() {
		ctx = withSettings(ctx, map[string]any{
			"distributed_ddl_output_mode": "none", "distributed_ddl_task_timeout": int(m.cfg.RequestTimeout.Seconds() / 2),
		})
	}
	return m.conn.Exec(ctx, statement)
}

func (m *migrator) schemaError(format string, args ...any) error {
	return schemaError(m.cfg.Database, format, args...)
}
