package stream

import (
	"context"
	"fmt"

	"github.com/waymark-events/waymark/pkg/erasure"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/privacy"
)

// judge returns what the tombstones say of the record that b.raw was read from, by the identifiers that the client sent as well as by those
// that out has, which is nil where the record makes no event. What is to be hidden is hidden in out; where there is no event it is
// dropped, since a dead letter has all of it.
func (b *batch) judge(rec *event.Record, out *event.Enriched) erasure.Verdict {
	if !b.erasures.Concerns(b.raw.AccountID, b.raw.ReceivedAt) {
		return erasure.Keep
	}
	subject := erasure.OfRaw(&b.raw, rec.Key)
	if out != nil {
		subject = subject.And(out)
	}
	verdict := b.erasures.Judge(&subject)
	switch {
	case verdict == erasure.Hide && out == nil:
		return erasure.Drop
	case verdict == erasure.Hide:
		privacy.Anonymise(out)
	}
	return verdict
}

// keyOf is the key of an event's enriched record: the raw one's, unless that names somebody who is hidden.
func keyOf(rec *event.Record, out *event.Enriched, verdict erasure.Verdict) []byte {
	if verdict == erasure.Hide {
		return event.Key(out.AccountId, out.VisitorId)
	}
	return rec.Key
}

// obey waits until the tombstones are known as of lately, and judges the batch again where they have changed since it was filled.
func (c *claim) obey(ctx context.Context, b *batch) error {
	erasures, err := c.stream.erasures.Await(ctx)
	if err != nil || erasures == b.erasures {
		return err
	}
	b.erasures = erasures
	return b.judgeAgain()
}

// judgeAgain takes out what the tombstones of now erase.
func (b *batch) judgeAgain() error {
	enriched, sources := b.enriched, b.sources
	b.enriched, b.sources = enriched[:0], sources[:0]
	for i, rec := range enriched {
		if err := event.ParseRaw(sources[i], &b.raw); err != nil {
			return fmt.Errorf("parse offset %d again: %w", sources[i].Offset, err)
		}
		if b.erasures.Concerns(b.raw.AccountID, b.raw.ReceivedAt) {
			b.out.Reset()
			if err := b.out.UnmarshalVT(rec.Value); err != nil {
				return fmt.Errorf("decode offset %d again: %w", sources[i].Offset, err)
			}
			verdict := b.judge(sources[i], &b.out)
			if verdict == erasure.Drop {
				b.erased++
				continue
			}
			rec.Key, rec.Value = keyOf(sources[i], &b.out, verdict), b.values.take(b.out.SizeVT())
			if _, err := b.out.MarshalToSizedBufferVT(rec.Value); err != nil {
				return fmt.Errorf("encode enriched event: %w", err)
			}
		}
		b.enriched, b.sources = append(b.enriched, rec), append(b.sources, sources[i])
	}
	dead := b.dead
	b.dead = dead[:0]
	for _, d := range dead {
		_ = event.ParseRaw(d.source, &b.raw) // as far as it goes: that may be why it is dead
		if b.judge(d.source, nil) == erasure.Drop {
			b.erased++
			continue
		}
		b.dead = append(b.dead, d)
	}
	return nil
}
