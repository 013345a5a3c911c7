package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/kafka/admin"
	"github.com/waymark-events/waymark/pkg/retry"
	"github.com/waymark-events/waymark/schemas"
)

// Faults of identity: topics that are made anew, groups and offsets that are deleted or set, as people do with Kafka's tools. Some such acts
// destroy what nobody else has; here each comes only when all that it takes away is known elsewhere, so that the verdict stays exact: nothing
// may be missing afterwards. And one comes at a time, on what the one before is over for: two of them can take away together what
// neither could alone.

var (
	rawTopic, enrichedTopic, deadTopic = schemas.RawTopic(region), schemas.EnrichedTopic(region), schemas.DeadTopic(region)
	enricherGroup, sinkGroup           = schemas.EnricherGroup(region), schemas.SinkGroup(region)
)

// patienceWithIdentity bounds each wait of a fault: for the services to know what was done last, to have read all, and for Kafka to do it.
const patienceWithIdentity = 2 * time.Minute

// ofIdentity makes a fault of do, which is alone, and begins when every service goes by the topics that are there.
func ofIdentity(do act) act {
	return func(ctx context.Context, w *world, random *rand.Rand) (string, error) {
		w.await(&w.identity)
		defer w.identity.Unlock()
		if err := w.until(ctx, "every service goes by the topics that are there", w.acquainted); err != nil {
			return "", err
		}
		return do(ctx, w, random)
	}
}

// until waits for a condition. What fails while it is asked for is no news here: Kafka may be away, by another fault.
func (w *world) until(ctx context.Context, what string, holds func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, patienceWithIdentity)
	defer cancel()
	for {
		ok, err := holds(ctx)
		if ok {
			return nil
		}
		if retry.Pause(ctx, 200*time.Millisecond) != nil {
			return fmt.Errorf("waited in vain until %s: %w", what, errors.Join(err, ctx.Err()))
		}
	}
}

// acquainted tells whether every offset was committed on the topics that are there now.
func (w *world) acquainted(ctx context.Context) (bool, error) {
	ids := map[string]uuid.UUID{}
	for _, topic := range []string{rawTopic, enrichedTopic, deadTopic} {
		var err error
		if ids[topic], err = w.client.TopicID(ctx, topic); err != nil {
			return false, err
		}
	}
	for _, g := range groups {
		lag, err := admin.Lag(ctx, w.client, g.group, g.topic)
		if err != nil {
			return false, err
		}
		for _, p := range lag {
			if p.End == 0 {
				continue // there was nothing to commit
			}
			var known bool
			if g.group == enricherGroup {
				at, err := checkpoint.ParseEnricher(p.Metadata)
				known = err == nil && at.Log == ids[g.topic] && at.Enriched == ids[enrichedTopic]
			} else {
				at, err := checkpoint.ParseSink(p.Metadata, p.Committed)
				known = err == nil && at.Log == ids[g.topic]
			}
			if !known {
				return false, fmt.Errorf("%s has committed %d, %s on %s/%d", g.group, p.Committed, p.Metadata, g.topic, p.Partition)
			}
		}
	}
	return true, nil
}

// readToTheEnd is a condition: group has committed the end of each topic.
func (w *world) readToTheEnd(group string, topics ...string) func(context.Context) (bool, error) {
	return func(ctx context.Context) (bool, error) {
		for _, topic := range topics {
			lag, err := admin.Lag(ctx, w.client, group, topic)
			if err != nil {
				return false, err
			}
			for _, p := range lag {
				if p.Lag > 0 {
					return false, fmt.Errorf("%d records of %s/%d are left", p.Lag, topic, p.Partition)
				}
			}
		}
		return true, nil
	}
}

// stopAll ends members in order and keeps them ended until restart, which must be called.
func (w *world) stopAll(ctx context.Context, members []*member) (restart func(context.Context) error) {
	// Side by side: one after the other each would get what the others gave up.
	var stopping sync.WaitGroup
	for _, m := range members {
		m.mu.Lock()
		stopping.Go(func() { w.stopOne(ctx, m) })
	}
	stopping.Wait()
	return func(ctx context.Context) error {
		var errs []error
		for _, m := range members {
			errs = append(errs, w.revive(ctx, m))
			m.mu.Unlock()
		}
		return errors.Join(errs...)
	}
}

// deleteTopic deletes a topic, whatever else happens to Kafka meanwhile, and returns the id that it had.
func (w *world) deleteTopic(ctx context.Context, topic string) (id uuid.UUID, err error) {
	err = w.until(ctx, "the id of "+topic+" is told", func(ctx context.Context) (bool, error) {
		id, err = w.client.TopicID(ctx, topic)
		return err == nil, err
	})
	if err != nil {
		return id, err
	}
	return id, w.until(ctx, topic+" is deleted", func(ctx context.Context) (bool, error) {
		ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
		defer cancel()
		err := w.operator.DeleteTopics(ctx, topic)
		return err == nil, err
	})
}

// createTopic makes the topic that was deleted, as it was.
func (w *world) createTopic(ctx context.Context, topic string, before uuid.UUID) error {
	specs, err := topicSpecs(region, w.cfg.ApacheKafka)
	if err != nil {
		return err
	}
	specs = slices.DeleteFunc(specs, func(s admin.TopicSpec) bool { return s.Name != topic })
	return w.until(ctx, topic+" is made anew", func(ctx context.Context) (bool, error) {
		if _, err := admin.ApplyTopics(ctx, w.client, specs); err != nil {
			return false, err
		}
		id, err := w.client.TopicID(ctx, topic)
		return err == nil && id != before, err
	})
}

