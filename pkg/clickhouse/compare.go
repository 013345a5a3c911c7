package clickhouse

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// oneShard refuses a cluster of several shards: a batch that is inserted again, or looked for, must find what was stored of it, and another
// shard has nothing of it.
func (m *migrator) oneShard(ctx context.Context) error {
	cluster := m.tables.Cluster
	if macro, is := strings.CutPrefix(cluster, "{"); is {
		err := m.conn.Query(ctx, "SELECT substitution FROM system.macros WHERE macro = ?", func(_ []string, values []any) error {
			cluster = fmt.Sprint(values[0])
			return nil
		}, strings.TrimSuffix(macro, "}"))
		if err != nil {
			return fmt.Errorf("look for the macro %s: %w", cluster, err)
		}
	}
	if cluster == "" && m.tables.Replication == ReplicationDatabase {
		cluster = m.cfg.Database // a Replicated database is a cluster of its own name
	}
	var shards uint64
	err := m.conn.Query(ctx, "SELECT uniqExact(shard_num) FROM system.clusters WHERE cluster = ?", func(_ []string, values []any) error {
		shards = values[0].(uint64)
		return nil
	}, cluster)
	switch {
	case err != nil:
		return fmt.Errorf("look at cluster %s: %w", cluster, err)
	case shards == 0 && m.tables.Cluster != "":
		return m.schemaError("the server knows no cluster %s (tables.cluster); SELECT cluster FROM system.clusters has those that it knows", cluster)
	case shards > 1:
		return m.schemaError("cluster %s has %d shards, and a region's tables are replicas of one: name a cluster of one shard (tables.cluster), and make each shard a region; "+
			"analysts may read them all through a Distributed table", cluster, shards)
	}
	return nil
}

// differsFromDatabase tells what of a database that exists is not as t has it; engine is empty when none does.
func (t Tables) differsFromDatabase(database, engine string) error {
	switch {
	case engine == "":
		return nil
	case engine == "Replicated" && t.Replication != ReplicationDatabase:
		return schemaError(database, "it is a Replicated database, and tables.replication is %s: set it to %s", t.Replication, ReplicationDatabase)
	case engine != "Replicated" && t.Replication == ReplicationDatabase:
		return schemaError(database, "it is %s, and tables.replication is %s: setup changes no database; name another one, or set %s", engine, t.Replication, ReplicationTables)
	}
	return nil
}

// compare looks at the tables that are there already: CREATE TABLE IF NOT EXISTS would leave them as they are, whatever the settings say.
func (m *migrator) compare(ctx context.Context) error {
	names := []string{"waymark_migrations"}
	for _, of := range m.schema.Migrations {
		names = append(names, of.Table)
	}
	return m.conn.Query(ctx, "SELECT name, engine, engine_full, toString(uuid) FROM system.tables WHERE database = currentDatabase()", func(_ []string, values []any) error {
		have := existing{m.cfg.Database, fmt.Sprint(values[0]), fmt.Sprint(values[1]), fmt.Sprint(values[2]), fmt.Sprint(values[3])}
		if !slices.Contains(names, have.name) {
			return nil
		}
		note, err := m.tables.differs(have)
		if note != "" {
			m.report.Notes = append(m.report.Notes, note)
		}
		return err
	})
}

// existing is a table as system.tables has it.
type existing struct{ database, name, engine, definition, uuid string }

// meeting is where the replicas of a table meet, and the name of this one, of a table's definition.
var meeting = regexp.MustCompile(`^Replicated\w+\('([^']*)', '([^']*)'`)

// differs tells what of a table is not as t would make it. What cannot stay so is a *SchemaError.
func (t Tables) differs(have existing) (note string, err error) {
	replicated := strings.HasPrefix(have.engine, "Replicated")
	switch {
	case have.engine == "Distributed":
		return "", schemaError(have.database, "table %s is %s", have.name, onlyHandsOn)
	case !strings.HasSuffix(have.engine, "MergeTree"):
		return "", schemaError(have.database, "table %s is a %s, and not of the MergeTree family: rename it, and run setup again", have.name, have.engine)
	case replicated && !t.replicated():
		return "", schemaError(have.database, "table %s is a %s, and tables.replication is %s: say there how it is replicated", have.name, have.engine, t.Replication)
	case !replicated && t.replicated():
		return "", schemaError(have.database, "table %s is a %s, and tables.replication is %s: setup changes no table's engine, and its rows would stay on one server; "+
			"ClickHouse does it (ATTACH TABLE … AS REPLICATED), or name another database", have.name, have.engine, t.Replication)
	}
	is := meeting.FindStringSubmatch(have.definition)
	if is == nil || t.Replication != ReplicationTables {
		return "", nil
	}
	// The server has filled in some of the macros when the table was made.
	filled := strings.NewReplacer("{database}", have.database, "{table}", have.name, "{uuid}", have.uuid)
	if at, want := filled.Replace(is[1]), filled.Replace(t.Path); at != want {
		return fmt.Sprintf("table %s is replicated at %s and not at %s (tables.path): it stays there", have.name, at, want), nil
	}
	if is[2] != t.Replica {
		return fmt.Sprintf("table %s is replica %s and not %s (tables.replica): it stays so", have.name, is[2], t.Replica), nil
	}
	return "", nil
}

// onlyHandsOn is why a Distributed table takes no inserts of a sink.
const onlyHandsOn = "Distributed: it cuts a block up and hands the pieces on, and remembers no tokens, so a repeated insert would double rows; " +
	"give this name to the table itself, on replicas of one shard, and read through a Distributed one of another name"
