package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"go.uber.org/zap"
)

// runKafka is the embedded Kafka alone, with every region's topics.
func runKafka(ctx context.Context, cfg Config, out io.Writer) error {
	return alone(ctx, cfg, func(s *stack, log *zap.Logger) error {
		brokers, err := startKafka(ctx, s, cfg, log)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "Kafka is ready on %s; Ctrl-C ends it.\n", brokers[0])
		return nil
	})
}

// runClickHouse is the embedded ClickHouse alone, with every region's tables.
func runClickHouse(ctx context.Context, cfg Config, out io.Writer) error {
	return alone(ctx, cfg, func(s *stack, log *zap.Logger) error {
		native, web, err := takePorts(cfg)
		if err != nil {
			return err
		}
		if _, err := startClickHouse(ctx, s, cfg, native, web, nil, log); err != nil {
			return err
		}
		fmt.Fprintf(out, "ClickHouse is ready on http://%s and native %s; Ctrl-C ends it.\n", web.Addr(), native.Addr())
		return nil
	})
}

// alone runs what start puts on the stack until ctx ends.
func alone(ctx context.Context, cfg Config, start func(*stack, *zap.Logger) error) (err error) {
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	log, closeLog, err := fileLog(cfg.logFile())
	if err != nil {
		return plain(err)
	}
	s := newStack()
	if err = start(s, log); err == nil {
		err = s.wait(ctx)
	}
	return errors.Join(err, s.stopTo(0), closeLog())
}
