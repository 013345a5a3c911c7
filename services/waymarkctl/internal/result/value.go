package result

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"

	"github.com/waymark-events/waymark/services/waymarkctl/internal/terminal"
)

// escape is that of ClickHouse's TabSeparated (https://clickhouse.com/docs/interfaces/formats/TabSeparated).
var escape = strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`, "\b", `\b`, "\f", `\f`, "\x00", `\0`)

// text escapes a cell: what commands a terminal too, as the bytes that ClickHouse reads again.
func text(value string) string {
	value = escape.Replace(value)
	if strings.IndexFunc(value, terminal.Commands) < 0 {
		return value
	}
	var out strings.Builder
	for _, r := range value {
		if !terminal.Commands(r) {
			out.WriteRune(r)
			continue
		}
		for _, b := range []byte(string(r)) {
			fmt.Fprintf(&out, `\x%02x`, b)
		}
	}
	return out.String()
}

// cell is encode without the quotes around what is a string there.
func cell(value any, null string) (string, error) {
	encoded, err := encode(value)
	if err != nil {
		return "", err
	}
	switch {
	case string(encoded) == "null":
		return null, nil
	case encoded[0] != '"':
		return text(string(encoded)), nil
	}
	var unquoted string
	if err := json.Unmarshal(encoded, &unquoted); err != nil {
		return "", err
	}
	return text(unquoted), nil
}

// encode makes JSON of a value as clickhouse-go scans it: UUIDs and times (RFC 3339) are strings, NULL and what is no number are
// null.
func encode(value any) ([]byte, error) {
	v := reflect.ValueOf(value)
	for v.Kind() == reflect.Pointer && !v.IsNil() && !v.Type().Implements(marshaler) {
		v = v.Elem()
	}
	switch {
	case !v.IsValid():
		return []byte("null"), nil
	case v.CanFloat() && (math.IsNaN(v.Float()) || math.IsInf(v.Float(), 0)):
		return []byte("null"), nil
	case v.Type().Implements(marshaler):
		value = v.Interface()
	case reflect.PointerTo(v.Type()).Implements(marshaler):
		// A JSON column's value knows how to write itself only by its address.
		address := reflect.New(v.Type())
		address.Elem().Set(v)
		value = address.Interface()
	case v.Type() == bytesType:
		value = numbers(v.Bytes()) // Array(UInt8), which encoding/json would take for text
	default:
		value = v.Interface()
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

var (
	marshaler = reflect.TypeFor[json.Marshaler]()
	bytesType = reflect.TypeFor[[]byte]()
)

func numbers(b []byte) []int {
	out := make([]int, len(b))
	for i, n := range b {
		out[i] = int(n)
	}
	return out
}
