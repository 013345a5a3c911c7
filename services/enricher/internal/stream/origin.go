package stream

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/waymark-events/waymark/services/enricher/internal/recent"
)

// An origin is what an enriched record says of the raw one it was made of.
type origin struct {
	eventID recent.ID
	offset  int64
	epoch   uint32
}

// Fields of waymark.v1.Enriched (schemas/proto/enriched.proto).
const (
	fieldEventID   = 1
	fieldRawOffset = 52
	fieldEpoch     = 53
)

var errNoEventID = errors.New("no event id of 16 bytes")

// parseOrigin reads the few fields that matter here without making the message. As everywhere in Protobuf the last of several
// values counts, and 0 is not written.
func parseOrigin(value []byte) (origin, error) {
	var o origin
	identified := false
	for len(value) > 0 {
		number, kind, n := protowire.ConsumeTag(value)
		if n < 0 {
			return origin{}, fmt.Errorf("enriched record: %w", protowire.ParseError(n))
		}
		value = value[n:]
		var number64 uint64
		switch {
		case number == fieldEventID && kind == protowire.BytesType:
			var id []byte
			if id, n = protowire.ConsumeBytes(value); n >= 0 {
				identified = len(id) == len(o.eventID)
				copy(o.eventID[:], id)
			}
		case number == fieldRawOffset && kind == protowire.VarintType:
			number64, n = protowire.ConsumeVarint(value)
			o.offset = int64(number64)
		case number == fieldEpoch && kind == protowire.VarintType:
			number64, n = protowire.ConsumeVarint(value)
			o.epoch = uint32(number64)
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
