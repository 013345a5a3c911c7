package clickhouse

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2/lib/column"
	"github.com/google/uuid"
)

// An encoder writes the rows of a column.
type encoder func(f *frames) error

// step is how many rows are encoded between two looks at how much that is.
const step = 8 << 10

// encoderOf returns what writes values, one part after the other, into a column that the server has. What is kept as it is sent is written
// from where it is. The driver encodes the rest, which is appended to of here: so its errors come before anything is sent.
func encoderOf(of column.Interface, values []any) (encoder, error) {
	if encode, ok := natively(string(of.Type()), values); ok {
		return encode, nil
	}
	for _, v := range values {
		if _, err := of.Append(plain(v)); err != nil {
			return nil, err
		}
	}
	return func(f *frames) error {
		if prefixed, ok := of.(column.CustomSerialization); ok {
			if err := prefixed.WriteStatePrefix(&f.buf); err != nil {
				return err
			}
		}
		of.Encode(&f.buf)
		of.Reset()
		return f.spill()
	}, nil
}

// natively is the encoder of values that are kept as a column of type typ is sent, if all of them are.
func natively(typ string, values []any) (encoder, bool) {
	switch {
	case typ == "String":
		return oneByOne(values, (*Texts).encode)
	case strings.HasPrefix(typ, "JSON"):
		return after(column.JSONStringSerializationVersion, values, (*Texts).encode)
	case typ == "LowCardinality(String)":
		return together(values, func(f *frames, parts []*Words) error {
			f.buf.PutUInt64(lowCardinalityVersion)
			return encodeWords(f, parts)
		})
	case typ == "Array(LowCardinality(String))":
		return together(values, encodeLists)
	case typ == "Nullable(Float32)":
		return together(values, encodeFloats)
	case typ == "DateTime", strings.HasPrefix(typ, "DateTime("):
		return oneByOne(values, func(s Seconds, f *frames) error { return inSteps(f, proto.ColUInt32(s)) })
	case typ == "UUID":
		return oneByOne(values, encodeUUIDs)
	case typ == "Bool":
		return oneByOne(values, func(v []bool, f *frames) error { return inSteps(f, proto.ColBool(v)) })
	case typ == "Int8", strings.HasPrefix(typ, "Enum8("):
		return oneByOne(values, func(v []int8, f *frames) error { return inSteps(f, proto.ColInt8(v)) })
	case typ == "Int32":
		return oneByOne(values, func(v []int32, f *frames) error { return inSteps(f, proto.ColInt32(v)) })
	case typ == "UInt32":
		return oneByOne(values, func(v []uint32, f *frames) error { return inSteps(f, proto.ColUInt32(v)) })
	case typ == "Int64", typ == "DateTime64(3)", strings.HasPrefix(typ, "DateTime64(3,"):
		return oneByOne(values, func(v []int64, f *frames) error { return inSteps(f, proto.ColInt64(v)) })
	}
	return nil, false
}

// together is the encoder of parts that are all of kind T.
func together[T any](values []any, encode func(f *frames, parts []T) error) (encoder, bool) {
	parts := make([]T, len(values))
	for i, v := range values {
		part, ok := v.(T)
		if !ok {
			return nil, false
		}
		parts[i] = part
	}
	return func(f *frames) error { return encode(f, parts) }, true
}

// oneByOne is the encoder of parts that are written one after the other.
func oneByOne[T any](values []any, encode func(part T, f *frames) error) (encoder, bool) {
	return together(values, func(f *frames, parts []T) error {
		for _, part := range parts {
			if err := encode(part, f); err != nil {
				return err
			}
		}
		return nil
	})
}

// after is oneByOne behind a version.
func after[T any](version uint64, values []any, encode func(part T, f *frames) error) (encoder, bool) {
	rest, ok := oneByOne(values, encode)
	return func(f *frames) error {
		f.buf.PutUInt64(version)
		return rest(f)
	}, ok
}

// inSteps writes values of a fixed size.
func inSteps[T any, C interface {
	~[]T
	EncodeColumn(b *proto.Buffer)
}](f *frames, values C) error {
	for some := range slices.Chunk(values, step) {
		some.EncodeColumn(&f.buf)
		if err := f.spill(); err != nil {
			return err
		}
	}
	return nil
}

// encodeUUIDs writes each as two numbers of 64 bits, the low byte first.
func encodeUUIDs(ids []uuid.UUID, f *frames) error {
	for i := range ids {
		f.buf.Buf = binary.LittleEndian.AppendUint64(f.buf.Buf, binary.BigEndian.Uint64(ids[i][:8]))
		f.buf.Buf = binary.LittleEndian.AppendUint64(f.buf.Buf, binary.BigEndian.Uint64(ids[i][8:]))
		if err := f.spill(); err != nil {
			return err
		}
	}
	return nil
}

// encodeFloats writes which are NULL, and then the values.
func encodeFloats(f *frames, parts []*Floats) error {
	for _, part := range parts {
		if err := inSteps(f, proto.ColUInt8(part.nulls)); err != nil {
			return err
		}
	}
	for _, part := range parts {
		if err := inSteps(f, proto.ColFloat32(part.values)); err != nil {
			return err
		}
	}
	return nil
}

// encodeLists writes where each list ends, and then the words of all.
func encodeLists(f *frames, parts []*Lists) error {
	f.buf.PutUInt64(lowCardinalityVersion)
	end := uint64(0)
	words := make([]*Words, len(parts))
	for i, part := range parts {
		for _, at := range part.at {
			end += uint64(at.to - at.from)
			f.buf.PutUInt64(end)
			if err := f.spill(); err != nil {
				return err
			}
		}
		words[i] = part.words()
	}
	return encodeWords(f, words)
}

// length counts the rows of a column's values.
func length(values any) int {
	if kept, ok := values.(interface{ Len() int }); ok {
		return kept.Len()
	}
	v := reflect.ValueOf(values)
	if v.Kind() != reflect.Slice {
		panic(fmt.Sprintf("clickhouse: a column of %T", values))
	}
	return v.Len()
}
