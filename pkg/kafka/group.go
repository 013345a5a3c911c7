package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"go.uber.org/zap"
)

// GroupConfig says which group to join, and how patient it is.
type GroupConfig struct {
	ID     string   `yaml:"-"`
	Topics []string `yaml:"-"`
	// SessionTimeout is how long a member may be silent before its partitions go to others. Default 15s, 6s–5m.
	SessionTimeout time.Duration `yaml:"session_timeout"`
	// HeartbeatInterval is how often a member speaks, and so how soon it hears of a rebalance. Default 1s, at most a third of
	// SessionTimeout.
	HeartbeatInterval time.Duration `yaml:"heartbeat_interval"`
	// RebalanceTimeout is how long a rebalance waits for a member to finish its batch. Default 30s, 1s–10m.
	RebalanceTimeout time.Duration `yaml:"rebalance_timeout"`
}

// DefaultGroupConfig returns the defaults.
func DefaultGroupConfig() GroupConfig {
	return GroupConfig{SessionTimeout: 15 * time.Second, HeartbeatInterval: time.Second, RebalanceTimeout: 30 * time.Second}
}

// Validate names the first setting that is wrong and its accepted range.
func (c GroupConfig) Validate() error {
	switch {
	case c.SessionTimeout < 6*time.Second || c.SessionTimeout > 5*time.Minute:
		return errors.New("session_timeout: want 6s–5m")
	case c.HeartbeatInterval < 10*time.Millisecond || c.HeartbeatInterval > c.SessionTimeout/3:
		return errors.New("heartbeat_interval: want 10ms to a third of session_timeout")
	case c.RebalanceTimeout < time.Second || c.RebalanceTimeout > 10*time.Minute:
		return errors.New("rebalance_timeout: want 1s–10m")
	}
	return nil
}

const (
	// joinPause is between tries to join a group after an error.
	joinPause = time.Second
	// partitionWatch is how soon added partitions are found.
	partitionWatch = 10 * time.Second
	// commitTimeout bounds one commit, retries included: below the shortest session timeout, so that a member whose
	// coordinator is gone notices before its session ends.
	commitTimeout = 5 * time.Second
)

// A Claim is one partition, owned for one generation.
type Claim struct {
	Topic      string
	Partition  int32
	Generation int32
	// Offset is where the group goes on; -1 before its first commit. Metadata is what was committed beside it.
	Offset   int64
	Metadata string

	group  string
	member string
	client *Client
}

// RunGroup joins the group and calls handle once for each partition it is given, in each generation, each in a goroutine of
// its own. handle's context ends when the generation or ctx does; it then has until RebalanceTimeout to finish, and may still
// commit. The next generation is joined when all have returned. A handler that returns nil early leaves its partition
// unserved until the next generation.
//
// RunGroup returns nil when ctx has ended, and the error of the first handler that returned one other than its context's or
// ErrFenced. Lost coordinators and the like are logged and joined again; what only an operator can mend, such as a missing right,
// is returned.
func (c *Client) RunGroup(ctx context.Context, cfg GroupConfig, handle func(ctx context.Context, claim *Claim) error) error {
	log := c.log.With(zap.String("group", cfg.ID))
	if err := c.waitForTopics(ctx, log, cfg.Topics); ctx.Err() != nil {
		return nil
	} else if err != nil {
		return fmt.Errorf("join %s: %w", cfg.ID, err)
	}
	group, err := kafkago.NewConsumerGroup(kafkago.ConsumerGroupConfig{
		ID: cfg.ID, Topics: cfg.Topics, Brokers: c.cfg.Brokers, Dialer: c.dialer,
		SessionTimeout: cfg.SessionTimeout, HeartbeatInterval: cfg.HeartbeatInterval, RebalanceTimeout: cfg.RebalanceTimeout,
		JoinGroupBackoff: joinPause, Timeout: c.cfg.RequestTimeout,
		WatchPartitionChanges: true, PartitionWatchInterval: partitionWatch,
		StartOffset: kafkago.FirstOffset,
	})
	if err != nil {
		return fmt.Errorf("join %s: %w", cfg.ID, err)
	}
	defer group.Close()
	for {
		gen, err := group.Next(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			if err = explain(err); lasting(err) {
				return fmt.Errorf("join %s: %w", cfg.ID, err)
			}
			log.Warn("cannot join the group; trying again", zap.Error(err))
			continue
		}
		c.metrics.generations.WithLabelValues(cfg.ID).Inc()
		g := &generation{Generation: gen, client: c, log: log, finished: make(chan struct{})}
		gen.Start(func(genCtx context.Context) { g.run(ctx, genCtx, handle) })
		<-g.finished
		if g.err != nil {
			return g.err
		}
	}
}

