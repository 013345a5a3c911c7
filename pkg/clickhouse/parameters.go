package clickhouse

import (
	"fmt"
	"strings"
	"text/template"
)

// tableParameters are what a migration may ask for. Validate let names and paths pass that are safe between quotes, and nothing else.
func (t Tables) tableParameters() template.FuncMap {
	return template.FuncMap{
		"on_cluster": func() string {
			if t.Replication != ReplicationTables {
				return ""
			}
			return t.onCluster()
		},
		// engine is one of the MergeTree family, with arguments of its own.
		"engine": t.engine,
		// deduplication_window is the setting of so many blocks: without it a repeated insert would double its rows.
		"deduplication_window": t.deduplicationWindow,
	}
}

// viewParameters are what a view may ask for.
func (t Tables) viewParameters(v View) template.FuncMap {
	return template.FuncMap{
		"on_cluster": t.tableParameters()["on_cluster"],
		// mark is what setup knows the view by when it runs again.
		"mark": v.mark().String,
	}
}

// dropParameters are those of a view, by name, that is dropped.
func (t Tables) dropParameters(view string) template.FuncMap {
	return template.FuncMap{"view": func() string { return view }, "on_cluster": t.tableParameters()["on_cluster"]}
}

// databaseParameters are those of the database itself.
func (t Tables) databaseParameters(database string) template.FuncMap {
	return template.FuncMap{
		"database":   func() string { return database },
		"on_cluster": t.onCluster,
		"engine": func() string {
			if t.Replication != ReplicationDatabase {
				return ""
			}
			// All servers are of one shard, whatever their macros say.
			return fmt.Sprintf("\nENGINE = Replicated('%s', '1', '%s')", t.Path, t.Replica)
		},
	}
}

func (t Tables) onCluster() string {
	if t.Cluster == "" {
		return ""
	}
	return " ON CLUSTER '" + t.Cluster + "'"
}

func (t Tables) engine(family string, arguments ...string) (string, error) {
	if !strings.HasSuffix(family, "MergeTree") || strings.HasPrefix(family, "Replicated") {
		return "", fmt.Errorf("engine %s: want one of the MergeTree family as one server has it", family)
	}
	switch t.Replication {
	case ReplicationTables:
		family, arguments = "Replicated"+family, append([]string{"'" + t.Path + "'", "'" + t.Replica + "'"}, arguments...)
	case ReplicationDatabase:
		family = "Replicated" + family
	}
	if len(arguments) == 0 {
		return family, nil
	}
	return family + "(" + strings.Join(arguments, ", ") + ")", nil
}

// windowSeconds is for how long a replicated table remembers a block, their number permitting: a week. ClickHouse's own default is
// an hour, and a sink may be away for a night.
const windowSeconds = 7 * 24 * 60 * 60

func (t Tables) deduplicationWindow(blocks int) string {
	if t.replicated() {
		return fmt.Sprintf("replicated_deduplication_window = %d,\n    replicated_deduplication_window_seconds = %d", blocks, windowSeconds)
	}
	return fmt.Sprintf("non_replicated_deduplication_window = %d", blocks)
}
