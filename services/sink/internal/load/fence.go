package load

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/kafka"
)

// committer records an offset and metadata under a generation, as *kafka.Claim does.
type committer interface {
	Commit(ctx context.Context, offset int64, metadata string) error
}

// A fence keeps this member from doing what the partition's next owner does not know of. It alone commits, and so it alone knows what is
// committed, and until when another owner is out of the question.
type fence struct {
	commits committer
	claim   *kafka.Claim // what commits are for, where they are of several partitions
	// holds is how long an answer of the coordinator's may be relied on.
	holds   time.Duration
	monitor *monitor
	// offset is what is committed, -1 for nothing, and memory what stands beside it, nil when that is not ours; confirmed is when a
	// coordinator was last asked and then said that the generation still holds. It reads the monotonic clock, which runs on while the
	// process is stopped.
	offset    int64
	memory    *checkpoint.Sink
	confirmed time.Time
	// owed is what is stored and not yet committed, nil when all is.
	owed *checkpoint.Sink
}

// passed notes that the topic of the id before is gone. An offset without memory was set for that one.
func (f *fence) passed(before uuid.UUID) {
	if f.memory == nil && before != uuid.Nil {
		f.offset = -1
	}
}

// intend commits the offset that a batch begins at, with its intent: everything below it is stored.
func (f *fence) intend(work context.Context, from int64, intent checkpoint.Sink) error {
	return f.commit(work, from, intent)
}

// halve says in the open intent that parts of its batch may be sent under tokens of their own.
func (f *fence) halve(work context.Context) error {
	halved := *f.memory
	halved.Halved = true
	return f.commit(work, f.offset, halved)
}

// owe notes that a batch is stored: the next intent acknowledges it, or settle.
func (f *fence) owe(stored checkpoint.Sink) { f.owed = &stored }

// settle commits what is stored, up to the given offset, without an intent.
func (f *fence) settle(work context.Context, upTo int64) error {
	if f.owed == nil {
		return nil
	}
	if err := f.commit(work, upTo, *f.owed); err != nil {
		return err
	}
	f.monitor.step("settled")
	return nil
}

// confirm returns nil when this member may insert: its generation held within the last half of a session, or holds now. No other
// member can have been given the partition in less than a session or a rebalance; later one may have, stored the batch, and gone on
// until ClickHouse remembers no token of it. A member that was stopped and goes on notices here.
func (f *fence) confirm(work context.Context) error {
	if time.Since(f.confirmed) < f.holds {
		return nil
	}
	f.monitor.step("confirming")
	return f.commit(work, f.offset, *f.memory)
}

func (f *fence) commit(work context.Context, offset int64, state checkpoint.Sink) error {
	asked, err := f.persist(work, func() error { return f.commits.Commit(work, offset, state.String()) })
	if err == nil {
		f.recorded(offset, state, asked)
	}
	return err
}

// recorded notes what is committed, and when the coordinator was asked.
func (f *fence) recorded(offset int64, state checkpoint.Sink, asked time.Time) {
	f.offset, f.memory, f.confirmed, f.owed = offset, &state, asked, nil
}

// persist tries to commit until the coordinator answers, or the work must end: while it is away the generation ends of itself. asked is when the
// try began that succeeded.
func (f *fence) persist(work context.Context, commit func() error) (asked time.Time, err error) {
	for {
		asked = time.Now()
		err := commit()
		switch {
		case err == nil:
			return asked, nil
		case errors.Is(err, kafka.ErrFenced), work.Err() != nil:
			return asked, err
		case !kafka.Retriable(err):
			return asked, operator(err)
		}
		f.monitor.retried("commit")
		f.monitor.log.Warn("cannot commit; trying again", zap.Error(err))
	}
}

// recall reads what was committed beside an offset; nil when that is not ours.
func recall(offset int64, metadata string) (*checkpoint.Sink, error) {
	switch memory, err := checkpoint.ParseSink(metadata, offset); {
	case err == nil:
		return &memory, nil
	case errors.Is(err, checkpoint.ErrForeign):
		return nil, nil
	default:
		return nil, operator(fmt.Errorf("offset %d: %w", offset, err))
	}
}
