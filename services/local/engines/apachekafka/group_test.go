//go:build apachekafka

package apachekafka_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/kafka/admin"
	"github.com/waymark-events/waymark/services/local/engines/apachekafka"
)

// A group's state is in a replicated log: the broker that takes over knows the members, whose generation goes on.
func TestAGenerationOutlivesItsCoordinator(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cluster := apachekafka.Start(t, 3)
	client, err := kafka.NewClient(kafka.Config{Brokers: cluster.Brokers()}, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := admin.ApplyTopics(ctx, client, []admin.TopicSpec{{Name: "t", Partitions: 1, ReplicationFactor: 3}}); err != nil {
		t.Fatal(err)
	}
	cfg := kafka.DefaultGroupConfig()
	cfg.ID, cfg.Topics, cfg.SessionTimeout = "g", []string{"t"}, 30*time.Second
	err = client.RunGroup(ctx, cfg, func(ctx context.Context, claim *kafka.Claim) error {
		if err := claim.Commit(ctx, 1, "before"); err != nil {
			return err
		}
		cluster.Kill(coordinator(ctx, t, cluster, "g") - 1)
		for {
			err := claim.Commit(ctx, 2, "after")
			switch {
			case err == nil:
				return errDone
			case errors.Is(err, kafka.ErrFenced), ctx.Err() != nil:
				return fmt.Errorf("the generation ended with its coordinator: %w", errors.Join(errLost, err))
			}
		}
	})
	if !errors.Is(err, errDone) {
		t.Errorf("got %v", err)
	}
}

var (
	errDone = errors.New("done")
	errLost = errors.New("lost")
)

// coordinator is the id of the node that coordinates group.
func coordinator(ctx context.Context, t *testing.T, cluster *apachekafka.Cluster, group string) int {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.Brokers()...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	req := kmsg.NewPtrFindCoordinatorRequest()
	req.CoordinatorKey, req.CoordinatorKeys = group, []string{group}
	answer, err := req.RequestWith(ctx, client)
	if err != nil {
		t.Fatal(err)
	}
	if len(answer.Coordinators) > 0 {
		return int(answer.Coordinators[0].NodeID)
	}
	return int(answer.NodeID)
}
