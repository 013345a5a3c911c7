package export

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/waymarkctl/internal/progress"
)

//go:embed sql/logs.sql
var logsOfTable string

// settledRanges are the logs that the table has events of, each up to where nothing can come any more, and notes on those of which that is not known.
func settledRanges(ctx context.Context, client *kafka.Client, conn *clickhouse.Conn, region string) (out []Range, notes []string, err error) {
	raw, err := client.TopicID(ctx, schemas.RawTopic(region))
	if err != nil {
		return nil, nil, err
	}
	_, sinks, err := progress.Sinks(ctx, client, region, schemas.EnrichedTopic(region))
	if err != nil {
		return nil, nil, err
	}
	marks := map[int32]checkpoint.Marks{}
	unknown := map[int32]bool{}
	for _, s := range sinks {
		if s.Standing != progress.Own && s.Standing != progress.None {
			unknown[s.Partition] = true
			notes = append(notes, fmt.Sprintf("partition %d: what the sinks committed does not say what is stored: nothing of it is written", s.Partition))
		}
		marks[s.Partition] = s.State.Marks
	}
	err = conn.Query(ctx, logsOfTable, func(_ []string, values []any) error {
		r := Range{Log: Log{values[0].(uuid.UUID), values[1].(int32), values[2].(int32)}, From: values[3].(int64)}
		if unknown[r.Partition] {
			return nil
		}
		var note string
		if r.To, note = end(marks[r.Partition], r.Log, raw, values[4].(int64)); note != "" {
			notes = append(notes, note)
		}
		if r.To > r.From {
			out = append(out, r)
		}
		return nil
	})
	return out, notes, err
}

// end is the first offset of a log that is not settled, of one whose last stored event is at last.
func end(marks checkpoint.Marks, log Log, raw uuid.UUID, last int64) (to int64, note string) {
	mark, marked := marks.Find(log.TopicID)
	switch {
	case !marked && log.TopicID == raw:
		return 0, "" // the sinks have stored its first events and not said so yet
	case !marked:
		return last + 1, "" // of a topic that there was before: nothing comes from it any more
	case mark.Superseded > 0:
		return 0, fmt.Sprintf("partition %d: a re-enrichment is under way: nothing of it is written until it is done", log.Partition)
	case log.LeaderEpoch < mark.LeaderEpoch:
		return last + 1, ""
	case log.LeaderEpoch > mark.LeaderEpoch:
		return 0, ""
	}
	return mark.Offset + 1, ""
}