// anew deletes a topic and makes it again after a while.
func (w *world) anew(ctx context.Context, topic string, absent time.Duration) error {
	w.kafkaFault.Lock()
	defer w.kafkaFault.Unlock()
	before, err := w.deleteTopic(ctx, topic)
	if err != nil {
		return err
	}
	_ = retry.Pause(ctx, absent)
	return w.createTopic(ctx, topic, before)
}

// enrichedAnew takes away what the sink has not stored yet: the raw topic still has it.
func enrichedAnew(ctx context.Context, w *world, random *rand.Rand) (string, error) {
	absent := between(random, 0, 4*time.Second)
	w.forgetful.Store(true)
	return fmt.Sprintf("absent for %s", absent), w.anew(ctx, enrichedTopic, absent)
}

// rawAnew comes when everything was read to its end, the spools too, while the clients are quiet: only then does the old topic hold
// nothing that nobody else has. Of the enriched topic too: what was enriched from the old one could not be enriched again.
func rawAnew(ctx context.Context, w *world, random *rand.Rand) (string, error) {
	absent := between(random, 0, 4*time.Second)
	w.quiet.Lock()
	defer w.quiet.Unlock()
	still := 0
	err := w.until(ctx, "all is at rest", func(ctx context.Context) (bool, error) {
		left, err := w.left(ctx)
		if still++; err != nil || left > 0 {
			still = 0
			err = errors.Join(err, fmt.Errorf("%d events are left", left))
		}
		return still == 3, err
	})
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("absent for %s", absent), w.anew(ctx, rawTopic, absent)
}

// deadAnew comes when the sinks have stored all dead letters and nobody writes any.
func deadAnew(ctx context.Context, w *world, random *rand.Rand) (string, error) {
	absent := between(random, 0, 4*time.Second)
	w.enricherCrew.Lock()
	defer w.enricherCrew.Unlock()
	restart := w.stopAll(ctx, w.enrichers)
	err := w.until(ctx, "all dead letters are stored", w.readToTheEnd(sinkGroup, enrichedTopic, deadTopic))
	if err == nil {
		err = w.anew(ctx, deadTopic, absent)
	}
	return fmt.Sprintf("absent for %s", absent), errors.Join(err, restart(ctx))
}

// deadAbsent leaves the services without a dead topic for a while: what is to be buried waits.
func deadAbsent(ctx context.Context, w *world, _ *rand.Rand) (string, error) {
	const absent = 20 * time.Second
	before, err := w.deleteStoredDead(ctx)
	if err != nil {
		return "", err
	}
	_ = retry.Pause(ctx, absent)
	w.kafkaFault.Lock()
	defer w.kafkaFault.Unlock()
	return fmt.Sprintf("for %s", absent), w.createTopic(ctx, deadTopic, before)
}

// deleteStoredDead deletes the dead topic when the sinks have stored all of it, and has the enrichers start without one.
func (w *world) deleteStoredDead(ctx context.Context) (before uuid.UUID, err error) {
	w.enricherCrew.Lock()
	defer w.enricherCrew.Unlock()
	restart := w.stopAll(ctx, w.enrichers)
	err = w.until(ctx, "all dead letters are stored", w.readToTheEnd(sinkGroup, enrichedTopic, deadTopic))
	if err == nil {
		w.kafkaFault.Lock()
		defer w.kafkaFault.Unlock()
		before, err = w.deleteTopic(ctx, deadTopic)
	}
	return before, errors.Join(err, restart(ctx))
}

// deleteOffsets deletes a group, whose members are stopped.
func deleteOffsets(group string, members func(*world) []*member, crew func(*world) *sync.Mutex) act {
	return whileStopped(members, crew, func(ctx context.Context, w *world, _ *rand.Rand) (string, error) {
		return "of " + group, w.until(ctx, "the group "+group+" is deleted", func(ctx context.Context) (bool, error) {
			err := w.operator.DeleteGroup(ctx, group)
			return err == nil, err
		})
	})
}

// furthestBack bounds how far offsets are set back.
const furthestBack = 30_000

// setBack sets a group's offsets on its topics back, without metadata, as Kafka's own tool does.
func setBack(group string, members func(*world) []*member, crew func(*world) *sync.Mutex) act {
	return whileStopped(members, crew, func(ctx context.Context, w *world, random *rand.Rand) (string, error) {
		records := int64(0)
		for _, g := range groups {
			if g.group != group {
				continue
			}
			var lag []admin.PartitionLag
			err := w.until(ctx, "the offsets are told", func(ctx context.Context) (ok bool, err error) {
				lag, err = admin.Lag(ctx, w.client, group, g.topic)
				return err == nil, err
			})
			if err != nil {
				return "", err
			}
			for _, p := range lag {
				most := min(p.Committed-p.Start, furthestBack)
				if most <= 0 {
					continue
				}
				by := 1 + random.Int64N(most)
				err := w.until(ctx, "the offset is set", func(ctx context.Context) (bool, error) {
					err := w.operator.SetOffset(ctx, group, g.topic, p.Partition, p.Committed-by)
					return err == nil, err
				})
				if err != nil {
					return "", err
				}
				records += by
			}
		}
		return fmt.Sprintf("of %s by %d records in all", group, records), nil
	})
}

// whileStopped does something while no member of a group runs.
func whileStopped(members func(*world) []*member, crew func(*world) *sync.Mutex, do act) act {
	return func(ctx context.Context, w *world, random *rand.Rand) (string, error) {
		crew(w).Lock()
		defer crew(w).Unlock()
		restart := w.stopAll(ctx, members(w))
		what, err := do(ctx, w, random)
		return what, errors.Join(err, restart(ctx))
	}
}
