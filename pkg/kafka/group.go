package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/kafka/internal/cluster"
	"github.com/waymark-events/waymark/pkg/retry"
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
	// joinPause and lastJoinPause bound the pause before a member joins again by its own will, and after an error.
	joinPause     = time.Second
	lastJoinPause = 10 * time.Second
	// hurried is how many generations in a row may end early by other members' coming and going before a member takes its time, up to
	// lastHurry: a deployment makes several, a storm of rebalances makes them for ever.
	hurried    = 4
	firstHurry = 200 * time.Millisecond
	lastHurry  = 5 * time.Second
	// settled is how long a generation must live to end a row of early ends.
	settled = 10 * time.Second
	// topicsWatch is how often the leader compares the topics with what it assigned; it acts when two looks agree.
	topicsWatch = 2 * time.Second
	// leaveTimeout bounds the last request of a member: what it does not say, its session's end does.
	leaveTimeout = 3 * time.Second
)

// balancer shares out the partitions as kafka-go's ConsumerGroup does, so that members of either kind can be in one group.
var balancer kafkago.RangeGroupBalancer

// RunGroup joins the group and calls handle once for each partition it is given, in each generation, each in a goroutine of
// its own. handle's context ends when the generation or ctx does; it then has until RebalanceTimeout to finish, and may still
// commit. The next generation is joined when all have returned. A handler that returns nil early leaves its partition
// unserved until the next generation; one that returns ErrClaimEnded has the member join again after a pause.
//
// A topic that is not there keeps nobody from the others: the group is joined for those that are, and again when the rest appears. Topics
// that go, come, grow or are made anew start a generation too, within seconds.
//
// RunGroup returns nil when ctx has ended, and the error of the first handler that returned one other than its context's,
// ErrFenced or ErrClaimEnded. Lost coordinators and the like are logged and joined again; what only an operator can fix, such as a
// missing right, is returned. CheckGroups tells meanwhile whether it gets on.
//
// kafka-go's ConsumerGroup is not used: one missing topic has its leader assign nothing at all, it asks for topics in a way that has
// brokers create them, it joins without a pause when generations end at once, and it cannot be called off while it joins.
func (c *Client) RunGroup(ctx context.Context, cfg GroupConfig, handle func(ctx context.Context, claim *Claim) error) error {
	m := &membership{
		client: c, cfg: cfg, log: c.log.With(zap.String("group", cfg.ID)), standing: c.standings.open(cfg),
	}
	m.settle()
	defer c.standings.close(m.standing)
	defer m.leave(ctx)
	for ctx.Err() == nil {
		if err := m.round(ctx, handle); err != nil && (ctx.Err() == nil || !errors.Is(err, ctx.Err())) {
			return err
		}
	}
	return nil
}

// A membership is this process in a group, over all generations.
type membership struct {
	client   *Client
	cfg      GroupConfig
	log      *zap.Logger
	standing *standing
	// id is what the coordinator calls this member; empty before the first join and after it was forgotten.
	id string
	// again grows while generations end early by this member's will, or cannot be joined.
	again retry.Backoff
	// early counts the generations in a row that others ended early; hurry is the pause after them.
	early int
	hurry retry.Backoff
	// missing is what was said to be missing last.
	missing string
}

// round lasts from one generation's end to the next one's. Its error is not for another round to fix.
func (m *membership) round(ctx context.Context, handle func(context.Context, *Claim) error) error {
	if err := m.waitForTopics(ctx); err != nil {
		return fmt.Errorf("join %s: %w", m.cfg.ID, err)
	}
	g, err := m.join(ctx)
	switch {
	case errors.Is(err, kafkago.RebalanceInProgress): // others came or went between joining and syncing
		return m.keepUp(ctx)
	case err != nil:
		return m.joinFailed(ctx, err)
	}
	m.log.Info("joined", zap.Int32("generation", g.ID), zap.Int("partitions", g.partitions()))
	m.client.metrics.generations.WithLabelValues(m.cfg.ID).Inc()
	if err := g.run(ctx, handle); err != nil {
		return err
	}
	switch {
	case time.Since(g.since) >= settled:
		m.settle()
	case !g.left.Load(): // otherwise it has paused already, while the other partitions were served
		return m.keepUp(ctx)
	}
	return nil
}

// waitForTopics returns when at least one topic exists. Its error is ctx's, or one that waiting does not fix. While it waits this is no
// member: nobody else has anything to do either.
func (m *membership) waitForTopics(ctx context.Context) error {
	pause := retry.Backoff{First: joinPause, Last: 2 * joinPause}
	for said := false; ; {
		seen, err := m.look(ctx, m.cfg.Topics)
		var missing []string
		for _, topic := range m.cfg.Topics {
			if err == nil && seen[topic].partitions == 0 {
				missing = append(missing, topic)
			}
		}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			m.lacks(missing)
			if len(missing) < len(m.cfg.Topics) {
				return nil
			}
			m.leave(ctx)
			m.standing.failed(fmt.Errorf("waiting for %s: %w", strings.Join(missing, " and "), ErrUnknownTopic))
		case permanent(err):
			return err
		default:
			if !said {
				m.log.Warn("cannot look for the group's topics; trying again", zap.Error(err))
				said = true
			}
			m.standing.failed(err)
		}
		if err := pause.Wait(ctx); err != nil {
			return err
		}
	}
}

