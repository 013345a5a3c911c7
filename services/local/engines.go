package local

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/account"
	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/kafka/admin"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/local/engines/broker"
	"github.com/waymark-events/waymark/services/local/engines/chdb"
)

// startKafka starts the embedded broker on the stack, unless cfg names brokers, and makes the topics of every region. It returns
// the brokers' addresses.
func startKafka(ctx context.Context, s *stack, cfg Config, log *zap.Logger) ([]string, error) {
	brokers := cfg.Brokers
	if len(brokers) == 0 {
		settings := broker.Config{Address: cfg.Kafka, DataDir: filepath.Join(cfg.Data, "kafka")}
		if cfg.KafkaAdvertised != "" {
			settings.Advertise = func(string) (string, error) { return cfg.KafkaAdvertised, nil }
		}
		b, err := broker.Start(settings)
		if err != nil {
			return nil, plain(err)
		}
		s.start(ctx, "Kafka", func(ctx context.Context) error {
			b.Keep(ctx)
			b.Close()
			return ctx.Err()
		})
		brokers = []string{b.Address()}
	}
	if err := createTopics(ctx, brokers, log); err != nil {
		return nil, fmt.Errorf("create Kafka's topics: %w", err)
	}
	return brokers, nil
}

// createTopics makes the topics of schemas/kafka/topics.yaml as one broker can have them, with all their partitions: were there fewer, "waymarkctl setup" would
// add some to a demo that runs, visitors would move to other partitions, and what a client repeats would be stored twice.
func createTopics(ctx context.Context, brokers []string, log *zap.Logger) (err error) {
	client, err := kafka.NewClient(kafkaConfig(brokers), log, prometheus.NewRegistry())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	for _, region := range Regions {
		topics, err := schemas.Topics(region)
		if err != nil {
			return err
		}
		var specs []admin.TopicSpec
		for _, t := range topics {
			t.Config["min.insync.replicas"] = "1"
			specs = append(specs, admin.TopicSpec{Name: t.Name, Partitions: t.Partitions, ReplicationFactor: 1, Config: t.Config})
		}
		if _, err := admin.ApplyTopics(ctx, client, specs); err != nil {
			return err
		}
	}
	return nil
}

func kafkaConfig(brokers []string) kafka.Config {
	cfg := kafka.DefaultConfig()
	cfg.Brokers = brokers
	return cfg
}

// rightsAsServers is what the configuration of ClickHouse's packages and images says of system tables: rights are needed for most.
const rightsAsServers = `<access_control_improvements>
  <select_from_system_db_requires_grant>true</select_from_system_db_requires_grant>
  <select_from_information_schema_requires_grant>true</select_from_information_schema_requires_grant>
</access_control_improvements>`

// startClickHouse starts the embedded ClickHouse on the stack, with the readers of accounts, and brings the database of every region up to date.
func startClickHouse(ctx context.Context, s *stack, cfg Config, native, web *chdb.Port, accounts *account.Directory, log *zap.Logger) (*chdb.Engine, error) {
	library, err := chdb.Find(npmFolders()...)
	if err != nil {
		return nil, err
	}
	readers, err := readersFile(accounts)
	if err != nil {
		return nil, err
	}
	engine, err := chdb.Start(ctx, chdb.Config{
		Library: library, Dir: filepath.Join(cfg.Data, "clickhouse"), Log: filepath.Join(cfg.Data, "clickhouse.log"), Native: native, HTTP: web,
		MoreUsers: readers, Server: rightsAsServers,
	})
	if err != nil {
		return nil, plain(err)
	}
	s.start(ctx, "ClickHouse", func(ctx context.Context) error {
		err := engine.Keep(ctx, log)
		if err == nil {
			err = ctx.Err()
		}
		return err
	})
	for _, region := range Regions {
		if _, err := clickhouse.Migrate(ctx, clickhouseConfig(native.Addr(), region), clickhouse.Tables{}, schemas.Migrations()); err != nil {
			return nil, fmt.Errorf("bring ClickHouse's tables up to date: %w", err)
		}
	}
	return engine, nil
}

func clickhouseConfig(address, region string) clickhouse.Config {
	cfg := clickhouse.DefaultConfig()
	cfg.Addresses, cfg.Database = []string{address}, Database(region)
	return cfg
}

// listen takes an address for what a flag names.
func listen(flag, address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	return l, taken(flag, address, err)
}

// takePorts takes the addresses that ClickHouse is to listen on.
func takePorts(cfg Config) (native, web *chdb.Port, err error) {
	if native, err = chdb.Take(cfg.ClickHouseNative); err != nil {
		return nil, nil, taken("clickhouse-native", cfg.ClickHouseNative, err)
	}
	if web, err = chdb.Take(cfg.ClickHouseHTTP); err != nil {
		return nil, nil, errors.Join(taken("clickhouse-http", cfg.ClickHouseHTTP, err), native.Close())
	}
	return native, web, nil
}

// taken says which flag's address cannot be had.
func taken(flag, address string, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s is in use by another process: end it, or choose another address with --%s", address, flag)
	}
	if err != nil {
		return fmt.Errorf("--%s: %w", flag, err)
	}
	return nil
}

// plain says in words what the operating system's errors mean here.
func plain(err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("the disk is full: %w", err)
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("the data folder cannot be written: %w", err)
	}
	return err
}
