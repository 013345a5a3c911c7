package result

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"strings"
)

// escape is that of ClickHouse's TabSeparated (https://clickhouse.com/docs/interfaces/formats/TabSeparated).
var escape = strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`, "\b", `\b`, "\f", `\f`, "\x00", `\0`)

// cell is encode without the quotes around what is a string there.
func cell(value any, null string) (string, error) {
	text, err := encode(value)
	if err != nil {
		return "", err
	}
	switch {
	case string(text) == "null":
		return null, nil
	case text[0] != '"':
		return escape.Replace(string(text)), nil
	}
	var unquoted string
	if err := json.Unmarshal(text, &unquoted); err != nil {
		return "", err
	}
	return escape.Replace(unquoted), nil
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
