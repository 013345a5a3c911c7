package load

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/services/sink/internal/rows"
)

// wait hands a call to the world and returns when it was done.
func (m *member) wait(what, about string, do func()) {
	c := &call{from: m, what: what, about: about, at: time.Now(), do: do, done: make(chan struct{})}
	m.w.mu.Lock()
	c.issued = m.w.table.blocks.Load()
	c.hidden = m.w.hides && what == "insert" && strings.Contains(about, "/joint/") && m.w.tosses(fmt.Sprint(m.generation, about))
	m.w.pending = append(m.w.pending, c)
	m.w.mu.Unlock()
	<-c.done
}

var (
	errLost   = errors.New("the answer was lost")
	errFenced = errors.New("another leader was elected")
)

// Log names the log that there is now.
func (m *member) Log(_ context.Context, topic string, partition int32) (out kafka.Log, err error) {
	m.wait("log", "", func() {
		if out = (kafka.Log{Topic: topic, ID: m.w.log.id, Partition: partition}); m.w.fails(20) {
			err = errLost
		}
	})
	return out, err
}

func (m *member) Bounds(_ context.Context, log kafka.Log) (start, end int64, err error) {
	m.wait("bounds", "", func() {
		switch {
		case m.w.fails(20):
			err = errLost
		case log.ID != m.w.log.id:
			err = kafka.ErrLogGone
		}
		end = int64(len(m.w.log.records))
	})
	return start, end, err
}

func (*member) Committed(context.Context, string, string) ([]kafka.Commitment, error) {
	return nil, nil
}

func (m *member) Verify(_ context.Context, log kafka.Log, at kafka.Position) (err error) {
	m.wait("verify", fmt.Sprint(at), func() {
		switch {
		case m.w.fails(20):
			err = errLost
		case log.ID != m.w.log.id:
			err = kafka.ErrLogGone
		default:
			end := m.w.log.endOf(at.LeaderEpoch)
			if at.LeaderEpoch != kafka.NoLeaderEpoch && m.w.broken != noLeaderEpochs && end < at.Offset {
				truncated := &kafka.Truncated{Topic: log.Topic, Offset: at.Offset, To: end, LeaderEpoch: kafka.NoLeaderEpoch}
				if end > 0 {
					truncated.LeaderEpoch = m.w.log.records[end-1].LeaderEpoch
				}
				err = truncated
				return
			}
			m.verified = m.w.log.leader
		}
	})
	return err
}

func (m *member) Fetch(ctx context.Context, log kafka.Log, offset int64, opts kafka.FetchOptions) (out *kafka.Batch, err error) {
	m.wait("fetch", fmt.Sprint(offset), func() {
		records := m.w.log.records
		end := int64(len(records))
		switch {
		case m.w.fails(10):
			err = errLost
			return
		case log.ID != m.w.log.id:
			err = kafka.ErrLogGone
			return
		case m.verified != m.w.log.leader && m.w.broken != noLeaderEpochs:
			err = errFenced
			return
		case offset > end:
			err = &kafka.OffsetOutOfRange{Topic: log.Topic, Offset: offset, End: end}
			return
		}
		n := min(int64(1+m.w.choose(4)), end-offset)
		out = &kafka.Batch{Next: offset + n, HighWatermark: end, LeaderEpoch: kafka.NoLeaderEpoch}
		out.Records = append(out.Records, records[offset:offset+n]...)
		if n > 0 {
			out.LeaderEpoch = out.Records[n-1].LeaderEpoch
		}
	})
	if out == nil && err == nil { // the try is over
		return nil, errLost
	}
	if err == nil && len(out.Records) == 0 {
		select { // the broker waits for records
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(opts.MaxWait):
		}
	}
	return out, err
}

