package event

import (
	"bytes"
	"slices"
)

// A Record is one Kafka record, independent of the client library that moves it.
//
// Records handed out by a fetch alias the fetch buffer: Key, Value and header values are valid only until the
// batch they came in is released. Copy what must live longer.
type Record struct {
	Partition int32
	Offset    int64
	// LeaderEpoch is that of the leader that appended the record (KIP-320). Within one incarnation of a topic it and the offset name the record:
	// after a truncation another record may have the offset.
	LeaderEpoch int32
	// Timestamp is the record's CreateTime in Unix milliseconds.
	Timestamp int64
	Key       []byte
	Value     []byte
	Headers   []Header
}

// A Header is one Kafka record header. Keys may repeat in Kafka; Waymark writes each at most once.
type Header struct {
	Key   string
	Value []byte
}

// Header returns the value of the first header named key, or nil when there is none.
func (r *Record) Header(key string) []byte {
	for i := range r.Headers {
		if r.Headers[i].Key == key {
			return r.Headers[i].Value
		}
	}
	return nil
}

// Size is the approximate memory the record holds, in bytes: payload plus header keys and values.
func (r *Record) Size() int {
	n := len(r.Key) + len(r.Value)
	for i := range r.Headers {
		n += len(r.Headers[i].Key) + len(r.Headers[i].Value)
	}
	return n
}

// Clone returns a copy of the record that shares nothing with it.
func (r *Record) Clone() *Record {
	out := *r
	out.Key, out.Value = bytes.Clone(r.Key), bytes.Clone(r.Value)
	out.Headers = slices.Clone(r.Headers)
	for i := range out.Headers {
		out.Headers[i].Value = bytes.Clone(out.Headers[i].Value)
	}
	return &out
}
