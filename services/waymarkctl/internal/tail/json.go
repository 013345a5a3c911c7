package tail

import (
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/waymark-events/waymark/pkg/event"
)

// EnrichedJSON appends the event in record rec as one JSON object: names as in schemas/proto, UUIDs in their usual form,
// times as RFC 3339, props and detail as the objects they are.
func EnrichedJSON(dst []byte, rec *event.Record) ([]byte, error) {
	var e event.Enriched
	if err := e.UnmarshalVT(rec.Value); err != nil {
		return dst, err
	}
	return appendMessage(dst, e.ProtoReflect(), rec)
}

// DeadJSON appends the dead record in rec as one JSON object. Key, value and headers of the original are text where they are
// UTF-8, otherwise base64 (RFC 4648) under a name that ends in _base64.
func DeadJSON(dst []byte, rec *event.Record) ([]byte, error) {
	var d event.Dead
	if err := d.UnmarshalVT(rec.Value); err != nil {
		return dst, err
	}
	return appendMessage(dst, d.ProtoReflect(), rec)
}

// places are the fields that say where a record lay. They are shown when they are 0 too, which Protobuf cannot tell from unset: there
// is a partition 0, and an offset 0.
var places = map[protoreflect.Name]bool{"partition": true, "offset": true, "raw_partition": true, "raw_offset": true}

func appendMessage(dst []byte, m protoreflect.Message, rec *event.Record) ([]byte, error) {
	out := object{buf: append(dst, '{')}
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		if !m.Has(field) && !places[field.Name()] {
			continue
		}
		out.field(string(field.Name()), field, m.Get(field))
	}
	// A record that names its topic's id has a leader epoch too, and 0 is one: Protobuf cannot tell it from unset.
	for _, prefix := range []string{"", "raw_"} {
		id, epoch := fields.ByName(protoreflect.Name(prefix+"topic_id")), fields.ByName(protoreflect.Name(prefix+"leader_epoch"))
		if id != nil && epoch != nil && m.Has(id) && !m.Has(epoch) {
			out.value(prefix+"leader_epoch", 0)
		}
	}
	out.value("kafka_partition", rec.Partition)
	out.value("kafka_offset", rec.Offset)
	return append(out.buf, '}'), out.err
}

// An object is a JSON object in the making.
type object struct {
	buf []byte
	err error
}

func (o *object) value(name string, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		o.err = err
		return
	}
	o.raw(name, text)
}

func (o *object) raw(name string, text []byte) {
	if o.buf[len(o.buf)-1] != '{' {
		o.buf = append(o.buf, ',')
	}
	o.buf = append(o.buf, '"')
	o.buf = append(o.buf, name...)
	o.buf = append(o.buf, '"', ':')
	o.buf = append(o.buf, text...)
}

func (o *object) field(name string, field protoreflect.FieldDescriptor, v protoreflect.Value) {
	switch {
	case field.IsList():
		headers := make(map[string]string)
		for i := range v.List().Len() {
			header := v.List().Get(i).Message().Interface().(*event.DeadHeader)
			headers[header.Key] = strings.ToValidUTF8(string(header.Value), "\uFFFD")
		}
		o.value(name, headers)
	case field.Kind() == protoreflect.EnumKind:
		o.value(name, strings.ToLower(string(field.Enum().Values().ByNumber(v.Enum()).Name())))
	case field.Kind() == protoreflect.BytesKind:
		o.bytes(name, v.Bytes())
	case name == "time" || strings.HasSuffix(name, "_at") || name == "client_time":
		o.value(name, time.UnixMilli(v.Int()).UTC().Format("2006-01-02T15:04:05.000Z"))
	default:
		o.value(name, v.Interface())
	}
}

func (o *object) bytes(name string, b []byte) {
	id, err := uuid.FromBytes(b)
	switch {
	case (name == "event_id" || strings.HasSuffix(name, "topic_id")) && err == nil:
		o.value(name, id.String())
	case (name == "props" || name == "detail") && jsontext.Value(b).IsValid():
		o.raw(name, b)
	case utf8.Valid(b):
		o.value(name, string(b))
	default:
		o.value(name+"_base64", b)
	}
}
