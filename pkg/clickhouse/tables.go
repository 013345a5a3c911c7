package clickhouse

import (
	"cmp"
	"errors"
	"regexp"
	"strings"
)

// The ways in which several servers may have one region's tables.
const (
	// ReplicationNone is one server.
	ReplicationNone = "none"
	// ReplicationTables is tables of Replicated engines, in a database of each server's own.
	ReplicationTables = "tables"
	// ReplicationDatabase is a Replicated database, which carries CREATE and ALTER to its replicas itself. It takes neither ON CLUSTER nor a table's
	// own path.
	ReplicationDatabase = "database"
)

// Tables says how a region's tables are made: on one server, or on several that are replicas of one shard, so that each has every row. An insert
// is repeated under its token, and its rows are looked for, at any of them; over several shards neither would be of use.
type Tables struct {
	// Replication is none, tables or database. Default none.
	Replication string `yaml:"replication"`
	// Cluster is the name that ON CLUSTER takes, or a macro for it, such as {cluster}: its servers get the tables at once. Default none: setup is
	// run at each server.
	Cluster string `yaml:"cluster"`
	// Path is where in Keeper the replicas meet. Default /clickhouse/tables/{shard}/{database}/{table} for tables, /clickhouse/databases/{database}
	// for a database. {uuid} is the same on all servers through a cluster only.
	Path string `yaml:"path"`
	// Replica is the name of a replica. Default the macro {replica}.
	Replica string `yaml:"replica"`
}

// WithDefaults fills in what is empty.
func (t Tables) WithDefaults() Tables {
	t.Replication = cmp.Or(t.Replication, ReplicationNone)
	switch t.Replication {
	case ReplicationTables:
		t.Path = cmp.Or(t.Path, "/clickhouse/tables/{shard}/{database}/{table}")
	case ReplicationDatabase:
		t.Path = cmp.Or(t.Path, "/clickhouse/databases/{database}")
	default:
		return t
	}
	t.Replica = cmp.Or(t.Replica, "{replica}")
	return t
}

// What these match comes into statements between quotes: no quote, backslash or space is among it.
var (
	clusterName = regexp.MustCompile(`^([A-Za-z0-9_][A-Za-z0-9_.-]{0,63}|\{[A-Za-z0-9_]{1,64}\})$`)
	keeperPath  = regexp.MustCompile(`^(/([A-Za-z0-9_.-]|\{[A-Za-z0-9_]{1,64}\})+)+$`)
	replicaName = regexp.MustCompile(`^([A-Za-z0-9_.-]|\{[A-Za-z0-9_]{1,64}\})+$`)
)

// Validate names the first setting that is wrong. Empty values stand for the defaults.
func (t Tables) Validate() error {
	t = t.WithDefaults()
	unique := strings.Contains(t.Path, "{uuid}")
	switch {
	case t.Replication != ReplicationNone && t.Replication != ReplicationTables && t.Replication != ReplicationDatabase:
		return errors.New("replication: want none, tables or database")
	case t.Replication == ReplicationNone && t.Cluster+t.Path+t.Replica != "":
		return errors.New("replication: want tables or database where cluster, path or replica is set: servers that do not replicate each other are regions of their own")
	case t.Replication == ReplicationNone:
		return nil
	case t.Cluster != "" && !clusterName.MatchString(t.Cluster):
		return errors.New("cluster: want letters, digits, and _ . -, at most 64, or one macro such as {cluster}")
	case len(t.Path) > 200 || !keeperPath.MatchString(t.Path):
		return errors.New("path: want /name/name of letters, digits, _ . - and macros such as {shard}, at most 200 bytes")
	case len(t.Replica) > 100 || !replicaName.MatchString(t.Replica):
		return errors.New("replica: want letters, digits, _ . - and macros such as {replica}, at most 100 bytes")
	case unique && t.Cluster == "":
		return errors.New("path: want {uuid} with a cluster only: otherwise each server makes one of its own, and no two meet")
	case !unique && !strings.Contains(t.Path, "{database}"):
		return errors.New("path: want {database} or {uuid} in it: two regions' tables must not meet")
	case !unique && t.Replication == ReplicationTables && !strings.Contains(t.Path, "{table}"):
		return errors.New("path: want {table} or {uuid} in it: two tables must not meet")
	case strings.Contains(t.Path, "{replica}"), strings.Contains(t.Replica, "{") && strings.Contains(t.Path, t.Replica):
		return errors.New("path: want no replica's name in it: no two would meet")
	case t.Cluster != "" && !strings.Contains(t.Replica, "{"):
		return errors.New("replica: want a macro such as {replica} with a cluster: the same statement goes to all servers")
	}
	return nil
}

// replicated tells whether tables are of Replicated engines.
func (t Tables) replicated() bool {
	return t.Replication == ReplicationTables || t.Replication == ReplicationDatabase
}
