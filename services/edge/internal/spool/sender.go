// Package spool keeps accepted events on disk while Kafka is away or slow, and sends them on, in order, when it is back.
//
// A Log is the disk's side: segments of checksummed entries. An entry is acknowledged when its fsync is done, which the requests of
// a moment share. After kill -9 the log is read again: a last write that was cut off was never acknowledged and is cut away; what
// fails its checksum elsewhere is put aside, never skipped in silence.
//
// The log outlives what is done to its folder under the running process: what was deleted, renamed, replaced or hidden by a mount is
// written anew from the files that are still open, before anything more is acknowledged (Log.Keep).
//
// A Sender decides: straight to Kafka while it answers in time and nothing waits; into the log otherwise. As long as the log holds
// anything, everything new goes behind it, so a visitor's events keep their order. What went both ways, since Kafka's answer came
// too late or a crash forgot that it was drained, carries the same event id twice, and the enricher leaves the second out.
package spool

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/retry"
)

// Direct is the way to Kafka: nil means that every record is acknowledged, a *kafka.TooLarge that every one is but those it names.
type Direct interface {
	SendEach(ctx context.Context, topic string, recs []event.Record) error
}

// A Sender sends the records of one topic to Kafka or into a log. Run must run.
type Sender struct {
	direct Direct
	log    *Log
	topic  string
	after  time.Duration
	zap    *zap.Logger
	states *teller

	// gate is held for reading by every SendEach, so that whoever holds it for writing may change spooling.
	gate     sync.RWMutex
	spooling bool
	// coming counts those who began the spooling and have yet to put their records into the log.
	coming int
	// underway counts the sends to Kafka: draining begins when those that were before it have ended.
	underway sync.WaitGroup
	wake     chan struct{}
	// still is closed and made anew whenever the log runs empty.
	drained chan struct{}
}

// NewSender makes a sender. What Kafka has not acknowledged after that time goes to log.
func NewSender(direct Direct, log *Log, topic string, after time.Duration, zap *zap.Logger) *Sender {
	s := &Sender{direct: direct, log: log, topic: topic, after: after, zap: zap, states: newTeller(zap), wake: make(chan struct{}, 1), drained: make(chan struct{})}
	if !log.Empty() {
		s.spooling = true
		s.states.now = spooling
		s.rouse()
	}
	return s
}

// SendEach returns nil when recs are acknowledged by Kafka or durable in the log. Errors: intake.ErrFull and ErrDisk, when Kafka is away too;
// what Kafka refuses for good: with a *kafka.TooLarge all records are acknowledged but those it names.
func (s *Sender) SendEach(ctx context.Context, topic string, recs []event.Record) error {
	if topic != s.topic {
		return fmt.Errorf("spool of %s asked to send to %s", s.topic, topic)
	}
	// A client that hangs up ends nothing: if all of them are less patient than the spool, it would never begin.
	ctx = context.WithoutCancel(ctx)
	for {
		err := s.sendDirect(ctx, recs)
		behind := errors.Is(err, errSpooling)
		if err == nil || !behind && !kafka.Retriable(err) {
			s.tellDirect()
			return err
		}
		if !behind {
			defer s.startSpooling()()
		}
		if appended, err := s.append(recs, err); appended {
			return err
		}
	}
}

// append puts recs into the log, since Kafka does not take them, for why; false when the log was drained meanwhile and Kafka is to be
// tried again.
func (s *Sender) append(recs []event.Record, why error) (bool, error) {
	s.gate.RLock()
	defer s.gate.RUnlock()
	if !s.spooling {
		return false, nil
	}
	defer s.rouse() // whatever became of it: an empty log is left again
	err := s.log.Append(recs)
	switch {
	case err != nil:
		s.states.tell(refused, zap.ErrorLevel, "neither Kafka nor the spool takes events: clients are told to send them again", zap.Error(err), zap.NamedError("kafka", why))
	case s.states.is() != draining:
		s.states.tell(spooling, zap.WarnLevel, "Kafka does not acknowledge: events go to the spool", zap.Error(why))
	}
	return true, err
}

// tellDirect says that Kafka takes events again, when the log was told otherwise.
func (s *Sender) tellDirect() {
	if s.states.is() == direct {
		return
	}
	s.gate.RLock()
	defer s.gate.RUnlock()
	if !s.spooling {
		s.states.tell(direct, zap.InfoLevel, "Kafka takes events again")
	}
}

func (s *Sender) rouse() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// errSpooling means that records must go behind those in the log.
var errSpooling = errors.New("spooling")

func (s *Sender) sendDirect(ctx context.Context, recs []event.Record) error {
	s.gate.RLock()
	if s.spooling {
		s.gate.RUnlock()
		return errSpooling
	}
	s.underway.Add(1)
	s.gate.RUnlock()
	defer s.underway.Done()
	ctx, cancel := context.WithTimeout(ctx, s.after)
	defer cancel()
	return s.direct.SendEach(ctx, s.topic, recs)
}

