package waymarkctl

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/kafka/admin"
	"github.com/waymark-events/waymark/pkg/kafka/topicaudit"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/waymarkctl/internal/progress"
	"github.com/waymark-events/waymark/services/waymarkctl/internal/tail"
)

type topicsCommand struct {
	Apply applyCommand `cmd:"" help:"Create missing topics, add partitions, set what schemas/kafka/topics.yaml says."`
}

type topicFlags struct {
	ReplicationFactor int `help:"Copies of each partition; min.insync.replicas is kept below it. Default as in topics.yaml." placeholder:"N"`
	Partitions        int `help:"Partitions of the raw and enriched topics. Default as in topics.yaml." placeholder:"N"`
}

type applyCommand struct {
	Region string `help:"Only this region." placeholder:"R"`
	topicFlags
}

func (c *applyCommand) Run(env *environment) error {
	names, err := env.cfg.regions(c.Region)
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range names {
		if err := c.apply(env, name); err != nil {
			errs = append(errs, fmt.Errorf("region %s: %w", name, err))
		}
	}
	return inOneLine(errs...)
}

// inOneLine joins the errors of what was done side by side.
func inOneLine(errs ...error) error {
	if err := errors.Join(errs...); err != nil {
		return oneLine{err}
	}
	return nil
}

type oneLine struct{ error }

func (e oneLine) Error() string { return strings.ReplaceAll(e.error.Error(), "\n", "; ") }
func (e oneLine) Unwrap() error { return e.error }

// apply fixes a region's topics, each by itself: an error says what could not be done, the output what was.
func (f *topicFlags) apply(env *environment, region string) error {
	topics, err := schemas.Topics(region)
	if err != nil {
		return err
	}
	client, err := env.client(env.ctx, env.cfg.Regions[region])
	if err != nil {
		return err
	}
	defer client.Close()
	paired, err := pairedPartitions(env.ctx, client, region)
	if err != nil {
		return err
	}
	specs := make([]admin.TopicSpec, len(topics))
	for i, t := range topics {
		if f.ReplicationFactor > 0 {
			t.ReplicationFactor = f.ReplicationFactor
		}
		if isr, err := strconv.Atoi(t.Config["min.insync.replicas"]); err == nil && isr > max(1, t.ReplicationFactor-1) {
			t.Config["min.insync.replicas"] = strconv.Itoa(max(1, t.ReplicationFactor-1))
		}
		if t.Name == schemas.RawTopic(region) || t.Name == schemas.EnrichedTopic(region) {
			if f.Partitions > 0 {
				t.Partitions = f.Partitions
			}
			t.Partitions = max(t.Partitions, paired)
		}
		specs[i] = admin.TopicSpec{Name: t.Name, Partitions: t.Partitions, ReplicationFactor: t.ReplicationFactor, Config: t.Config}
	}
	changes, err := admin.ApplyTopics(env.ctx, client, specs)
	for _, change := range changes {
		fmt.Fprintf(env.stdout, "%s: %s %s\n", change.Topic, change.Action, change.Detail)
	}
	uses := make([]topicaudit.Use, len(specs))
	for i, spec := range specs {
		uses[i] = topicaudit.Use{Topic: spec.Name, BatchBytes: kafka.DefaultProducerConfig().MaxBatchBytes, Compacted: spec.Name == schemas.ErasuresTopic(region)}
	}
	doubts, doubtsErr := topicaudit.New(client, zap.NewNop(), uses...).Doubts(env.ctx)
	for _, doubt := range doubts {
		fmt.Fprintln(env.stdout, "doubtful:", doubt)
	}
	return inOneLine(err, doubtsErr)
}

