package clickhouse

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// shown has JSON columns sent as text, with their names as they were: the driver cannot read paths that are no columns of their own.
var shown = ch.Settings{"output_format_native_write_json_as_string": 1, "json_type_escape_dots_in_keys": 1}

// readOnly is the code of a user whose profile lets nobody change a setting.
const readOnly = "164"

// Query runs a statement and calls row with the names and values of each row of its result. A JSON column's value is a json.RawMessage.
func (c *Conn) Query(ctx context.Context, statement string, row func(names []string, values []any) error, args ...any) error {
	rows, err := c.pool.Query(ch.Context(ctx, ch.WithSettings(shown)), statement, args...)
	if Code(err) == readOnly {
		rows, err = c.pool.Query(ctx, statement, args...)
		return each(rows, err, false, row)
	}
	return each(rows, err, true, row)
}

// each calls row for each of rows, in which JSON columns may be text.
func each(rows driver.Rows, err error, text bool, row func(names []string, values []any) error) error {
	if err != nil {
		return fmt.Errorf("query: %w", err)
	}
	defer rows.Close()
	names, types := rows.Columns(), rows.ColumnTypes()
	for rows.Next() {
		values := make([]any, len(names))
		for i := range values {
			if text && isJSON(types[i]) {
				values[i] = new(string)
				continue
			}
			values[i] = reflect.New(types[i].ScanType()).Interface()
		}
		if err := rows.Scan(values...); err != nil {
			return fmt.Errorf("read row: %w", err)
		}
		for i := range values {
			values[i] = reflect.ValueOf(values[i]).Elem().Interface()
			if value, is := values[i].(string); is && isJSON(types[i]) {
				values[i] = json.RawMessage(value)
			}
		}
		if err := row(names, values); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("query: %w", err)
	}
	return nil
}

func isJSON(column driver.ColumnType) bool {
	return strings.HasPrefix(column.DatabaseTypeName(), "JSON")
}

// QueryOver is Query over columns of strings that are sent with the statement, which sees them as a table of the given name with the number
// of each row, from 0, as its column row. They are no part of the statement's text, and JSON in them is read as an insert reads it. Errors do
// not quote them.
func (c *Conn) QueryOver(ctx context.Context, statement, table string, columns []Column, row func(names []string, values []any) error) error {
	sent, err := external(table, columns)
	if err != nil {
		return fmt.Errorf("query: %w", err)
	}
	rows, err := c.pool.Query(ch.Context(ctx, ch.WithExternalTable(sent), ch.WithSettings(literally)), statement)
	if err := each(rows, err, false, row); err != nil {
		return Brief(err)
	}
	return nil
}

func external(name string, columns []Column) (*ext.Table, error) {
	definitions := []func(*ext.Table) error{ext.Column("row", "UInt64")}
	for _, c := range columns {
		definitions = append(definitions, ext.Column(c.Name, "String"))
	}
	table, err := ext.NewTable(name, definitions...)
	if err != nil {
		return nil, err
	}
	values := make([]any, 1+len(columns))
	texts := make([][]string, len(columns))
	for i, c := range columns {
		texts[i] = c.Plain().([]string)
	}
	for row := range texts[0] {
		values[0] = uint64(row)
		for i := range texts {
			values[1+i] = texts[i][row]
		}
		if err := table.Append(values...); err != nil {
			return nil, err
		}
	}
	return table, nil
}

// Scalar runs a statement of one row and scans it into dest.
func (c *Conn) Scalar(ctx context.Context, statement string, dest ...any) error {
	if err := c.pool.QueryRow(ctx, statement).Scan(dest...); err != nil {
		return fmt.Errorf("query: %w", err)
	}
	return nil
}

// Named is an argument of Query: its value stands for @name in the statement, quoted as its type needs. A time stands for its Unix
// milliseconds.
func Named(name string, value any) any {
	if at, isTime := value.(time.Time); isTime {
		value = at.UnixMilli()
	}
	return ch.Named(name, value)
}

// WithParameters returns a context under which statements see values for their {name:Type}. ClickHouse reads each as text of the type, and
// nothing of it as SQL (https://clickhouse.com/docs/interfaces/cli#cli-queries-with-parameters). A statement has these or Named ones, not both.
func WithParameters(ctx context.Context, values map[string]string) context.Context {
	return ch.Context(ctx, ch.WithParameters(values))
}
