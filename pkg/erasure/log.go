package erasure

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/retry"
)

// A Reader reads a log, as *kafka.Client does.
type Reader interface {
	Log(ctx context.Context, topic string, partition int32) (kafka.Log, error)
	Bounds(ctx context.Context, log kafka.Log) (start, end int64, err error)
	Verify(ctx context.Context, log kafka.Log, at kafka.Position) error
	Fetch(ctx context.Context, log kafka.Log, offset int64, opts kafka.FetchOptions) (*kafka.Batch, error)
}

// An OperatorError is one that only an operator can fix: tombstones that cannot be understood or matched, or a topic that is not there.
type OperatorError struct{ err error }

func (e *OperatorError) Error() string { return e.err.Error() }
func (e *OperatorError) Unwrap() error { return e.err }

// A follower reads the tombstones' log, from its start to its end and on.
type follower struct {
	reader Reader
	topic  string
	keys   Keys

	log   kafka.Log
	next  kafka.Position
	known map[string]*Tombstone
	// odd are the records that this process cannot obey, by key: what is wrong with each.
	odd map[string]string
	// anew is true once the log was another one than was read before.
	anew bool
}

// read fetches once. complete is true when nothing lay behind what is known as the fetch was asked for; changed when tombstones came or
// went.
func (f *follower) read(ctx context.Context, opts kafka.FetchOptions) (complete, changed bool, err error) {
	if f.log.ID == uuid.Nil {
		if err := f.begin(ctx); err != nil {
			return false, false, err
		}
	}
	fetched, err := f.reader.Fetch(ctx, f.log, f.next.Offset, opts)
	if err == nil && fetched.LeaderEpoch != f.next.LeaderEpoch && fetched.LeaderEpoch != kafka.NoLeaderEpoch {
		// Somebody else leads: what was read before may have been cut off.
		if err = f.reader.Verify(ctx, f.log, f.next); err != nil {
			fetched.Release()
		}
	}
	if err != nil {
		return false, false, f.failed(ctx, err)
	}
	defer fetched.Release()
	for i := range fetched.Records {
		changed = f.take(&fetched.Records[i]) || changed
	}
	complete = fetched.Next >= fetched.HighWatermark
	f.next.Offset = fetched.Next
	if fetched.LeaderEpoch != kafka.NoLeaderEpoch {
		f.next.LeaderEpoch = fetched.LeaderEpoch
	}
	return complete, changed, nil
}

// begin looks which log there is, to read it from its start.
func (f *follower) begin(ctx context.Context) error {
	log, err := f.reader.Log(ctx, f.topic, 0)
	if err != nil {
		return err
	}
	start, _, err := f.reader.Bounds(ctx, log)
	if err != nil {
		return err
	}
	if err := f.reader.Verify(ctx, log, kafka.Position{LeaderEpoch: kafka.NoLeaderEpoch}); err != nil {
		return err
	}
	f.log, f.next = log, kafka.Position{Offset: start, LeaderEpoch: kafka.NoLeaderEpoch}
	if f.known == nil {
		f.known, f.odd = make(map[string]*Tombstone), make(map[string]string)
	}
	return nil
}

// failed sees to it that the log is read from its start where it is another one, or lost something. What is known stays known: the
// process has been told of it.
func (f *follower) failed(ctx context.Context, err error) error {
	var outOfRange *kafka.OffsetOutOfRange
	var truncated *kafka.Truncated
	switch verify := f.reader.Verify(ctx, f.log, f.next); {
	case errors.As(err, &outOfRange), errors.Is(err, kafka.ErrLogGone), errors.Is(verify, kafka.ErrLogGone), errors.As(err, &truncated), errors.As(verify, &truncated):
		f.log, f.anew = kafka.Log{}, len(f.known) > 0
	}
	return err
}

// take notes a record, and tells whether it changes anything.
func (f *follower) take(rec *event.Record) bool {
	id := string(rec.Key)
	if len(rec.Value) == 0 {
		_, known := f.known[id]
		_, odd := f.odd[id]
		delete(f.known, id)
		delete(f.odd, id)
		return known || odd
	}
	t, err := Parse(rec.Value)
	switch {
	case err != nil:
		f.odd[id] = err.Error()
		return true
	case t.Kind != Span && len(f.keys) == 0:
		f.odd[id] = "a tombstone, and no erasure.secret to obey it with: configure the region's"
		return true
	case t.Kind != Span && f.keys.Find(t.Key) == nil:
		f.odd[id] = fmt.Sprintf("a tombstone under the secret %s, which is not configured: add it to erasure.secret, on a line of its own", t.Key)
		return true
	}
	_, odd := f.odd[id]
	delete(f.odd, id)
	if before := f.known[id]; before != nil {
		if before.ReceivedUntil >= t.ReceivedUntil {
			return odd
		}
		t.MadeAt = min(t.MadeAt, before.MadeAt)
	}
	f.known[id] = t
	return true
}

// unconfigured tells whether nobody can have erased anything, as far as this process knows: it has no secret and met no record.
func (f *follower) unconfigured() bool { return len(f.keys)+len(f.known)+len(f.odd) == 0 }

// set returns the tombstones that are known, or what keeps them from being obeyed.
func (f *follower) set() (*Set, error) {
	for _, what := range f.odd {
		return nil, &OperatorError{fmt.Errorf("%s has %s (%d such)", f.topic, what, len(f.odd))}
	}
	return NewSet(maps.Clone(f.known), f.keys), nil
}

// Read returns the tombstones that a topic has now. Errors: kafka.ErrUnknownTopic where there is no such topic; *OperatorError where some
// cannot be obeyed under keys.
func Read(ctx context.Context, client *kafka.Client, topic string, keys Keys) (*Set, error) {
	f := &follower{reader: client, topic: topic, keys: keys}
	pause := retry.Backoff{First: 50 * time.Millisecond, Last: time.Second}
	for failures := 0; ; {
		complete, _, err := f.read(ctx, kafka.FetchOptions{MinBytes: 1, MaxBytes: 1 << 20, MaxWait: 50 * time.Millisecond})
		switch {
		case err == nil && complete:
			return f.set()
		case err == nil:
			continue
		}
		if failures++; failures == mostFailures || errors.Is(err, kafka.ErrUnknownTopic) || pause.Wait(ctx) != nil {
			return nil, fmt.Errorf("read %s: %w", topic, err)
		}
	}
}

// mostFailures is how often a command tries to read.
const mostFailures = 6
