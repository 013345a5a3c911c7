package audit

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/erasure"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/services/waymarkctl/internal/progress"
	"github.com/waymark-events/waymark/services/waymarkctl/internal/walk"
)

var (
	// chunk is how many records are compared at once: it bounds the memory, some hundred bytes a record.
	chunk = 50_000
	// asked is how many events one query names: ClickHouse parses 256 KiB at most (max_query_size).
	asked = 2_000
)

// A name is one raw record's on a log: an offset alone may have been used twice.
type name struct {
	offset      int64
	leaderEpoch int32
	event       uuid.UUID
}

// A record is what the comparison keeps of one.
type record struct {
	name
	account    string
	receivedAt int64 // Unix milliseconds
	// at is when it was put on the log, by the producer's clock.
	at int64
	// earliest and latest bound the corrected time that its row has or would have; clientTime is the client's own.
	earliest, latest, clientTime int64
	// verdict is what the tombstones say of it.
	verdict erasure.Verdict
}

// A comparison is of one raw partition.
type comparison struct {
	*Audit
	p        *Partition
	log      kafka.Log
	enricher *progress.Enricher
	rules    []rule
	lost     *lost

	records []record // of the chunk in hand
}

// run reads the log once, chunk by chunk.
func (c *comparison) run(ctx context.Context) error {
	if err := c.expired(ctx); err != nil {
		return err
	}
	from := c.p.From // of the chunk
	read := int64(0)
	compare := func(to int64) error {
		if err := c.compare(ctx, from, to); err != nil {
			return err
		}
		from, c.records = to, c.records[:0]
		return nil
	}
	walked, err := walk.Log(ctx, c.Client, c.log, c.p.From, c.p.To, func(rec *event.Record) error {
		read++
		c.lost.epochs.note(rec.Offset, rec.LeaderEpoch)
		c.records = append(c.records, c.parse(rec))
		if len(c.records) < chunk {
			return nil
		}
		return compare(rec.Offset + 1)
	})
	if err != nil {
		return err
	}
	if err := compare(c.p.To); err != nil {
		return err
	}
	c.p.Holes = max(0, walked.Holes-c.p.Holes)
	return nil
}

// parse reads what is kept of a record. One that no edge wrote has no event id: it must be a dead letter.
func (c *comparison) parse(rec *event.Record) record {
	r := record{name: name{offset: rec.Offset, leaderEpoch: rec.LeaderEpoch}, at: rec.Timestamp, account: string(rec.Header(event.HeaderAccount))}
	if id, err := uuid.ParseBytes(rec.Header(event.HeaderEventID)); err == nil {
		r.event = id
	}
	if len(c.rules) > 0 {
		r.times(rec)
	}
	if c.Erasures != nil { // decoding costs what all else here does
		subject := erasure.OfRecord(rec)
		r.verdict = c.Erasures.Judge(&subject)
	}
	return r
}

