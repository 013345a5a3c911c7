package load

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"github.com/waymark-events/waymark/services/local/rigs/child"
)

// sinkerProgram is the variable that names a program of clickhouse_sinker's (https://github.com/housepower/clickhouse_sinker), another loader from Kafka, which is
// Apache-2.0 and no dependency. Without it there is no such case.
const sinkerProgram = "WAYMARK_BENCH_SINKER"

// peer stores the same events by the sink, exactly once, and by clickhouse_sinker, at least once, from the rows as JSON. It does not know the type JSON, so that
// props and detail are strings for both.
func (r *rig) peer(ctx context.Context, m *Measurement) error {
	if err := r.prepare(ctx, m); err != nil {
		return err
	}
	if err := r.tables.Exec(ctx, "ALTER TABLE events MODIFY COLUMN props String, MODIFY COLUMN detail String"); err != nil {
		return fmt.Errorf("props and detail as strings: %w", err)
	}
	if err := r.load(ctx, m, "sink, exactly once", func() error {
		_, err := r.sinks(ctx)
		return err
	}); err != nil {
		return err
	}
	if err := errors.Join(r.writeJSON(ctx), r.empty(ctx)); err != nil {
		return err
	}
	return r.load(ctx, m, "clickhouse_sinker, at least once", func() error { return r.sinker(ctx) })
}

// load measures how a loader stores all events, and stops it.
func (r *rig) load(ctx context.Context, m *Measurement, stage string, start func() error) error {
	s, err := r.stage(ctx, stage, func() (int, error) {
		if err := start(); err != nil {
			return 0, err
		}
		return int(m.Events), r.stored(ctx, m.Events)
	})
	if err != nil {
		return err
	}
	m.Stages = append(m.Stages, s)
	return errors.Join(r.check(ctx, m.Events), r.stopTo(theEngines))
}

// settings are an object of a configuration file.
type settings map[string]any

// dims are the columns by types that clickhouse_sinker knows: it takes UUIDs for texts, and asks of DateTime and of what is in an array that it be bare.
func (r *rig) dims(ctx context.Context) (out []settings, err error) {
	err = r.tables.Query(ctx, `SELECT name, multiIf(type = 'UUID', 'String', type LIKE 'DateTime(%', 'DateTime', replaceOne(type, 'Array(LowCardinality(String))', 'Array(String)')) FROM system.columns
		WHERE database = currentDatabase() AND table = 'events' AND default_kind NOT IN ('MATERIALIZED', 'ALIAS') ORDER BY position`, func(_ []string, values []any) error {
		out = append(out, settings{"name": values[0], "type": values[1]})
		return nil
	})
	return out, err
}

// sinker starts clickhouse_sinker as its documentation has it for throughput: large batches, and the faster of its parsers.
func (r *rig) sinker(ctx context.Context) error {
	host, port, err := net.SplitHostPort(r.native)
	if err != nil {
		return err
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return err
	}
	dims, err := r.dims(ctx)
	if err != nil {
		return err
	}
	text, err := json.Marshal(settings{
		"clickhouse": settings{"hosts": [][]string{{host}}, "port": number, "db": r.cfg.Database(r.cfg.Regions[0]), "username": "default", "maxOpenConns": 4},
		"kafka":      settings{"brokers": r.broker},
		"tasks": []settings{{
			"name": "bench", "topic": jsonTopic, "consumerGroup": "bench-sinker", "earliest": true, "parser": "fastjson", "dims": dims, "tableName": "events",
			"bufferSize": 100_000, "flushInterval": 1,
		}},
		"logLevel": "warn",
	})
	if err != nil {
		return err
	}
	file := filepath.Join(r.dir, "sinker.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return err
	}
	p := &child.Process{Name: "sink clickhouse_sinker", Args: []string{os.Getenv(sinkerProgram), "--local-cfg-file=" + file, "--log-paths=stdout"}}
	if err := p.Start(ctx, r.dir); err != nil {
		return err
	}
	r.running = append(r.running, p)
	return nil
}
