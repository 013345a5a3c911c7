package clickhouse

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/proto"
)

// The messages are as people have reported them.
func TestWhatTheServerRefusesIsSaidWithItsCure(t *testing.T) {
	server := func(code int32, message string) error {
		return fmt.Errorf("view v: %w", &proto.Exception{Code: code, Message: message})
	}
	const lacks = "foo: Not enough privileges. To execute this query, it's necessary to have the grant "
	for says, err := range map[string]error{
		"user setup lacks a right; GRANT CREATE TABLE ON waymark.events TO setup: view v: ":          server(497, lacks+"CREATE TABLE ON waymark.events"),
		"user setup lacks a right; GRANT SELECT, DROP TABLE ON waymark.* TO setup: view v: ":         server(497, lacks+"SELECT, DROP TABLE ON waymark._tmp_replace_6c83ce8d2d457840_jnkahkee1d23043b. (ACCESS_DENIED)"),
		"user setup lacks a right; GRANT DROP TABLE, DROP VIEW ON default.v_test TO setup: view v: ": server(497, lacks+"DROP TABLE, DROP VIEW ON default.v_test. (Missing permissions: DROP TABLE ON default.v_test). (ACCESS_DENIED)"),
		"user setup lacks a right; GRANT SELECT ON waymark.events TO setup: view v: ":                server(497, lacks+"SELECT for at least one column on waymark.events"),
		"user setup lacks a right; GRANT CLUSTER ON *.* TO setup: view v: ":                          server(497, lacks+"CLUSTER ON *.*. (ACCESS_DENIED)"),
		"view v: code: 497, message: something else":                                                 server(497, "something else"),
		"the replica is in Keeper already":                                                           server(253, "Replica /clickhouse/tables/1/waymark/events/replicas/r1 already exists"),
		"not every server has done it yet":                                                           server(159, "Distributed DDL task /clickhouse/task_queue/ddl/query-0000000376 is not finished on 4 of 5 hosts"),
		"the file system of ClickHouse's data cannot exchange two files":                             server(1, "System call renameat2() is not supported"),
		"EOF": io.EOF,
	} {
		m := &migrator{cfg: Config{User: "setup", Database: "waymark"}, tables: Tables{Replication: ReplicationTables}}
		got := m.plain(err)
		if !strings.HasPrefix(got.Error(), says) || !errors.Is(got, err) || Classify(got) != Classify(err) {
			t.Errorf("got %q, want %s…", got, says)
		}
	}
}