func (m *member) Commit(ctx context.Context, offset int64, metadata string) (err error) {
	m.wait("commit", fmt.Sprint(offset, " ", metadata), func() {
		switch {
		case m.killed:
			err = errLost
			return
		case m.generation != m.w.generation && m.w.broken != noFence:
			err = kafka.ErrFenced
			return
		case m.w.fails(12):
			err = errLost
			return
		}
		m.w.record(offset, metadata)
		if m.w.fails(12) {
			err = errLost
		}
	})
	if errors.Is(err, errLost) {
		select { // a Claim tries for a while itself
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
	return err
}

func (m *member) Send(_ context.Context, _ string, recs []event.Record) (err error) {
	m.wait("bury", fmt.Sprint(len(recs)), func() {
		if m.w.fails(8) {
			err = errLost
			return
		}
		for i := range recs {
			var d event.Dead
			if e := d.UnmarshalVT(recs[i].Value); e != nil {
				err = e
				return
			}
			m.w.dead[rows.Position{TopicID: uuid.UUID(d.TopicId), LeaderEpoch: d.LeaderEpoch, Offset: d.Offset}] = true
			if name, ok := nameOf(d.Value); ok {
				m.w.refused[name] = true
			}
		}
	})
	return err
}

func (m *member) Check(context.Context) error { return nil }

func (m *member) Held(_ context.Context, _ string, span rows.Span) (out []rows.Held, err error) {
	m.wait("read back", fmt.Sprint(span.Offsets), func() {
		switch {
		case m.w.fails(8):
			err = errLost
			return
		case m.w.broken == blindReadBack:
			return
		}
		for _, r := range m.w.table.rows {
			if slices.Contains(span.TopicIDs, r.place.TopicID) && r.place.Partition >= span.Partitions[0] && r.place.Partition <= span.Partitions[1] &&
				r.place.Offset >= span.Offsets[0] && r.place.Offset <= span.Offsets[1] {
				out = append(out, rows.Held{Position: r.place, Source: r.place, Block: r.block})
			}
		}
	})
	return out, err
}

func (m *member) Latest(_ context.Context, topic uuid.UUID, _ int32) (last checkpoint.Source, highest int64, err error) {
	last, highest = checkpoint.Nowhere(topic), -1
	m.wait("latest", topic.String()[32:], func() {
		if m.w.fails(8) {
			err = errLost
			return
		}
		for _, r := range m.w.table.rows {
			at := checkpoint.Source{Topic: r.place.TopicID, Epoch: r.place.Epoch, LeaderEpoch: r.place.LeaderEpoch, Offset: r.place.Offset}
			if at.Topic != topic || m.w.broken == blindMemory {
				continue
			}
			highest = max(highest, at.Offset)
			if at.After(last) {
				last = at
			}
		}
	})
	return last, highest, err
}

func (m *member) Gone(context.Context, []uuid.UUID) (int, error) { return 0, nil }

// UnderWay counts the inserts that were sent and have not landed.
func (m *member) UnderWay(_ context.Context, tokens string) (n int, err error) {
	of := regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(tokens), "%", ".*"))
	m.wait("under way", tokens, func() {
		if m.w.fails(8) {
			err = errLost
			return
		}
		m.w.mu.Lock()
		defer m.w.mu.Unlock()
		for _, c := range m.w.pending {
			if c.what == "insert" && !c.hidden && of.MatchString(c.about) && m.w.broken != hasty {
				n++
			}
		}
	})
	return n, err
}

func (m *member) Delete(_ context.Context, _ int32, last checkpoint.Source, n int64) (err error) {
	m.wait("delete", fmt.Sprint(last.Offset-n+1, last.Offset, last.LeaderEpoch, last.Epoch), func() {
		if m.w.fails(8) {
			err = errLost
			return
		}
		m.w.table.rows = slices.DeleteFunc(m.w.table.rows, func(r row) bool {
			return r.place.TopicID == last.Topic && r.place.LeaderEpoch == last.LeaderEpoch && r.place.Epoch < last.Epoch &&
				r.place.Offset > last.Offset-n && r.place.Offset <= last.Offset
		})
		m.w.reach("rows of an earlier epoch were replaced")
	})
	return err
}

func (m *member) Views(context.Context, string) (uint64, error) {
	if m.w.broken == viewsAreRows {
		return 0, nil
	}
	return 1, nil
}

func (m *member) Remembers(_ context.Context, _ string, block int64) (ok bool, err error) {
	m.wait("remembers", fmt.Sprint(block), func() {
		if m.w.fails(8) {
			err = errLost
			return
		}
		ok = m.w.table.blocks.Load()-block < int64(m.w.table.remembers/2) || m.w.broken == eagerHealing
	})
	return ok, err
}

func (m *member) Unfit(_ context.Context, values []clickhouse.Column) (out []int, err error) {
	for i, props := range values[0].Plain().([]string) {
		if props == badProps || m.w.broken == tableIsRows {
			out = append(out, i)
		}
	}
	return out, nil
}
