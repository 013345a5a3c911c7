// Package dead lists dead letters, reads them whole, and puts them on the raw topic again.
package dead

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/waymarkctl/internal/walk"
)

var (
	//go:embed sql/list.sql
	listSQL string
	//go:embed sql/stored.sql
	storedSQL string
)

// Letters are one region's.
type Letters struct {
	Client *kafka.Client
	Conn   *clickhouse.Conn
	Region string
}

// A Filter chooses dead letters; what is empty chooses all.
type Filter struct {
	Account, Stage, Reason string
	ID                     string // event id
	Topic                  string // with Partition and Offset: where it failed
	Partition              int32
	Offset                 int64
	From, To               time.Time // when it failed
	Limit                  int
}

// A Letter is what the table knows of one.
type Letter struct {
	EventID uuid.UUID `json:"event_id"`
	Account string    `json:"account_id"`
	Stage   string    `json:"stage"`
	Reason  string    `json:"reason"`
	Error   string    `json:"error"`
	// Topic to Offset name the record that failed: a topic that is made anew has another id and the same offsets.
	Topic       string    `json:"topic"`
	TopicID     uuid.UUID `json:"topic_id"`
	Partition   int32     `json:"partition"`
	LeaderEpoch int32     `json:"leader_epoch"`
	Offset      int64     `json:"offset"`
	FailedAt    time.Time `json:"failed_at"`
	// KeptTopicID to KeptOffset are where the dead topic has the record.
	KeptTopicID   uuid.UUID `json:"dead_topic_id"`
	KeptPartition int32     `json:"dead_partition"`
	KeptOffset    int64     `json:"dead_offset"`
}

// List returns the letters that f chooses, the latest first.
func (l *Letters) List(ctx context.Context, f Filter) (out []Letter, err error) {
	err = l.Conn.Query(ctx, listSQL, func(_ []string, v []any) error {
		out = append(out, Letter{
			EventID: v[0].(uuid.UUID), Account: v[1].(string), Stage: v[2].(string), Reason: v[3].(string), Error: v[4].(string),
			Topic: v[5].(string), TopicID: v[6].(uuid.UUID), Partition: v[7].(int32), LeaderEpoch: v[8].(int32), Offset: v[9].(int64),
			FailedAt: v[10].(time.Time).UTC(), KeptTopicID: v[11].(uuid.UUID), KeptPartition: v[12].(int32), KeptOffset: v[13].(int64),
		})
		return nil
	}, clickhouse.Named("account", f.Account), clickhouse.Named("stage", f.Stage), clickhouse.Named("reason", f.Reason),
		clickhouse.Named("id", f.ID), clickhouse.Named("topic", f.Topic), clickhouse.Named("partition", f.Partition), clickhouse.Named("offset", f.Offset),
		clickhouse.Named("from", f.From), clickhouse.Named("to", f.To), clickhouse.Named("limit", f.Limit))
	if err != nil {
		return nil, fmt.Errorf("read the dead_events table: %w", err)
	}
	return out, nil
}

// Read returns the whole record from the dead topic; nil when it is there no more: retention deleted it, or the topic was made anew and has
// another record in its place.
func (l *Letters) Read(ctx context.Context, letter *Letter) (*event.Record, error) {
	rec, err := l.at(ctx, schemas.DeadTopic(l.Region), letter.KeptTopicID, letter.KeptPartition, letter.KeptOffset)
	if err != nil || rec == nil {
		return nil, err
	}
	// A log that lost its end uses offsets again: what lies there may be another letter.
	var d event.Dead
	if d.UnmarshalVT(rec.Value) != nil || d.Topic != letter.Topic || idOf(d.TopicId) != letter.TopicID ||
		d.Partition != letter.Partition || d.LeaderEpoch != letter.LeaderEpoch || d.Offset != letter.Offset || idOf(d.EventId) != letter.EventID {
		return nil, nil
	}
	return rec, nil
}

// at reads the record at a place of a log; nil when that log, or the record, is no more.
func (l *Letters) at(ctx context.Context, topic string, id uuid.UUID, partition int32, offset int64) (*event.Record, error) {
	now, err := l.Client.TopicID(ctx, topic)
	switch {
	case errors.Is(err, kafka.ErrUnknownTopic), err == nil && now != id:
		return nil, nil
	case err != nil:
		return nil, err
	}
	rec, err := walk.One(ctx, l.Client, kafka.Log{Topic: topic, ID: id, Partition: partition}, offset)
	if errors.Is(err, kafka.ErrLogGone) {
		return nil, nil
	}
	return rec, err
}

// raw reads a raw record by its whole name; nil when it is no more.
func (l *Letters) raw(ctx context.Context, id uuid.UUID, partition, leaderEpoch int32, offset int64, of uuid.UUID) (*event.Record, error) {
	rec, err := l.at(ctx, schemas.RawTopic(l.Region), id, partition, offset)
	if err != nil || rec == nil {
		return nil, err
	}
	own, _ := uuid.ParseBytes(rec.Header(event.HeaderEventID)) // Nil where it has none
	if rec.LeaderEpoch != leaderEpoch || own != of {
		return nil, nil
	}
	return rec, nil
}

func idOf(b []byte) uuid.UUID {
	id, err := uuid.FromBytes(b)
	if err != nil {
		return uuid.Nil
	}
	return id
}

// An owned event is one of an account: two accounts' clients may give one id.
type owned struct {
	event   uuid.UUID
	account string
}

// stored returns which of the letters' events are rows.
func (l *Letters) stored(ctx context.Context, letters []Letter) (map[owned]bool, error) {
	out := map[owned]bool{}
	for part := range slices.Chunk(letters, batch) {
		var ids []string
		for i := range part {
			if part[i].EventID != uuid.Nil {
				ids = append(ids, part[i].EventID.String())
			}
		}
		if len(ids) == 0 {
			continue
		}
		err := l.Conn.Query(ctx, storedSQL, func(_ []string, v []any) error {
			out[owned{v[0].(uuid.UUID), v[1].(string)}] = true
			return nil
		}, clickhouse.Named("ids", ids))
		if err != nil {
			return nil, fmt.Errorf("ask which events are stored: %w", err)
		}
	}
	return out, nil
}