// waitForTopics returns when every topic exists: kafka-go joins a group for a topic that is not there and then never looks
// again. Its error is ctx's, or one that waiting does not mend.
func (c *Client) waitForTopics(ctx context.Context, log *zap.Logger, topics []string) error {
	for _, topic := range topics {
		said := false
		for {
			_, err := c.Partitions(ctx, topic)
			if err == nil {
				break
			}
			if lasting(err) {
				return err
			}
			if !said && ctx.Err() == nil {
				log.Warn("waiting for a topic", zap.String("topic", topic), zap.Error(err))
				said = true
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(joinPause):
			}
		}
	}
	return nil
}

// lasting tells whether joining again would meet err again. A member that was fenced just joins anew.
func lasting(err error) bool {
	return !Retriable(err) && !errors.Is(err, ErrFenced) && !errors.Is(err, context.Canceled)
}

// A generation runs the handlers of the partitions that one generation gave to this member.
type generation struct {
	*kafkago.Generation
	client *Client
	log    *zap.Logger
	// err is the first handler's lasting error; finished closes when all handlers have returned.
	err      error
	finished chan struct{}
}

// run ends when the generation is over and every handler has returned. kafka-go waits for it before it rejoins.
func (g *generation) run(ctx, genCtx context.Context, handle func(context.Context, *Claim) error) {
	defer close(g.finished)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(genCtx, cancel)()

	claims, err := g.claims(ctx)
	if err != nil {
		if ctx.Err() == nil {
			g.log.Warn("cannot read the committed offsets; joining again", zap.Error(err))
			g.pause(ctx)
		}
		return
	}
	g.log.Info("joined", zap.Int32("generation", g.ID), zap.Int("partitions", len(claims)))
	var handlers sync.WaitGroup
	var once sync.Once
	for _, claim := range claims {
		handlers.Go(func() {
			err := handle(ctx, claim)
			if err == nil || errors.Is(err, ErrFenced) || ctx.Err() != nil && errors.Is(err, ctx.Err()) {
				return
			}
			once.Do(func() {
				g.err = fmt.Errorf("%s/%d: %w", claim.Topic, claim.Partition, err)
				cancel()
			})
		})
	}
	handlers.Wait()
	<-ctx.Done() // a member without partitions stays in the group
}

func (g *generation) pause(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(joinPause):
	}
}

// claims reads offsets and metadata: kafka-go's generation knows the offsets only.
func (g *generation) claims(ctx context.Context) ([]*Claim, error) {
	partitions := make(map[string][]int32)
	for topic, assigned := range g.Assignments {
		for _, a := range assigned {
			partitions[topic] = append(partitions[topic], int32(a.ID))
		}
	}
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
				Topic: topic, Partition: p, Generation: g.ID, Offset: at.offset, Metadata: at.metadata,
				group: g.GroupID, member: g.MemberID, client: g.client,
			})
		}
	}
	return claims, nil
}

// Commit records offset and metadata for the claim's partition, synchronously, under its generation. ErrFenced means that the
// generation is over: the handler must stop and leave everything as it is. Passing faults are tried again for 5 s.
func (cl *Claim) Commit(ctx context.Context, offset int64, metadata string) error {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	pause := firstPause
	for {
		err := cl.commit(ctx, offset, metadata)
		result := "error"
		switch {
		case err == nil:
			result = "ok"
		case errors.Is(err, ErrFenced):
			result = "fenced"
		}
		cl.client.metrics.commits.WithLabelValues(cl.group, result).Inc()
		if err == nil {
			return nil
		}
		err = fmt.Errorf("commit %d of %s/%d for %s: %w", offset, cl.Topic, cl.Partition, cl.group, err)
		if !Retriable(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(pause):
		}
		pause = min(2*pause, maxPause)
	}
}

func (cl *Claim) commit(ctx context.Context, offset int64, metadata string) error {
	answer, err := cl.client.admin.OffsetCommit(ctx, &kafkago.OffsetCommitRequest{
		GroupID: cl.group, GenerationID: int(cl.Generation), MemberID: cl.member,
		Topics: map[string][]kafkago.OffsetCommit{cl.Topic: {{Partition: int(cl.Partition), Offset: offset, Metadata: metadata}}},
	})
	if err != nil {
		return explain(err)
	}
	for _, p := range answer.Topics[cl.Topic] {
		if p.Partition == int(cl.Partition) {
			return explain(p.Error)
		}
	}
	return errShort
}
