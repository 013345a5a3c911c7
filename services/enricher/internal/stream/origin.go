package stream

import (
	"errors"
	"fmt"

	"github.com/google/uuid"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/services/enricher/internal/recent"
)

// An origin is what an enriched record says of the raw one it was made of.
type origin struct {
	checkpoint.Source
	eventID    recent.ID
	receivedAt int64 // Unix milliseconds
}

// Fields of waymark.v1.Enriched (schemas/proto/enriched.proto).
const (
	fieldEventID        = 1
	fieldReceivedAt     = 14
	fieldRawOffset      = 52
	fieldEpoch          = 53
	fieldRawTopicID     = 54
	fieldRawLeaderEpoch = 55
)

var errNoEventID = errors.New("no event id of 16 bytes")

// parseOrigin reads the few fields that matter here without making the message. As everywhere in Protobuf the last of several
// values counts, and 0 is not written. A record that names no topic has Topic uuid.Nil, which no topic has.
func parseOrigin(value []byte) (origin, error) {
	var o origin
	identified := false
	for len(value) > 0 {
		number, kind, n := protowire.ConsumeTag(value)
		if n < 0 {
			return origin{}, fmt.Errorf("enriched record: %w", protowire.ParseError(n))
		}
		value = value[n:]
		switch {
		case number == fieldEventID && kind == protowire.BytesType:
			identified, n = consumeID(value, &o.eventID)
		case number == fieldRawTopicID && kind == protowire.BytesType:
			var known bool
			if known, n = consumeID(value, (*[16]byte)(&o.Topic)); !known {
				o.Topic = uuid.Nil
			}
		case kind == protowire.VarintType:
			var number64 uint64
			number64, n = protowire.ConsumeVarint(value)
			switch number {
			case fieldReceivedAt:
				o.receivedAt = int64(number64)
			case fieldRawOffset:
				o.Offset = int64(number64)
			case fieldEpoch:
				o.Epoch = uint32(number64)
			case fieldRawLeaderEpoch:
				o.LeaderEpoch = int32(number64)
			}
		default:
			n = protowire.ConsumeFieldValue(number, kind, value)
		}
		if n < 0 {
			return origin{}, fmt.Errorf("enriched record, field %d: %w", number, protowire.ParseError(n))
		}
		value = value[n:]
	}
	if !identified {
		return origin{}, fmt.Errorf("enriched record: %w", errNoEventID)
	}
	return o, nil
}

// consumeID reads a field of 16 bytes into id and tells whether it has them.
func consumeID(value []byte, id *[16]byte) (bool, int) {
	bytes, n := protowire.ConsumeBytes(value)
	if n < 0 {
		return false, n
	}
	copy(id[:], bytes)
	return len(bytes) == len(id), n
}
