// Package dead lists dead letters, reads them whole, and puts them on the raw topic again.
package dead

import (
	"context"
	_ "embed"
	"fmt"
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
	EventID   uuid.UUID `json:"event_id"`
	Account   string    `json:"account_id"`
	Stage     string    `json:"stage"`
	Reason    string    `json:"reason"`
	Error     string    `json:"error"`
	Topic     string    `json:"topic"`
	Partition int32     `json:"partition"`
	Offset    int64     `json:"offset"`
	FailedAt  time.Time `json:"failed_at"`
	// KeptPartition and KeptOffset are where the dead topic has the record.
	KeptPartition int32 `json:"dead_partition"`
	KeptOffset    int64 `json:"dead_offset"`
}

// List returns the letters that f chooses, the latest first.
func (l *Letters) List(ctx context.Context, f Filter) (out []Letter, err error) {
	err = l.Conn.Query(ctx, listSQL, func(_ []string, v []any) error {
		out = append(out, Letter{
			EventID: v[0].(uuid.UUID), Account: v[1].(string), Stage: v[2].(string), Reason: v[3].(string), Error: v[4].(string),
			Topic: v[5].(string), Partition: v[6].(int32), Offset: v[7].(int64), FailedAt: v[8].(time.Time).UTC(),
			KeptPartition: v[9].(int32), KeptOffset: v[10].(int64),
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

// Read returns the whole record from the dead topic; nil when retention has deleted it there.
func (l *Letters) Read(ctx context.Context, letter *Letter) (*event.Record, error) {
	return walk.One(ctx, l.Client, schemas.DeadTopic(l.Region), letter.KeptPartition, letter.KeptOffset)
}

// stored returns which of the ids are rows.
func (l *Letters) stored(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]bool, error) {
	out := map[uuid.UUID]bool{}
	if len(ids) == 0 {
		return out, nil
	}
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = id.String()
	}
	err := l.Conn.Query(ctx, storedSQL, func(_ []string, v []any) error {
		out[v[0].(uuid.UUID)] = true
		return nil
	}, clickhouse.Named("ids", texts))
	if err != nil {
		return nil, fmt.Errorf("ask which events are stored: %w", err)
	}
	return out, nil
}
