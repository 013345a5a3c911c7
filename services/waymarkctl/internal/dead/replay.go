package dead

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/schemas"
)

// A Replay counts what became of the chosen letters.
type Replay struct {
	// Sent went to the raw topic. Of them Stored were rows, and DeadAgain dead letters anew, when Wait ended.
	Sent, Stored, DeadAgain int
	// Already are rows, or were chosen twice; Fresh were enriched so lately that the enricher would take them for repetitions of
	// themselves; Gone are no more where they were: retention deleted them, or the topic was made anew; Unfit are no raw records, such as
	// something on the enriched topic that is no event; NotCollected were not to be kept when they came, and stay so.
	Already, Fresh, Gone, Unfit, NotCollected int
}

// batch is how many letters are sent at once.
const batch = 200

// Window is the enricher's default dedup.window: an event that was enriched within it, and failed later, would be left out.
const Window = 15 * time.Minute

// Replay puts the letters' original records, headers and all, on the raw topic again, under the same event ids, and waits up to wait
// for what becomes of them. What is a row already is not sent: so a replay can be repeated, after an interruption too. Two replays
// at once are told apart by the enricher, which leaves the second copy of an event out.
func (l *Letters) Replay(ctx context.Context, letters []Letter, window, wait time.Duration) (*Replay, error) {
	out := new(Replay)
	seen := map[owned]bool{}
	started := time.Now()
	var sent []Letter
	for part := range slices.Chunk(letters, batch) {
		these, err := l.send(ctx, part, seen, window, out)
		sent = append(sent, these...)
		if err != nil {
			return out, err
		}
	}
	return out, l.await(ctx, sent, started, wait, out)
}

// isStored tells whether a letter's event is among those; a letter that names no account is stored under whichever has its event.
func (letter *Letter) isStored(stored map[owned]bool) bool {
	if letter.Account != "" || stored[owned{letter.EventID, ""}] {
		return stored[owned{letter.EventID, letter.Account}]
	}
	for of := range stored {
		if of.event == letter.EventID {
			return true
		}
	}
	return false
}

// send sends one batch, and returns the letters with an event id that it sent.
func (l *Letters) send(ctx context.Context, letters []Letter, seen map[owned]bool, window time.Duration, out *Replay) ([]Letter, error) {
	stored, err := l.stored(ctx, letters)
	if err != nil {
		return nil, err
	}
	var records []event.Record
	var sent []Letter
	for i := range letters {
		letter := &letters[i]
		switch {
		case letter.EventID != uuid.Nil && (letter.isStored(stored) || seen[owned{letter.EventID, letter.Account}]):
			out.Already++
			continue
		case letter.Reason == string(event.ReasonNotCollected):
			out.NotCollected++
			continue
		case letter.Stage != event.StageInsert && letter.Topic != schemas.RawTopic(l.Region):
			out.Unfit++
			continue
		case letter.Stage == event.StageInsert && time.Since(letter.FailedAt) < window:
			out.Fresh++
			continue
		}
		rec, err := l.original(ctx, letter)
		if err != nil {
			return nil, err
		}
		if rec == nil {
			out.Gone++
			continue
		}
		// Headers keep when it was received; the record is of now, or retention would count it old.
		rec.Timestamp = time.Now().UnixMilli()
		records = append(records, *rec)
		seen[owned{letter.EventID, letter.Account}] = true
		if letter.EventID != uuid.Nil {
			sent = append(sent, *letter)
		}
	}
	if len(records) == 0 {
		return nil, nil
	}
	producer := l.Client.NewProducer(kafka.DefaultProducerConfig())
	err = producer.Send(ctx, schemas.RawTopic(l.Region), records)
	if err = errors.Join(err, producer.Close(ctx)); err != nil {
		return nil, fmt.Errorf("put the records on %s: %w; run the same replay again", schemas.RawTopic(l.Region), err)
	}
	out.Sent += len(records)
	return sent, nil
}

// original is the raw record that the letter is about; nil when it is no more. What lies at its offset now may be another event: that is
// never sent.
func (l *Letters) original(ctx context.Context, letter *Letter) (*event.Record, error) {
	rec, err := l.Read(ctx, letter)
	if err != nil || rec == nil {
		return nil, err
	}
	var d event.Dead
	if err := d.UnmarshalVT(rec.Value); err != nil {
		return nil, fmt.Errorf("decode the dead record at %s/%d@%d: %w", schemas.DeadTopic(l.Region), letter.KeptPartition, letter.KeptOffset, err)
	}
	if d.Stage == event.StageInsert {
		// What failed is the enriched event; it says where the raw record lies.
		var e event.Enriched
		if err := e.UnmarshalVT(d.Value); err != nil {
			return nil, fmt.Errorf("decode the enriched event of the dead record at %d@%d: %w", letter.KeptPartition, letter.KeptOffset, err)
		}
		return l.raw(ctx, idOf(e.RawTopicId), e.RawPartition, e.RawLeaderEpoch, e.RawOffset, idOf(e.EventId))
	}
	if len(d.Value) == 0 { // too large to be kept whole: the raw topic has it
		return l.raw(ctx, letter.TopicID, letter.Partition, letter.LeaderEpoch, letter.Offset, letter.EventID)
	}
	out := &event.Record{Key: d.Key, Value: d.Value}
	for _, h := range d.Headers {
		out.Headers = append(out.Headers, event.Header{Key: h.Key, Value: h.Value})
	}
	return out, nil
}

// await looks what becomes of the events that were sent.
func (l *Letters) await(ctx context.Context, sent []Letter, since time.Time, wait time.Duration, out *Replay) error {
	if len(sent) == 0 || wait <= 0 {
		return nil
	}
	deadline := time.Now().Add(wait)
	for {
		stored, err := l.stored(ctx, sent)
		if err != nil {
			return err
		}
		again, err := l.List(ctx, Filter{From: since.Add(-time.Minute), To: time.Now().Add(time.Hour), Limit: 1_000_000})
		if err != nil {
			return err
		}
		dead := map[owned]bool{}
		for i := range again {
			if again[i].FailedAt.After(since) {
				dead[owned{again[i].EventID, again[i].Account}] = true
			}
		}
		out.Stored, out.DeadAgain = 0, 0
		for i := range sent {
			switch letter := &sent[i]; {
			case letter.isStored(stored):
				out.Stored++
			case dead[owned{letter.EventID, letter.Account}]:
				out.DeadAgain++
			}
		}
		if out.Stored+out.DeadAgain == len(sent) || time.Now().After(deadline) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(300 * time.Millisecond):
		}
	}
}
