// Package progress tells how far a region's consumers are on the logs that Kafka has now. An offset that was committed for an earlier log of
// the same name, or by somebody else's tool, says less than one of their own; it tells which it is.
package progress

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/kafka/admin"
	"github.com/waymark-events/waymark/schemas"
)

// A Standing is what a committed offset is worth.
type Standing int

// Standings.
const (
	// Own means that the consumer committed it for the log that the topic has now.
	Own Standing = iota
	// Unnamed means that the consumer committed it in a version that knew logs by their names alone.
	Unnamed
	// Foreign means that a tool committed it, such as kafka-consumer-groups: the consumer goes on from there, and nothing says what lies before.
	Foreign
	// None means that nothing is committed.
	None
	// Elsewhere means that it is of an earlier log of that name: the consumer has not begun with this one.
	Elsewhere
)

// A Position is how far a group is on one partition.
type Position struct {
	admin.PartitionLag
	Standing Standing
	// At is the offset that the group goes on from on this log, at least: Committed, where that is of this log and on it; where the log was
	// cut off below it, its end then; otherwise where the log begins.
	At int64
	// Cut is true when the log lost what lay before Committed, or never had it.
	Cut bool
}

// An Enricher is a region's enrichers' position on a raw partition.
type Enricher struct {
	Position
	State checkpoint.Enricher
}

// A Sink is a region's sinks' position on an enriched or dead partition.
type Sink struct {
	Position
	State checkpoint.Sink
}

// A Region is how far everything is.
type Region struct {
	// Raw, Enriched and Dead are the topics' ids; uuid.Nil where there is no such topic.
	Raw, Enriched, Dead uuid.UUID
	Enrichers           []Enricher // by raw partition
	Sinks               []Sink     // by enriched partition
	DeadSinks           []Sink     // by dead partition
}

// Read reads a region's. That the enriched or the dead topic is missing is no error.
func Read(ctx context.Context, client *kafka.Client, region string) (*Region, error) {
	r := new(Region)
	var err error
	if r.Enriched, r.Sinks, err = Sinks(ctx, client, region, schemas.EnrichedTopic(region)); err != nil {
		return nil, err
	}
	if r.Dead, r.DeadSinks, err = Sinks(ctx, client, region, schemas.DeadTopic(region)); err != nil {
		return nil, err
	}
	r.Raw, r.Enrichers, err = Enrichers(ctx, client, region)
	return r, err
}

// Enrichers reads the raw topic's id and the enrichers' positions on it.
func Enrichers(ctx context.Context, client *kafka.Client, region string) (uuid.UUID, []Enricher, error) {
	topic := schemas.RawTopic(region)
	id, err := client.TopicID(ctx, topic)
	if err != nil {
		return id, nil, err
	}
	lags, err := admin.Lag(ctx, client, schemas.EnricherGroup(region), topic)
	if err != nil {
		return id, nil, err
	}
	out := make([]Enricher, len(lags))
	for i, lag := range lags {
		state, err := checkpoint.ParseEnricher(lag.Metadata)
		if err != nil && !errors.Is(err, checkpoint.ErrForeign) {
			return id, nil, fmt.Errorf("%s/%d: %w", topic, lag.Partition, err)
		}
		out[i] = Enricher{Position{PartitionLag: lag, Standing: standing(lag, state.Log, id, err)}, state}
		if err := out[i].place(ctx, client, kafka.Log{Topic: topic, ID: id, Partition: lag.Partition}, state.LeaderEpoch); err != nil {
			return id, nil, err
		}
	}
	return id, out, nil
}

// Sinks reads a topic's id and the sinks' positions on it; nothing where there is no such topic.
func Sinks(ctx context.Context, client *kafka.Client, region, topic string) (uuid.UUID, []Sink, error) {
	id, err := client.TopicID(ctx, topic)
	if errors.Is(err, kafka.ErrUnknownTopic) {
		return uuid.Nil, nil, nil
	}
	if err != nil {
		return id, nil, err
	}
	lags, err := admin.Lag(ctx, client, schemas.SinkGroup(region), topic)
	if err != nil {
		return id, nil, err
	}
	out := make([]Sink, len(lags))
	for i, lag := range lags {
		state, err := checkpoint.ParseSink(lag.Metadata, lag.Committed)
		if err != nil && !errors.Is(err, checkpoint.ErrForeign) {
			return id, nil, fmt.Errorf("%s/%d: %w", topic, lag.Partition, err)
		}
		out[i] = Sink{Position{PartitionLag: lag, Standing: standing(lag, state.Log, id, err)}, state}
		if err := out[i].place(ctx, client, kafka.Log{Topic: topic, ID: id, Partition: lag.Partition}, state.LeaderEpoch); err != nil {
			return id, nil, err
		}
	}
	return id, out, nil
}

func standing(lag admin.PartitionLag, of, now uuid.UUID, parsed error) Standing {
	switch {
	case lag.Committed < 0:
		return None
	case parsed != nil:
		return Foreign
	case of == uuid.Nil:
		return Unnamed
	case of != now:
		return Elsewhere
	}
	return Own
}

// place finds out where the group goes on.
func (p *Position) place(ctx context.Context, client *kafka.Client, log kafka.Log, leaderEpoch int32) error {
	p.At = p.Start
	if p.Standing == None || p.Standing == Elsewhere {
		p.Lag = p.End - p.Start
		return nil
	}
	if p.Cut = p.Committed > p.End; !p.Cut {
		p.At = p.Committed
	}
	if p.Standing != Own { // beyond the end, nobody knows what they have done
		return nil
	}
	p.At = min(p.Committed, p.End)
	var truncated *kafka.Truncated
	err := client.Verify(ctx, log, kafka.Position{Offset: p.Committed, LeaderEpoch: leaderEpoch})
	switch {
	case errors.As(err, &truncated):
		p.At, p.Cut = min(p.At, truncated.To), true
	case err != nil:
		return fmt.Errorf("verify the offset of %s/%d: %w", log.Topic, log.Partition, err)
	}
	return nil
}

// Sentence says what is odd about the position; empty where nothing is.
func (p *Position) Sentence(who, topic string) string {
	switch {
	case p.Standing == None:
		return fmt.Sprintf("%s has committed nothing on %s/%d", who, topic, p.Partition)
	case p.Standing == Elsewhere:
		return fmt.Sprintf("%s has not begun with %s/%d: what it committed is of an earlier topic of that name", who, topic, p.Partition)
	case p.Cut && p.Standing != Own:
		return fmt.Sprintf("the offset of %s on %s/%d is %d, beyond the log's end %d", who, topic, p.Partition, p.Committed, p.End)
	case p.Cut:
		return fmt.Sprintf("%s committed offset %d of %s/%d, and the log was cut off at %d", who, p.Committed, topic, p.Partition, p.At)
	case p.Standing == Foreign:
		return fmt.Sprintf("the offset of %s on %s/%d was set to %d by another tool: nothing says what became of the records before it", who, topic, p.Partition, p.Committed)
	}
	return ""
}

// LogOf returns the id of the topic that a consumer committed an offset for; uuid.Nil where the metadata does not say.
func LogOf(lag admin.PartitionLag) uuid.UUID {
	if sink, err := checkpoint.ParseSink(lag.Metadata, lag.Committed); err == nil {
		return sink.Log
	}
	if enricher, err := checkpoint.ParseEnricher(lag.Metadata); err == nil {
		return enricher.Log
	}
	return uuid.Nil
}
