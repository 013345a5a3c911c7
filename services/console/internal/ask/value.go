package ask

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"time"
)

// largest is the largest integer that JavaScript's numbers hold exactly, with all below it.
const largest = 1<<53 - 1

// safe makes of a value that clickhouse-go read one that JSON and JavaScript have: times are RFC 3339, days 2026-11-25, integers beyond ±(2^53−1) texts,
// NaN and infinities null, maps objects, tuples and arrays lists.
func safe(value any, clickhouseType string) any {
	switch v := value.(type) {
	case nil:
		return nil
	case json.RawMessage:
		if json.Valid(v) {
			return v
		}
		return string(v)
	case bool:
		return v
	case string:
		return strings.ToValidUTF8(v, "\uFFFD")
	case time.Time:
		if isDay(clickhouseType) {
			return v.Format(time.DateOnly)
		}
		return v.UTC().Format("2006-01-02T15:04:05.999999999Z07:00")
	}
	// A pointer is a Nullable's, and its type prints as what it points to where that knows how.
	v := reflect.ValueOf(value)
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return nil
		}
		if _, prints := value.(fmt.Stringer); !prints || v.Elem().Kind() != reflect.Struct || v.Type().Elem() == reflect.TypeFor[time.Time]() {
			return safe(v.Elem().Interface(), clickhouseType)
		}
	}
	if s, prints := value.(fmt.Stringer); prints { // UUIDs, addresses, decimals, large integers
		return s.String()
	}
	switch v.Kind() {
	case reflect.Bool:
		return v.Bool()
	case reflect.String:
		return safe(v.String(), clickhouseType)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		if n := v.Int(); n < -largest || n > largest {
			return fmt.Sprint(n)
		}
		return v.Int()
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if n := v.Uint(); n > largest {
			return fmt.Sprint(n)
		}
		return v.Uint()
	case reflect.Float32:
		// By way of its own digits: 0.1 must not become 0.10000000149011612.
		if f := v.Float(); math.IsNaN(f) || math.IsInf(f, 0) {
			return nil
		}
		return float32(v.Float())
	case reflect.Float64:
		if f := v.Float(); math.IsNaN(f) || math.IsInf(f, 0) {
			return nil
		}
		return v.Float()
	case reflect.Slice, reflect.Array:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = safe(v.Index(i).Interface(), clickhouseType)
		}
		return list
	case reflect.Map:
		object := make(map[string]any, v.Len())
		for _, key := range v.MapKeys() {
			object[fmt.Sprint(safe(key.Interface(), clickhouseType))] = safe(v.MapIndex(key).Interface(), clickhouseType)
		}
		return object
	}
	return fmt.Sprint(value)
}

// isDay tells whether a type's times are days.
func isDay(clickhouseType string) bool {
	return strings.Contains(clickhouseType, "Date") && !strings.Contains(clickhouseType, "DateTime")
}

// Object is a row by its columns' names, each value as an answer has it.
func Object(names, types []string, row []any) map[string]any {
	object := make(map[string]any, len(names))
	for i, name := range names {
		object[name] = safe(row[i], types[i])
	}
	return object
}
