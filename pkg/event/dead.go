package event

import (
	"fmt"
	"time"

	"github.com/google/uuid"
)

// A Burial says where a record died, and why: in a stage of a region, on the log of a topic.
type Burial struct {
	Region, Stage string
	Topic         string
	TopicID       uuid.UUID
	Why           *Rejection
}

// Dead returns the dead record of rec: whole, and where it lies, so that it can be sent again. Whose event it was the stage adds, as far as
// it can be read. The result aliases rec.
func (b Burial) Dead(rec *Record, at time.Time) *Dead {
	d := &Dead{
		Reason: string(b.Why.Reason), Stage: b.Stage, Error: b.Why.Err.Error(), Region: b.Region, FailedAt: at.UnixMilli(),
		Topic: b.Topic, TopicId: b.TopicID[:], Partition: rec.Partition, LeaderEpoch: rec.LeaderEpoch, Offset: rec.Offset,
		Key: rec.Key, Value: rec.Value,
	}
	for _, h := range rec.Headers {
		d.Headers = append(d.Headers, &DeadHeader{Key: h.Key, Value: h.Value})
	}
	return d
}

var deadHeaders = []Header{{Key: HeaderSchema, Value: []byte(SchemaDead)}}

// Record renders d as the dead topic's record, under the key of what died: what died at one place twice lies in one partition. The value
// goes into buffer, which must have d.SizeVT() bytes. Its headers are every dead record's: they must not be changed.
func (d *Dead) Record(buffer []byte) (Record, error) {
	if _, err := d.MarshalToSizedBufferVT(buffer); err != nil {
		return Record{}, fmt.Errorf("encode dead record: %w", err)
	}
	return Record{Timestamp: d.FailedAt, Key: d.Key, Value: buffer, Headers: deadHeaders}, nil
}
