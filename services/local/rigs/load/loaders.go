package load

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/local/rigs/operator"
)

//go:embed sql/*.sql
var statements embed.FS

// jsonTopic has the rows of events as JSON.
const jsonTopic = "bench.json"

// loaders stores the same events by the sink, and by ClickHouse's own Kafka engine and a materialized view: from the enriched topic in its own
// format, and from one that has the rows as JSON. Each finds the tables empty and the topic full. The engine commits after its insert, so that a
// crash doubles a block: it is at least once, where the sink is exactly once.
func (r *rig) loaders(ctx context.Context, m *Measurement) error {
	if err := r.prepare(ctx, m); err != nil {
		return err
	}
	s, err := r.stage(ctx, "sink, exactly once", func() (int, error) {
		if _, err := r.sinks(ctx); err != nil {
			return 0, err
		}
		return int(m.Events), r.settle(ctx)
	})
	if err != nil {
		return err
	}
	m.Stages = append(m.Stages, s)
	if m.Disk, err = r.disk(ctx); err != nil {
		return err
	}
	if err := errors.Join(r.check(ctx, m.Events), r.stopTo(theEngines)); err != nil {
		return err
	}
	if err := r.writeJSON(ctx); err != nil {
		return fmt.Errorf("rows as JSON: %w", err)
	}
	if err := os.WriteFile(r.schemaFile(), schemas.EnrichedProto, 0o600); err != nil {
		return fmt.Errorf("write the schema: %w", err)
	}
	for _, from := range []struct{ stage, queue, view, topic string }{
		{"Kafka engine, Protobuf, at least once", "protobuf_queue", "protobuf_view", schemas.EnrichedTopic(r.cfg.Regions[0])},
		{"Kafka engine, JSONEachRow, at least once", "json_queue", "json_view", jsonTopic},
	} {
		if err := r.empty(ctx); err != nil {
			return err
		}
		s, err := r.stage(ctx, from.stage, func() (int, error) {
			if err := errors.Join(r.statement(ctx, from.queue, from.topic), r.statement(ctx, from.view, "")); err != nil {
				return 0, err
			}
			return int(m.Events), r.stored(ctx, m.Events)
		})
		if err == nil {
			err = r.check(ctx, m.Events)
		}
		if err != nil {
			return err
		}
		m.Stages = append(m.Stages, s)
		for _, table := range []string{"enriched_view", "enriched_queue", "json_view", "json_queue"} {
			if err := r.tables.Exec(ctx, "DROP TABLE IF EXISTS "+table+" SYNC"); err != nil {
				return err
			}
		}
	}
	return nil
}

// theEngines are Kafka and ClickHouse, which stay.
const theEngines = 2

// prepare fills the enriched topic, and leaves nothing running but the engines.
func (r *rig) prepare(ctx context.Context, m *Measurement) error {
	if err := r.fill(ctx, m); err != nil {
		return err
	}
	if _, err := r.enrichers(ctx); err != nil {
		return err
	}
	if err := r.enriched(ctx); err != nil {
		return err
	}
	m.Stages = nil // filling is measured elsewhere
	return r.stopTo(theEngines)
}

// writeJSON has ClickHouse write its rows into a topic with as many partitions.
func (r *rig) writeJSON(ctx context.Context) error {
	op, err := operator.New(r.broker)
	if err != nil {
		return err
	}
	defer op.Close()
	if err := op.CreateTopic(ctx, jsonTopic, r.cfg.Partitions, 1, nil); err != nil {
		return err
	}
	if err := r.statement(ctx, "json_queue", jsonTopic); err != nil {
		return err
	}
	return errors.Join(r.tables.Exec(ctx, "INSERT INTO json_queue SELECT * FROM events"), r.tables.Exec(ctx, "DROP TABLE json_queue SYNC"))
}

// schemaFile is the format's schema. ClickHouse takes its full path, since it is no server here.
func (r *rig) schemaFile() string { return filepath.Join(r.dir, "enriched.proto") }

// statement runs one of sql, for a topic.
func (r *rig) statement(ctx context.Context, name, topic string) error {
	text, err := fs.ReadFile(statements, "sql/"+name+".sql")
	if err != nil {
		return err
	}
	var columns string
	if err := r.tables.Scalar(ctx, `SELECT arrayStringConcat(groupArray(name || ' ' || type), ', ') FROM
		(SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = 'events' ORDER BY position)`, &columns); err != nil {
		return err
	}
	fill := strings.NewReplacer("{{brokers}}", r.broker, "{{topic}}", topic, "{{group}}", "bench-"+name, "{{columns}}", columns, "{{schema}}", r.schemaFile())
	if err := r.tables.Exec(ctx, fill.Replace(string(text))); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// empty takes all rows away.
func (r *rig) empty(ctx context.Context) error {
	var tables []string
	err := r.tables.Query(ctx, `SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'`, func(_ []string, values []any) error {
		tables = append(tables, fmt.Sprint(values[0]))
		return nil
	})
	for _, table := range tables {
		err = errors.Join(err, r.tables.Exec(ctx, "TRUNCATE TABLE "+table))
	}
	return err
}

// stored waits until so many rows are there.
func (r *rig) stored(ctx context.Context, want int64) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	last, since := uint64(0), time.Now()
	for {
		var n uint64
		if err := r.tables.Scalar(ctx, "SELECT count() FROM events", &n); err != nil {
			return err
		}
		if n >= uint64(want) {
			return nil
		}
		if n != last {
			last, since = n, time.Now()
		}
		if time.Since(since) > stalled {
			var said string
			err := r.tables.Scalar(ctx, `SELECT substring(arrayStringConcat(groupArray(exceptions.text[-1]), '; '), 1, 300) FROM system.kafka_consumers`, &said)
			return errors.Join(fmt.Errorf("%d of %d rows are there, and no more come: %s", n, want, said), err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