// compare compares the records of offsets [from, to) with the tables.
func (c *comparison) compare(ctx context.Context, from, to int64) error {
	held, err := c.holds(ctx, from, to)
	if err != nil {
		return err
	}
	c.p.Twice += held.twice
	var apart []*record
	for i := range c.records {
		rec := &c.records[i]
		c.p.Records++
		if rec.verdict == erasure.Drop && held.rows[rec.name] || rec.verdict != erasure.Keep && held.dead[rec.name] {
			c.p.Remaining++
		}
		switch {
		case held.rows[rec.name]:
			c.p.Stored++
		case held.left[rec.name]:
			c.p.NotCollected++
		case held.dead[rec.name], held.dead[name{rec.offset, rec.leaderEpoch, uuid.Nil}]:
			c.p.Dead++
		case rec.offset >= c.enricher.At:
			c.p.UnderWay++
		case rec.verdict != erasure.Keep: // what is anonymised and cannot be used leaves nothing either
			c.p.Erased++
		default:
			if held.offsets.has(rec.offset) {
				c.lost.other.add(rec.offset)
			}
			apart = append(apart, rec)
		}
		held.offsets.remove(rec.offset)
	}
	// What the tables hold of offsets without a record fills holes: run takes it off what the log told.
	for range held.offsets.all() {
		c.p.Holes++
	}
	for part := range slices.Chunk(apart, asked) {
		if err := c.explain(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

// A holding is what the tables hold of a part of a log.
type holding struct {
	rows, dead map[name]bool
	left       map[name]bool // the account's policy does not collect them
	offsets    offsetSet     // of both
	twice      int64
}

func (c *comparison) holds(ctx context.Context, from, to int64) (*holding, error) {
	h := &holding{rows: map[name]bool{}, dead: map[name]bool{}, left: map[name]bool{}, offsets: offsetSet{}}
	span := []any{
		clickhouse.Named("region", c.Region), clickhouse.Named("topic", c.log.Topic), clickhouse.Named("topic_id", c.log.ID.String()),
		clickhouse.Named("partition", c.log.Partition), clickhouse.Named("from", from), clickhouse.Named("to", to),
	}
	err := c.Conn.Query(ctx, storedSQL, func(_ []string, v []any) error {
		n := name{v[0].(int64), v[1].(int32), v[2].(uuid.UUID)}
		h.rows[n] = true
		h.offsets.add(n.offset)
		if v[3].(uint64) > 1 {
			h.twice++
		}
		return nil
	}, span...)
	if err != nil {
		return nil, fmt.Errorf("read the events table: %w", err)
	}
	err = c.Conn.Query(ctx, deadSQL, func(_ []string, v []any) error {
		n := name{v[0].(int64), v[1].(int32), v[2].(uuid.UUID)}
		if v[3].(uint8) != 0 {
			h.left[n] = true
		} else {
			h.dead[n] = true
		}
		h.offsets.add(n.offset)
		return nil
	}, span...)
	if err != nil {
		return nil, fmt.Errorf("read the dead_events table: %w", err)
	}
	return h, nil
}

// expired counts the offsets of the span that the topic has no longer and the tables lack.
func (c *comparison) expired(ctx context.Context) error {
	var lowest, rows int64
	err := c.Conn.Query(ctx, oldestSQL, func(_ []string, values []any) error {
		lowest, rows = values[0].(int64), int64(values[1].(uint64))
		return nil
	}, clickhouse.Named("topic_id", c.log.ID.String()), clickhouse.Named("partition", c.p.Partition), clickhouse.Named("from", c.From), clickhouse.Named("to", c.To),
		clickhouse.Named("earliest", c.From.Add(-mostPast)), clickhouse.Named("latest", c.To.Add(mostFuture)))
	if err != nil {
		return fmt.Errorf("ask for the oldest row: %w", err)
	}
	start := c.enricher.Start
	if rows == 0 || lowest >= min(start, c.p.From) {
		return nil
	}
	for at := lowest; at < start; at += int64(chunk) {
		to := min(at+int64(chunk), start)
		held, err := c.holds(ctx, at, to)
		if err != nil {
			return err
		}
		c.p.Expired += to - at
		for range held.offsets.all() {
			c.p.Expired--
		}
	}
	return nil
}

// replayed is how much younger than its event's dead letter a repetition of the event may be: the enrichers leave out what comes again within
// their dedup.window, by default 15 minutes, and a replay of a dead letter begins after it.
const replayed = 15 * time.Minute

// explain finds out about records that are neither rows nor dead letters of their own name.
func (c *comparison) explain(ctx context.Context, apart []*record) error {
	var ids []string
	for _, rec := range apart {
		if rec.event != uuid.Nil {
			ids = append(ids, rec.event.String())
		}
	}
	type owned struct {
		event   uuid.UUID
		account string
	}
	stored, refused := map[owned]bool{}, map[uuid.UUID]int64{}
	if len(ids) > 0 {
		err := c.Conn.Query(ctx, elsewhereSQL, func(_ []string, v []any) error {
			if id, at := v[0].(uuid.UUID), v[2].(time.Time).UnixMilli(); v[3].(string) == "stored" {
				stored[owned{id, v[1].(string)}] = true
			} else {
				refused[id] = max(refused[id], at)
			}
			return nil
		}, clickhouse.Named("ids", ids))
		if err != nil {
			return fmt.Errorf("look for repetitions: %w", err)
		}
	}
	var rest []*record
	for _, rec := range apart {
		failed, dead := refused[rec.event]
		switch {
		case stored[owned{rec.event, rec.account}]:
			c.p.Repeated++
		case dead && failed >= rec.at-replayed.Milliseconds():
			c.p.Dead++
		default:
			rest = append(rest, rec)
		}
	}
	fates, err := c.byPolicy(ctx, c.rules, rest)
	if err != nil {
		return err
	}
	for _, rec := range rest {
		switch fates[rec.offset] {
		case agedOut:
			c.p.AgedOut++
		case mayBeAgedOut:
			c.lost.maybe.add(rec.offset)
			c.lost.records.add(rec.offset)
		default:
			c.lost.records.add(rec.offset)
		}
	}
	return nil
}
