package chdb_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/waymark-events/waymark/services/local/engines/chdb/chdbtest"
)

func codeOf(err error) int32 {
	var e *clickhouse.Exception
	if errors.As(err, &e) {
		return e.Code
	}
	return 0
}

func TestNativeErrorsCarryClickHousesNumbersAndLeaveTheConnectionUsable(t *testing.T) {
	server := chdbtest.Start(t)
	ctx := within(t, time.Minute)
	conn := server.Open(t, func(o *clickhouse.Options) { o.MaxOpenConns = 1 })
	if err := conn.Exec(ctx, "CREATE TABLE t (n UInt8, s String) ENGINE = MergeTree ORDER BY n"); err != nil {
		t.Fatal(err)
	}
	prepare := func(query string) func() error {
		return func() error { _, err := conn.PrepareBatch(ctx, query); return err }
	}
	exec := func(query string) func() error { return func() error { return conn.Exec(ctx, query) } }
	for _, c := range []struct {
		name string
		code int32
		do   func() error
	}{
		{"unknown table", 60, exec("SELECT * FROM nowhere")},
		{"unknown table of an insert", 60, prepare("INSERT INTO nowhere (a)")},
		{"unknown database", 81, exec("SELECT * FROM nowhere.t")},
		{"unknown database of an insert", 81, prepare("INSERT INTO nowhere.t")},
		{"unknown column of an insert", 16, prepare("INSERT INTO t (n, nope)")},
		{"unknown column", 47, exec("SELECT nope FROM t")},
		{"syntax", 62, exec("SELEC 1")},
		{"several statements", 62, exec("SELECT 1; SELECT 2")},
		{"table exists", 57, exec("CREATE TABLE t (n UInt8) ENGINE = Memory")},
		{"failure halfway", 395, func() error {
			rows, err := conn.Query(ctx, "SELECT throwIf(number = 300000) FROM numbers(400000)")
			if err != nil {
				return err
			}
			for rows.Next() {
			}
			return errors.Join(rows.Err(), rows.Close())
		}},
		{"timeout", 159, exec("SELECT sum(sipHash64(number)) FROM numbers(100000000000) SETTINGS max_execution_time = 0.2")},
		{"unknown setting", 115, func() error {
			return conn.Exec(clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"no_such_setting": 1})), "SELECT 1")
		}},
		{"memory", 241, func() error {
			limited := clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"max_memory_usage": 1_000_000}))
			return conn.Exec(limited, "SELECT groupArray(number) FROM numbers(10000000)")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := c.do(); codeOf(err) != c.code {
				t.Errorf("error %v, want code %d", err, c.code)
			}
			if got := count(t, conn, "SELECT count() FROM t"); got != 0 {
				t.Errorf("%d rows afterwards, want none", got)
			}
		})
	}
}

func TestInsertThatFailsOnItsRowsTellsWhyAndLeavesNothing(t *testing.T) {
	ctx, conn := within(t, time.Minute), chdbtest.Start(t).Open(t)
	if err := conn.Exec(ctx, "CREATE TABLE t (n UInt8, CONSTRAINT small CHECK n < 10) ENGINE = MergeTree ORDER BY n"); err != nil {
		t.Fatal(err)
	}
	batch, err := conn.PrepareBatch(ctx, "INSERT INTO t")
	if err != nil {
		t.Fatal(err)
	}
	for n := range 20 {
		if err := batch.Append(uint8(n)); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Send(); codeOf(err) != 469 {
		t.Errorf("error %v, want code 469 VIOLATED_CONSTRAINT", err)
	}
	if got := count(t, conn, "SELECT count() FROM t"); got != 0 {
		t.Errorf("%d rows are there", got)
	}
}

func TestNativeRefusesWrongCredentialsAndUnknownDatabases(t *testing.T) {
	server := chdbtest.Start(t)
	for name, c := range map[string]struct {
		auth clickhouse.Auth
		code int32
	}{
		"wrong password":   {clickhouse.Auth{Username: "default", Password: "wrong"}, 516},
		"unknown user":     {clickhouse.Auth{Username: "nobody"}, 516},
		"unknown database": {clickhouse.Auth{Database: "nowhere"}, 81},
		"right":            {clickhouse.Auth{Username: "default", Database: server.Database}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			conn := server.Connect(t, func(o *clickhouse.Options) { o.Auth = c.auth })
			if err := conn.Ping(within(t, time.Minute)); codeOf(err) != c.code {
				t.Errorf("error %v, want code %d", err, c.code)
			}
		})
	}
}

// A client that leaves must not leave its query behind.
func TestQueryEndsWhenItsClientCancelsOrIsGone(t *testing.T) {
	server := chdbtest.Start(t)
	watcher := server.Open(t)
	const query = "SELECT sum(sipHash64(number)) FROM numbers(1000000000000) SETTINGS max_execution_time = 100, max_threads = 1"
	running := "SELECT count() FROM system.processes WHERE query LIKE 'SELECT sum(sipHash64(number)) FROM numbers(1000000000000)%' AND NOT is_cancelled AND elapsed < 90"
	awaitRunning := func(want uint64) {
		t.Helper()
		deadline := time.Now().Add(20 * time.Second)
		for count(t, watcher, running) != want {
			if time.Now().After(deadline) {
				t.Fatalf("never saw %d such queries run", want)
			}
		}
	}
	for name, leave := range map[string]func(cancel context.CancelFunc, socket net.Conn){
		"cancel": func(cancel context.CancelFunc, _ net.Conn) { cancel() },
		"gone":   func(_ context.CancelFunc, socket net.Conn) { socket.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			sockets := make(chan net.Conn, 1)
			conn := server.Open(t, func(o *clickhouse.Options) {
				o.DialContext = func(ctx context.Context, addr string) (net.Conn, error) {
					c, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
					if err == nil {
						sockets <- c
					}
					return c, err
				}
			})
			ctx, cancel := context.WithCancel(within(t, time.Minute))
			defer cancel()
			done := make(chan error, 1)
			go func() { done <- conn.Exec(ctx, query) }()
			awaitRunning(1)
			leave(cancel, <-sockets)
			if err := <-done; err == nil {
				t.Error("the query succeeded")
			}
			awaitRunning(0)
		})
	}
}