// pairedPartitions is how many partitions the raw or the enriched topic has, whichever has more. They can only be added, and both must
// have the same number.
func pairedPartitions(ctx context.Context, client *kafka.Client, region string) (int, error) {
	most := 0
	for _, topic := range []string{schemas.RawTopic(region), schemas.EnrichedTopic(region)} {
		n, err := client.Partitions(ctx, topic)
		if err != nil && !errors.Is(err, kafka.ErrUnknownTopic) {
			return 0, err
		}
		most = max(most, n)
	}
	return most, nil
}

type tailCommand struct {
	Region    string `help:"The region." placeholder:"R"`
	Dead      bool   `help:"Dead records instead of enriched events. They hold the original record, personal data included."`
	FromStart bool   `help:"From the oldest record kept."`
	Follow    bool   `help:"Go on as more arrives." default:"true" negatable:""`
}

func (c *tailCommand) Run(env *environment) error {
	name, region, err := env.cfg.region(c.Region)
	if err != nil {
		return err
	}
	client, err := env.client(env.ctx, region)
	if err != nil {
		return err
	}
	defer client.Close()
	t := tail.Tail{
		Client: client, Topic: schemas.EnrichedTopic(name), FromStart: c.FromStart, Follow: c.Follow,
		Render: tail.EnrichedJSON, Out: env.stdout, Errors: env.stderr,
	}
	if c.Dead {
		t.Topic, t.Render = schemas.DeadTopic(name), tail.DeadJSON
	}
	return t.Run(env.ctx)
}

type lagCommand struct {
	Region string `help:"Only this region." placeholder:"R"`
}

// Run prints one line a partition and a sum for each consumer group.
func (c *lagCommand) Run(env *environment) error {
	names, err := env.cfg.regions(c.Region)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(env.stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(table, "GROUP\tTOPIC\tPARTITION\tCOMMITTED\tEND\tLAG")
	var errs []error
	for _, name := range names {
		if err := lagOf(env, table, name); err != nil {
			errs = append(errs, fmt.Errorf("region %s: %w", name, err))
		}
	}
	return inOneLine(append(errs, table.Flush())...)
}

// electionTime bounds the wait for a group's coordinator, which a cluster elects when it is first asked.
const electionTime = 10 * time.Second

func lagOf(env *environment, table *tabwriter.Writer, region string) error {
	client, err := env.client(env.ctx, env.cfg.Regions[region])
	if err != nil {
		return err
	}
	defer client.Close()
	passing := func(err error) bool { return kafka.Retriable(err) && !errors.Is(err, kafka.ErrUnknownTopic) }
	var errs []error
	for _, of := range []struct{ group, topic string }{
		{schemas.EnricherGroup(region), schemas.RawTopic(region)},
		{schemas.SinkGroup(region), schemas.EnrichedTopic(region)},
		{schemas.SinkGroup(region), schemas.DeadTopic(region)},
	} {
		var partitions []admin.PartitionLag
		err := until(env.ctx, electionTime, passing, func(ctx context.Context) (err error) {
			partitions, err = admin.Lag(ctx, client, of.group, of.topic)
			return err
		})
		if err != nil {
			errs = append(errs, fmt.Errorf("lag of %s on %s: %w", of.group, of.topic, err))
			continue // a topic that is missing hides no other
		}
		id, err := client.TopicID(env.ctx, of.topic)
		if err != nil {
			return fmt.Errorf("lag of %s on %s: %w", of.group, of.topic, err)
		}
		var total int64
		for _, p := range partitions {
			committed, lag := "-", p.Lag
			if log := progress.LogOf(p); log != uuid.Nil && log != id {
				lag = p.End - p.Start // it is of an earlier topic of that name: nothing of this one is read
			} else if p.Committed >= 0 {
				committed = strconv.FormatInt(p.Committed, 10)
			}
			fmt.Fprintf(table, "%s\t%s\t%d\t%s\t%d\t%d\n", of.group, of.topic, p.Partition, committed, p.End, lag)
			total += lag
		}
		fmt.Fprintf(table, "%s\t%s\tall\t\t\t%d\n", of.group, of.topic, total)
	}
	return inOneLine(errs...)
}
