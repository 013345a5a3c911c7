package waymarkctl

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func run(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs strings.Builder
	code = Run(context.Background(), args, strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

func TestWrongCommandLines(t *testing.T) {
	for _, c := range []struct {
		args string
		says string
	}{
		{"", "expected one of"},
		{"nope", "unexpected argument nope"},
		{"lag --bogus", "unknown flag --bogus"},
		{"sql", `expected "<query>"`},
		{"sql x --format xml", "--format must be one of"},
		{"setup --wait soon", "--wait"},
		{"send events.ndjson", "--key"},
		{"lag --config no-such-file.yaml", "no-such-file.yaml"},
	} {
		code, stdout, stderr := run(t, strings.Fields(c.args)...)
		if code != 2 || stdout != "" || !strings.Contains(stderr, c.says) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%q: status %d, %q, %q", c.args, code, stdout, stderr)
		}
	}
}

func TestWrongRegion(t *testing.T) {
	file := filepath.Join(t.TempDir(), "waymarkctl.yaml")
	if err := os.WriteFile(file, []byte("regions: {eu-west: {kafka: {brokers: ['127.0.0.1:1']}, clickhouse: {addresses: ['127.0.0.1:1']}}}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := run(t, "lag", "--config", file); code != 2 || !strings.Contains(stderr, "regions: want a name of 1–16 characters") {
		t.Errorf("status %d, %q", code, stderr)
	}
}

func TestWrongVariable(t *testing.T) {
	t.Setenv("WAYMARK_WAYMARKCTL_REGIONS_US_KAFKA_BROKER", "127.0.0.1:1")
	if code, _, stderr := run(t, "lag"); code != 2 || !strings.Contains(stderr, "WAYMARK_WAYMARKCTL_REGIONS_US_KAFKA_BROKER") {
		t.Errorf("status %d, %q", code, stderr)
	}
}

func TestVersion(t *testing.T) {
	if code, stdout, stderr := run(t, "--version"); code != 0 || stdout != "waymarkctl development\n" || stderr != "" {
		t.Errorf("status %d, %q, %q", code, stdout, stderr)
	}
}

func TestPrintConfigHidesSecretsAndFillsInDefaults(t *testing.T) {
	t.Setenv("WAYMARK_WAYMARKCTL_REGIONS_US_KAFKA_BROKERS", "kafka:9092")
	t.Setenv("WAYMARK_WAYMARKCTL_REGIONS_US_CLICKHOUSE_ADDRESSES", "clickhouse:9000")
	t.Setenv("WAYMARK_WAYMARKCTL_REGIONS_US_CLICKHOUSE_PASSWORD", "hunter2")
	for _, args := range []string{"--print-config", "lag --print-config", "sql --print-config"} {
		code, stdout, stderr := run(t, strings.Fields(args)...)
		if code != 0 || stderr != "" {
			t.Errorf("%s: status %d, %q", args, code, stderr)
		}
		for _, want := range []string{"- kafka:9092\n", "database: waymark\n", "dial_timeout: 5s\n", "max_connections: 8\n", "replication: none\n"} {
			if !strings.Contains(stdout, want) {
				t.Errorf("%s: no %q in\n%s", args, want, stdout)
			}
		}
		if strings.Contains(stdout, "hunter2") || strings.Contains(stdout, "eu:") {
			t.Errorf("%s: printed\n%s", args, stdout)
		}
	}
}

func TestWithoutSettingsTheRegionsAreWaymarkLocals(t *testing.T) {
	code, stdout, _ := run(t, "--print-config")
	for _, want := range []string{"database: waymark_us\n", "database: waymark_eu\n"} {
		if code != 0 || !strings.Contains(stdout, want) {
			t.Errorf("status %d, no %q in\n%s", code, want, stdout)
		}
	}
}

func TestMigratePrintsWhatItWouldRun(t *testing.T) {
	t.Setenv("WAYMARK_WAYMARKCTL_REGIONS_US_KAFKA_BROKERS", "kafka:9092")
	t.Setenv("WAYMARK_WAYMARKCTL_REGIONS_US_CLICKHOUSE_ADDRESSES", "clickhouse:9000")
	t.Setenv("WAYMARK_WAYMARKCTL_REGIONS_US_CLICKHOUSE_TABLES_REPLICATION", "tables")
	t.Setenv("WAYMARK_WAYMARKCTL_REGIONS_US_CLICKHOUSE_TABLES_CLUSTER", "{cluster}")
	code, stdout, stderr := run(t, "migrate", "--print")
	for _, want := range []string{
		"-- region us\n", "CREATE DATABASE IF NOT EXISTS waymark ON CLUSTER '{cluster}';\n", "CREATE TABLE IF NOT EXISTS events ON CLUSTER '{cluster}'\n",
		"ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}', epoch)\n", "CREATE OR REPLACE VIEW events_live ON CLUSTER '{cluster}' AS\n",
	} {
		if code != 0 || stderr != "" || !strings.Contains(stdout, want) {
			t.Errorf("status %d, %q, no %q in\n%s", code, stderr, want, stdout)
		}
	}
}
