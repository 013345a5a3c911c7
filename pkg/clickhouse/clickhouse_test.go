package clickhouse

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/proto"
	"github.com/google/uuid"
)

func TestClassify(t *testing.T) {
	server := func(code int32) error {
		return fmt.Errorf("insert: %w", &proto.Exception{Code: code})
	}
	for _, c := range []struct {
		err  error
		want Class
	}{
		{io.ErrUnexpectedEOF, Retriable},
		{errors.New("anything"), Retriable},
		{server(252), Retriable}, // too many parts
		{server(159), Retriable}, // timeout
		{server(319), Retriable}, // whether it landed is not known
		{server(9999), Retriable},
		{server(516), Operator}, // wrong password
		{server(60), Operator},  // missing table
		{server(117), Row},
		{fmt.Errorf("insert: %w", &RowError{"asn", errors.New("does not fit")}), Row},
		{fmt.Errorf("check: %w", &SchemaError{errors.New("no table")}), Operator},
	} {
		if got := Classify(c.err); got != c.want {
			t.Errorf("%v: %v, want %v", c.err, got, c.want)
		}
	}
}

func TestConfigNamesTheSettingThatIsWrong(t *testing.T) {
	good := Config{Addresses: []string{"127.0.0.1:9000"}}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for field, change := range map[string]func(*Config){
		"addresses":       func(c *Config) { c.Addresses = nil },
		"database":        func(c *Config) { c.Database = "a; DROP" },
		"dial_timeout":    func(c *Config) { c.DialTimeout = 1 },
		"request_timeout": func(c *Config) { c.RequestTimeout = 1 },
		"max_connections": func(c *Config) { c.MaxConnections = -1 },
	} {
		bad := good
		change(&bad)
		if err := bad.Validate(); err == nil || !strings.HasPrefix(err.Error(), field) {
			t.Errorf("%s: got %v", field, err)
		}
	}
}

func TestTypesThatTakeAColumn(t *testing.T) {
	for _, c := range []struct {
		typ    string
		values any
		want   bool
	}{
		{"LowCardinality(String)", []string{}, true},
		{"JSON(max_dynamic_paths=8)", []string{}, true},
		{"Map(String, String)", []string{}, false},
		{"DateTime64(3, 'UTC')", []int64{}, true},
		{"DateTime", []int64{}, false},
		{"Nullable(Float32)", []*float32{}, true},
		{"Float32", []*float32{}, false},
		{"Enum8('a' = 0)", []int8{}, true},
		{"UInt64", []uint32{}, false},
		{"UUID", []uuid.UUID{}, true},
	} {
		if got := takes(c.typ, c.values); got != c.want {
			t.Errorf("%s takes %T: %v", c.typ, c.values, got)
		}
	}
}
