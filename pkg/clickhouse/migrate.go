package clickhouse

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A Migration is one file NNNN_name.sql: a single statement that can be repeated.
type Migration struct {
	Number    uint32
	Name      string
	Statement string
	Checksum  string // SHA-256 of the file, hexadecimal
}

var migrationFile = regexp.MustCompile(`^([0-9]{4})_([a-z0-9_]+)\.sql$`)

// ReadMigrations reads a folder of migrations in order. Numbers must be unique; other files are an error.
func ReadMigrations(files fs.FS) ([]Migration, error) {
	names, err := fs.Glob(files, "*")
	if err != nil {
		return nil, err
	}
	var out []Migration
	for _, name := range slices.Sorted(slices.Values(names)) {
		match := migrationFile.FindStringSubmatch(path.Base(name))
		if match == nil {
			return nil, fmt.Errorf("migration %s: want NNNN_name.sql", name)
		}
		number, err := strconv.ParseUint(match[1], 10, 32)
		if err != nil {
			return nil, fmt.Errorf("migration %s: %w", name, err)
		}
		if n := len(out); n > 0 && out[n-1].Number == uint32(number) {
			return nil, fmt.Errorf("migration %s: number %d stands twice", name, number)
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(text)
		out = append(out, Migration{
			Number: uint32(number), Name: match[2], Checksum: hex.EncodeToString(sum[:]),
			Statement: strings.TrimRight(strings.TrimSpace(string(text)), ";"),
		})
	}
	return out, nil
}

const migrationsTable = `CREATE TABLE IF NOT EXISTS waymark_migrations
(
    number     UInt32                   COMMENT 'Number of the migration',
    name       String                   COMMENT 'Its name',
    checksum   String                   COMMENT 'SHA-256 of its file: an applied migration must not be edited',
    applied_at DateTime64(3, 'UTC')     COMMENT 'When it was applied'
)
ENGINE = ReplacingMergeTree
ORDER BY number
COMMENT 'Which of Waymark''s migrations this database has'`

// Migrate creates cfg's database where it is missing and applies the migrations, in order. It returns those that the database did not
// have. It can be repeated, and run twice at once, since each statement can. An applied migration whose file was edited
// since is a *SchemaError.
func Migrate(ctx context.Context, cfg Config, files fs.FS) ([]Migration, error) {
	migrations, err := ReadMigrations(files)
	if err != nil {
		return nil, err
	}
	var all []Migration
	for try := 1; ; try++ {
		applied, err := migrate(ctx, cfg, migrations)
		all = append(all, applied...)
		if err == nil || !cutOff(err) || try == 3 || ctx.Err() != nil {
			return all, err
		}
	}
}

// cutOff tells whether a connection that had been made broke: doing the same again is worth it at once.
func cutOff(err error) bool {
	return errors.Is(err, net.ErrClosed) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET)
}

func migrate(ctx context.Context, cfg Config, migrations []Migration) ([]Migration, error) {
	if err := createDatabase(ctx, cfg); err != nil {
		return nil, err
	}
	conn, err := Open(cfg)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.Exec(ctx, migrationsTable); err != nil {
		return nil, fmt.Errorf("migrate: %w", err)
	}
	have := make(map[uint32]string)
	err = conn.Query(ctx, "SELECT number, any(checksum) FROM waymark_migrations GROUP BY number", func(_ []string, values []any) error {
		have[values[0].(uint32)] = values[1].(string)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("migrate: %w", err)
	}
	var applied []Migration
	for _, m := range migrations {
		checksum, known := have[m.Number]
		if known && checksum != m.Checksum {
			return applied, &SchemaError{fmt.Errorf("migration %04d_%s was edited after it was applied: add a new one instead", m.Number, m.Name)}
		}
		// One that was applied is repeated: it brings back a table that somebody has dropped.
		if err := conn.Exec(ctx, m.Statement); err != nil {
			return applied, fmt.Errorf("migration %04d_%s: %w", m.Number, m.Name, err)
		}
		if known {
			continue
		}
		if err := conn.record(ctx, m); err != nil {
			return applied, fmt.Errorf("record migration %04d_%s: %w", m.Number, m.Name, err)
		}
		applied = append(applied, m)
	}
	return applied, nil
}

func (c *Conn) record(ctx context.Context, m Migration) error {
	return c.Insert(ctx, "INSERT INTO waymark_migrations (number, name, checksum, applied_at)", "", []Column{
		{"number", []uint32{m.Number}}, {"name", []string{m.Name}}, {"checksum", []string{m.Checksum}}, {"applied_at", []int64{time.Now().UnixMilli()}},
	})
}

// createDatabase connects to the database every server has, since a connection to a missing one is refused.
func createDatabase(ctx context.Context, cfg Config) error {
	conn, err := open(cfg, "default")
	if err != nil {
		return err
	}
	defer conn.Close()
	// Config.Validate let an identifier pass and nothing else.
	if err := conn.Exec(ctx, "CREATE DATABASE IF NOT EXISTS "+conn.cfg.Database); err != nil {
		return fmt.Errorf("create database %s: %w", conn.cfg.Database, err)
	}
	return nil
}