// lacks notes which topics are missing, and says it once.
func (m *membership) lacks(missing []string) {
	m.standing.lacks(missing)
	if now := strings.Join(missing, " and "); now != m.missing {
		m.missing = now
		switch {
		case len(missing) == len(m.cfg.Topics):
			m.log.Warn("waiting for topics", zap.Strings("topics", missing), zap.Error(ErrUnknownTopic))
		case len(missing) > 0:
			m.log.Warn("topics are missing; the others are served without them", zap.Strings("topics", missing), zap.Error(ErrUnknownTopic))
		}
	}
}

// A topicState is what a generation's assignment rests on; another state of the topic asks for another generation. It is
// comparable.
type topicState struct {
	// partitions is 0 where there is no such topic.
	partitions int
}

// look returns the state of each topic. An error says nothing about any topic.
func (m *membership) look(ctx context.Context, topics []string) (map[string]topicState, error) {
	out := make(map[string]topicState, len(topics))
	for _, topic := range topics {
		n, err := m.client.Partitions(ctx, topic)
		if err != nil && !errors.Is(err, ErrUnknownTopic) {
			return nil, err
		}
		out[topic] = topicState{partitions: n}
	}
	return out, nil
}

// join joins the next generation. The leader of the group shares out what exists.
func (m *membership) join(ctx context.Context) (*generation, error) {
	joined, err := m.enter(ctx)
	if err != nil {
		return nil, err
	}
	g := &generation{
		membership: m, ID: joined.generation, GroupID: m.cfg.ID, MemberID: joined.member, since: time.Now(), joined: joined,
	}
	var all kafkago.GroupMemberAssignments
	if joined.leader {
		if g.assignedFrom, err = m.look(ctx, topicsOf(joined.members)); err != nil {
			return nil, fmt.Errorf("look at the topics to share out: %w", err)
		}
		all = balancer.AssignGroups(joined.members, partitionsOf(g.assignedFrom))
	}
	syncCtx, cancel := context.WithTimeout(ctx, m.cfg.SessionTimeout+m.client.cfg.RequestTimeout)
	defer cancel()
	if g.Assignments, err = m.client.syncGroup(syncCtx, m.cfg.ID, joined, all); err != nil {
		return nil, err
	}
	m.standing.heard(g.since)
	return g, nil
}

// enter waits until the group's members have gathered. An id that the coordinator does not know, after it restarted without its log or
// after this member was silent for a session, is replaced.
func (m *membership) enter(ctx context.Context) (joined, error) {
	ctx, cancel := context.WithTimeout(ctx, m.cfg.RebalanceTimeout+m.client.cfg.RequestTimeout)
	defer cancel()
	for {
		joined, err := m.client.joinGroup(ctx, m.cfg, m.id)
		switch {
		case errors.Is(err, kafkago.MemberIDRequired) && joined.member != m.id:
			m.id = joined.member
		case errors.Is(err, kafkago.UnknownMemberId) && m.id != "":
			m.id = ""
		case err != nil:
			return joined, err
		default:
			m.id = joined.member
			return joined, nil
		}
	}
}

func topicsOf(members []kafkago.GroupMember) []string {
	var out []string
	for _, member := range members {
		out = append(out, member.Topics...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func partitionsOf(topics map[string]topicState) []kafkago.Partition {
	var out []kafkago.Partition
	for topic, state := range topics {
		for p := range state.partitions {
			out = append(out, kafkago.Partition{Topic: topic, ID: p})
		}
	}
	return out
}

// joinFailed reports err and pauses, or returns err when joining again would meet it again.
func (m *membership) joinFailed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	switch err = cluster.Explain(err); {
	case errors.Is(err, kafkago.InvalidSessionTimeout):
		return fmt.Errorf("join %s: the brokers' group.min.session.timeout.ms and group.max.session.timeout.ms do not allow a session_timeout of %s: %w",
			m.cfg.ID, m.cfg.SessionTimeout, err)
	case errors.Is(err, kafkago.InconsistentGroupProtocol):
		return fmt.Errorf("join %s: the group has members that are not Waymark's, of another assignor or the protocol of KIP-848; stop them: %w", m.cfg.ID, err)
	case permanent(err):
		return fmt.Errorf("join %s: %w", m.cfg.ID, err)
	}
	m.log.Warn("cannot join the group; trying again", zap.Error(err))
	m.standing.failed(err)
	return m.again.Wait(ctx)
}

// keepUp follows what other members do at once, and slower when they do not settle.
func (m *membership) keepUp(ctx context.Context) error {
	if m.early++; m.early > hurried {
		return m.hurry.Wait(ctx)
	}
	return ctx.Err()
}

// settle forgets what went wrong: the next pauses are short again.
func (m *membership) settle() {
	m.again = retry.Backoff{First: joinPause, Last: lastJoinPause}
	m.early, m.hurry = 0, retry.Backoff{First: firstHurry, Last: lastHurry}
}

// leave tells the coordinator that this member is gone, so that the others need not wait for its session's end.
func (m *membership) leave(ctx context.Context) {
	if m.id == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTimeout)
	defer cancel()
	if err := m.client.leaveGroup(ctx, m.cfg.ID, m.id); err != nil && !errors.Is(err, kafkago.UnknownMemberId) {
		m.log.Info("could not leave the group; its members wait until the session ends", zap.Error(err))
	}
	m.id = ""
}

// permanent tells whether joining again would meet err again. A member that was fenced just joins anew.
func permanent(err error) bool {
	return !Retriable(err) && !errors.Is(err, ErrFenced) && !errors.Is(err, context.Canceled)
}