// startSpooling sends everything to the log from now on; not before the function it returns was called can that end.
func (s *Sender) startSpooling() (done func()) {
	s.gate.Lock()
	defer s.gate.Unlock()
	s.coming++
	if !s.spooling {
		s.spooling = true
		s.drained = make(chan struct{})
	}
	return func() {
		s.gate.Lock()
		defer s.gate.Unlock()
		s.coming--
		s.rouse()
	}
}

// stopSpooling goes back to Kafka if nothing waits.
func (s *Sender) stopSpooling() bool {
	s.gate.Lock() // nobody appends meanwhile
	defer s.gate.Unlock()
	if !s.spooling || s.coming > 0 || !s.log.Empty() {
		return false
	}
	s.spooling = false
	close(s.drained)
	if s.states.is() != refused { // then nothing was spooled, and Kafka may be away as before
		s.states.tell(direct, zap.InfoLevel, "the spool is drained: events go to Kafka directly")
	}
	return true
}

// Run drains the log whenever there is something in it, until ctx ends.
func (s *Sender) Run(ctx context.Context) {
	var told time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		}
		s.gate.RLock()
		spooling := s.spooling
		s.gate.RUnlock()
		if !spooling {
			continue
		}
		s.underway.Wait()
		if err := s.drain(ctx); err != nil && ctx.Err() == nil {
			if time.Since(told) > tellEvery {
				told = time.Now()
				s.zap.Error("the spool cannot be drained; trying again", zap.Error(err))
			}
			if retry.Pause(ctx, time.Second) == nil {
				s.rouse()
			}
		}
	}
}

// drain sends everything in the log, oldest first.
func (s *Sender) drain(ctx context.Context) error {
	var noted time.Time
	backoff := retry.Backoff{First: 100 * time.Millisecond, Last: 3 * time.Second}
	for {
		chunk, err := s.log.Next()
		if err != nil {
			return err
		}
		if chunk == nil {
			if s.stopSpooling() || s.log.Empty() {
				return nil
			}
			continue
		}
		for {
			err := s.deliver(ctx, chunk.Records)
			if err == nil {
				break
			}
			if ctx.Err() != nil {
				return err
			}
			if time.Since(noted) > tellEvery {
				noted = time.Now()
				s.log.Note()
			}
			// Nobody may send anything meanwhile: what waits must be safe all the same.
			if err := errors.Join(err, s.log.Keep()); s.states.is() != refused {
				s.states.tell(spooling, zap.WarnLevel, "Kafka does not take what is in the spool; trying again", zap.Error(err))
			}
			if err := backoff.Wait(ctx); err != nil {
				return err
			}
		}
		backoff = retry.Backoff{First: backoff.First, Last: backoff.Last}
		s.log.Done(chunk)
		if s.states.is() == spooling {
			s.states.tell(draining, zap.InfoLevel, "Kafka takes events again: the spool is being drained")
		}
	}
}

// deliver sends recs to Kafka, in halves where they are more than its producer holds. A record that Kafka will never take holds nothing
// up: it is put aside.
//
// The records are stamped with the time of now: by the time of their arrival, which their headers keep, Kafka would delete unread
// whatever waited here for longer than the topic's retention.
func (s *Sender) deliver(ctx context.Context, recs []event.Record) error {
	now := time.Now().UnixMilli()
	for i := range recs {
		recs[i].Timestamp = now
	}
	full := func(err error) bool { return errors.Is(err, kafka.ErrBufferFull) }
	return retry.InHalves(len(recs), full, func(from, to int) error {
		part := recs[from:to]
		err := s.direct.SendEach(ctx, s.topic, part)
		var tooLarge *kafka.TooLarge
		if !errors.As(err, &tooLarge) {
			return err
		}
		for _, i := range tooLarge.Records {
			if err := s.log.Refuse(part[i], err); err != nil {
				return err
			}
		}
		return nil
	})
}

// Drained waits until the log is empty, or ctx ends.
func (s *Sender) Drained(ctx context.Context) error {
	s.gate.RLock()
	spooling, drained := s.spooling, s.drained
	s.gate.RUnlock()
	if !spooling {
		return nil
	}
	select {
	case <-drained:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Check is a readiness check: an edge whose Kafka is away is ready as long as its spool takes events. When neither takes them, the error
// says why of both.
func (s *Sender) Check(ctx context.Context, ping func(context.Context) error) error {
	spool := s.log.Check()
	if spool == nil {
		return nil
	}
	s.gate.RLock()
	spooling := s.spooling
	s.gate.RUnlock()
	switch away := ping(ctx); {
	case away != nil:
		return fmt.Errorf("kafka: %w; spool: %w", away, spool)
	case spooling: // what comes now goes behind what waits, and there is no room for it
		return fmt.Errorf("spool: %w", spool)
	}
	return nil
}
