package local

import (
	"fmt"
	"math"
	"net"
	"os"
	"path/filepath"
	"slices"
)

// Regions that waymark-local serves, and the default accounts' own.
var Regions = []string{"us", "eu"}

// Database is the ClickHouse database of a region.
func Database(region string) string { return "waymark_" + region }

// Config says where everything of waymark-local is.
type Config struct {
	// Data is the folder of everything that persists. Default .waymark.
	Data string
	// Addresses are host:port; port 0 takes a free one.
	Edge, Console, Kafka, ClickHouseNative, ClickHouseHTTP, Admin string
	// KafkaAdvertised is the address that Kafka's clients are told, when they come through something that forwards to Kafka.
	// Default: Kafka.
	KafkaAdvertised string
	// Brokers are those of a Kafka that runs already, used instead of the embedded one. Default none.
	Brokers []string
	// Accounts is the accounts file. Default: Data/accounts.yaml, written when missing.
	Accounts string
	// Geo is a City database; "made" is the small one made on the spot. Default: DB-IP's where make demo put it.
	Geo string
	// Demo is the rate of generated traffic, events/s. Default 0: none.
	Demo float64
	// Days is how long a past a fresh data folder gets when traffic is generated, and how long the one of command history is. Default 0: none, and 30.
	Days int
	// Account is the one that command history is for.
	Account string
	// Seed decides what the traffic is.
	Seed uint64
	// Events is how many events bench and million send, history stores and answers asks over. Default 0: each has its own.
	Events int
	// Binaries is where bench and million find the production binaries. Default bin.
	Binaries string
	// Measure is how bench measures.
	Measure Measure
}

// Measure says what bench and its kin measure.
type Measure struct {
	// Cases selects by a regular expression; empty takes the usual ones, "all" all.
	Cases string
	// Seconds is how long traffic of a rate goes on. Default 30.
	Seconds int
	// JSON is a file that keeps all figures. Default none.
	JSON string
	// Against is a folder of another build's binaries, Rounds how often each of both is measured. Default 6.
	Against string
	Rounds  int
	// Baseline is the file of the allocations that gate holds against; Rewrite makes it anew.
	Baseline string
	Rewrite  bool
	// Day makes traffic follow a day's curve.
	Day bool
}

// DefaultConfig is what waymark-local does without flags.
func DefaultConfig() Config {
	return Config{
		Data: ".waymark", Edge: "127.0.0.1:8080", Console: "127.0.0.1:8090", Kafka: "127.0.0.1:9092", Admin: "127.0.0.1:9600",
		ClickHouseNative: "127.0.0.1:9000", ClickHouseHTTP: "127.0.0.1:8123", Seed: 1, Binaries: "bin", Account: "demo-us",
		Measure: Measure{Seconds: 30, Rounds: 6},
	}
}

// Validate names the flag that is wrong.
func (c Config) Validate() error {
	if c.Data == "" {
		return fmt.Errorf("--data: want a folder")
	}
	for _, a := range []struct{ flag, address string }{
		{"edge", c.Edge}, {"console", c.Console}, {"kafka", c.Kafka}, {"clickhouse-native", c.ClickHouseNative}, {"clickhouse-http", c.ClickHouseHTTP}, {"admin", c.Admin},
	} {
		if _, _, err := net.SplitHostPort(a.address); err != nil {
			return fmt.Errorf("--%s: want host:port, got %q", a.flag, a.address)
		}
	}
	if _, _, err := net.SplitHostPort(c.KafkaAdvertised); c.KafkaAdvertised != "" && err != nil {
		return fmt.Errorf("--kafka-advertised: want host:port, got %q", c.KafkaAdvertised)
	}
	if c.Demo < 0 || c.Demo > 1e6 || math.IsNaN(c.Demo) {
		return fmt.Errorf("--demo: want 0 to 1000000 events/s")
	}
	if c.Days < 0 || c.Days > 1000 {
		return fmt.Errorf("--days: want 0 to 1000")
	}
	if c.Events < 0 {
		return fmt.Errorf("--events: want 0 or more")
	}
	if c.Measure.Seconds < 1 || c.Measure.Rounds < 1 {
		return fmt.Errorf("--seconds, --rounds: want 1 or more")
	}
	return nil
}

// demoKeys are those of the default accounts: in plain text here, since everybody is to type them.
var demoKeys = []string{"wk_demo_us", "wk_demo_eu"}

const defaultAccounts = `# Accounts of waymark-local. This file is read again when it changes. The keys are wk_demo_us and wk_demo_eu;
# waymarkctl key new makes one of your own.
accounts:
  - id: demo-us
    name: Demo (United States)
    region: us
    keys:
      - {sha256: 9befb9ce4d169df63b5682edb971463d664b72ede8c843beb2b099b2f83fcc1a, scope: any}
    policy: {identification: variable, level: 3, collect_url: true, collect_title: true, geo: city, ip: mask}
  - id: demo-eu
    name: Demo (European Union)
    region: eu
    keys:
      - {sha256: 5c1debd40b6e89af17ef7a53054ae1a0c12c5559b19673627ba3d797f86f1d64, scope: any}
    policy: {identification: generated, level: 3, collect_url: true, collect_title: true, geo: city, ip: mask}
`

// accountsFile is the file to use: the one asked for, or the data folder's own.
func (c Config) accountsFile() (string, error) {
	if c.Accounts != "" {
		return c.Accounts, nil
	}
	file := filepath.Join(c.Data, "accounts.yaml")
	if _, err := os.Stat(file); err == nil {
		return file, nil
	}
	if err := os.WriteFile(file, []byte(defaultAccounts), 0o600); err != nil {
		return "", fmt.Errorf("write the default accounts: %w", err)
	}
	return file, nil
}

// logFile takes JSON lines.
func (c Config) logFile() string { return filepath.Join(c.Data, "waymark.log") }

// served tells whether a region is one of ours.
func served(region string) bool { return slices.Contains(Regions, region) }
