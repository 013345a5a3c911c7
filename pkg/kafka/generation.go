package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/kafka/internal/cluster"
	"github.com/waymark-events/waymark/pkg/retry"
)

// A generation runs the handlers of the partitions that one generation gave to this member.
type generation struct {
	*membership
	ID          int32
	GroupID     string
	MemberID    string
	Assignments map[string][]int32
	joined      joined
	since       time.Time
	// assignedFrom is what the leader shared out; nil for the others.
	assignedFrom map[string]topicState
	// end ends the handlers' context; leaving is done once; left is set when it was this member's will.
	end     context.CancelFunc
	leaving sync.Once
	left    atomic.Bool
}

func (g *generation) partitions() int {
	n := 0
	for _, of := range g.Assignments {
		n += len(of)
	}
	return n
}

// run returns when the generation is over and every handler has returned, with the first handler's permanent error. Heartbeats go on
// while handlers finish: the coordinator waits for them as long as RebalanceTimeout says, not for a session.
func (g *generation) run(ctx context.Context, handle func(context.Context, *Claim) error) error {
	alive, stop := context.WithCancel(context.WithoutCancel(ctx))
	ctx, g.end = context.WithCancel(ctx)
	var attendants sync.WaitGroup
	defer attendants.Wait()
	defer stop()
	defer g.end()
	attendants.Go(func() { g.beat(alive) })

	claims, err := g.claims(ctx)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil
	case err != nil && permanent(err):
		return fmt.Errorf("join %s: %w", g.GroupID, err)
	case err != nil:
		g.standing.failed(err)
		g.rejoin(ctx, "the committed offsets cannot be read", zap.Error(err))
		return nil
	}
	if g.assignedFrom != nil {
		attendants.Go(func() { g.watchTopics(ctx) })
	}
	var handlers sync.WaitGroup
	var once sync.Once
	var failure error
	for _, claim := range claims {
		g.client.fetches.expect(claim.Topic, claim.Partition)
		handlers.Go(func() {
			defer g.client.fetches.forget(claim.Topic, claim.Partition)
			err := handle(ctx, claim)
			switch {
			case err == nil, errors.Is(err, ErrFenced), ctx.Err() != nil && errors.Is(err, ctx.Err()):
			case errors.Is(err, ErrClaimEnded):
				g.rejoin(ctx, "a partition has ended", zap.String("topic", claim.Topic), zap.Int32("partition", claim.Partition), zap.Error(err))
			default:
				once.Do(func() {
					failure = fmt.Errorf("%s/%d: %w", claim.Topic, claim.Partition, err)
					g.end()
				})
			}
		})
	}
	handlers.Wait()
	<-ctx.Done() // a member without partitions stays in the group
	return failure
}

// rejoin ends the generation by this member's will. It pauses before, while the other partitions are served, and so bounds how often
// that can happen.
func (g *generation) rejoin(ctx context.Context, why string, fields ...zap.Field) {
	g.leaving.Do(func() {
		g.log.Warn("joining the group again: "+why, fields...)
		if time.Since(g.since) >= settled {
			g.settle()
		}
		if g.again.Wait(ctx) == nil {
			g.left.Store(true)
		}
		g.end()
	})
}

// beat speaks to the coordinator until ctx ends, and ends the generation when the coordinator says so or was silent for a session: then
// others may have the partitions. A connection that breaks, or a coordinator that moves, ends nothing by itself.
func (g *generation) beat(ctx context.Context) {
	defer g.end()
	heard := g.since
	for retry.Pause(ctx, g.cfg.HeartbeatInterval) == nil {
		asked := time.Now()
		// A third of a session, so that a connection whose answers are lost leaves time for another.
		wait := min(g.client.cfg.RequestTimeout, g.cfg.SessionTimeout/3, g.cfg.SessionTimeout-time.Since(heard))
		beatCtx, cancel := context.WithTimeout(ctx, max(wait, time.Millisecond))
		err := g.client.heartbeat(beatCtx, g.GroupID, g.joined)
		cancel()
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			heard = asked
			g.standing.heard(asked)
		case errors.Is(err, kafkago.RebalanceInProgress):
			heard = asked
			g.end()
		case errors.Is(err, kafkago.UnknownMemberId), errors.Is(err, kafkago.IllegalGeneration):
			return
		case time.Since(heard) >= g.cfg.SessionTimeout:
			g.log.Warn("the group's coordinator was silent for a session: the partitions are given up", zap.Error(cluster.Explain(err)))
			return
		default:
			g.standing.failed(cluster.Explain(err))
		}
	}
}

// watchTopics has the group join again when the topics are no longer what was shared out. Every member's subscription is the leader's
// to watch: it alone knows what the assignment was made of.
func (g *generation) watchTopics(ctx context.Context) {
	topics := slices.Sorted(maps.Keys(g.assignedFrom))
	var before map[string]topicState
	for retry.Pause(ctx, topicsWatch) == nil {
		now, err := g.look(ctx, topics)
		if err != nil {
			continue // the broker that answers is asked by everybody else too, and that is reported
		}
		if !maps.Equal(now, g.assignedFrom) && maps.Equal(now, before) {
			var changed []string
			for _, topic := range topics {
				if now[topic] != g.assignedFrom[topic] {
					changed = append(changed, topic)
				}
			}
			g.rejoin(ctx, "topics have changed", zap.Strings("topics", changed))
			return
		}
		before = now
	}
}

// claims reads what was committed, offsets and metadata.
func (g *generation) claims(ctx context.Context) ([]*Claim, error) {
	partitions := g.Assignments
	if len(partitions) == 0 {
		return nil, nil
	}
	committed, err := g.client.committed(ctx, g.GroupID, partitions)
	if err != nil {
		return nil, err
	}
	var claims []*Claim
	for topic, assigned := range partitions {
		for _, p := range assigned {
			at := committed[topic][p]
			claims = append(claims, &Claim{
				Topic: topic, Partition: p, Generation: g.ID, Offset: at.Offset, Metadata: at.Metadata,
				group: g.GroupID, member: g.MemberID, client: g.client,
			})
		}
	}
	return claims, nil
}
