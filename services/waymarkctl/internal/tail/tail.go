// Package tail prints what arrives on a topic, one JSON object a line.
package tail

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
)

// A Tail follows one topic.
type Tail struct {
	Client *kafka.Client
	Topic  string
	// FromStart begins at the oldest record kept instead of the next one to come.
	FromStart bool
	// Follow waits for more at the end; without it Run returns when it has read up to the ends that it found.
	Follow bool
	// Render makes JSON of a record.
	Render func(dst []byte, rec *event.Record) ([]byte, error)
	// Out gets the lines, Errors a sentence for what is waited for, and for each record that cannot be rendered.
	Out, Errors io.Writer

	mu sync.Mutex
}

var options = kafka.FetchOptions{MinBytes: 1, MaxBytes: 1 << 20, MaxWait: 500 * time.Millisecond}

// Run prints until ctx ends, or to the end of the topic.
func (t *Tail) Run(ctx context.Context) error {
	partitions, err := t.Client.Offsets(ctx, t.Topic)
	if err != nil {
		return fmt.Errorf("tail %s: %w", t.Topic, err)
	}
	switch {
	case t.Follow && t.FromStart:
		fmt.Fprintf(t.Errors, "%s from its oldest record on, then as more arrives; Ctrl-C ends it\n", t.Topic)
	case t.Follow:
		fmt.Fprintf(t.Errors, "waiting for new records on %s; Ctrl-C ends it, --from-start shows what is there\n", t.Topic)
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, p := range partitions {
		from := p.End
		if t.FromStart {
			from = p.Start
		}
		group.Go(func() error { return t.partition(ctx, p.Partition, from, p.End) })
	}
	err = group.Wait()
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func (t *Tail) partition(ctx context.Context, partition int32, offset, end int64) error {
	log, err := t.Client.Log(ctx, t.Topic, partition)
	if err != nil {
		return fmt.Errorf("tail %s/%d: %w", t.Topic, partition, err)
	}
	for t.Follow || offset < end {
		batch, err := t.Client.Fetch(ctx, log, offset, options)
		switch {
		case errors.Is(err, kafka.ErrLogGone) && t.Follow:
			fmt.Fprintf(t.Errors, "%s/%d was made anew: going on at its start\n", t.Topic, partition)
			if log, err = t.Client.Log(ctx, t.Topic, partition); err != nil {
				return fmt.Errorf("tail %s/%d: %w", t.Topic, partition, err)
			}
			offset = 0
			continue
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && kafka.Retriable(err):
			if err := pause(ctx); err != nil {
				return err
			}
			continue
		case err != nil:
			return fmt.Errorf("tail %s/%d at %d: %w", t.Topic, partition, offset, err)
		}
		err = t.print(batch.Records)
		offset = batch.Next
		batch.Release()
		if err != nil {
			return err
		}
	}
	return nil
}

// pause keeps a broken connection from spinning.
func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(500 * time.Millisecond):
		return nil
	}
}

func (t *Tail) print(records []event.Record) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	var line []byte
	for i := range records {
		rec := &records[i]
		var err error
		if line, err = t.Render(line[:0], rec); err != nil {
			fmt.Fprintf(t.Errors, "%s/%d@%d cannot be decoded: %v\n", t.Topic, rec.Partition, rec.Offset, err)
			continue
		}
		if _, err := t.Out.Write(append(line, '\n')); err != nil {
			return fmt.Errorf("write: %w", err)
		}
	}
	return nil
}
