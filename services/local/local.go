// Package local runs Waymark on one machine: the production services as they are, on an embedded Kafka and an embedded
// ClickHouse. It is for a first look, for demonstrations and for tests.
//
// Beside it: engines (the embedded ones, and Apache Kafka's own broker), demo (the traffic), history (traffic of days that are over), rigs (what measures, breaks and kills: chaos, load and
// what they are made of), kafkatest (either Kafka for a test, and the tests of pkg/kafka), e2e (what takes more than one program, a folder each).
package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/waymark-events/waymark/pkg/account"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/telemetry"
)

// Run runs everything until ctx ends: engines, then services, then, if wanted, traffic; then it stops them in the opposite
// order. What a person should see goes to out, the log to a file in cfg.Data. The error is one sentence for that person.
func Run(ctx context.Context, cfg Config, out io.Writer) error {
	p, err := Start(ctx, cfg)
	if err != nil {
		return err
	}
	screen := console{out, p}
	screen.greet()
	if cfg.Demo > 0 {
		err = screen.demo(ctx)
	} else {
		err = p.Wait(ctx)
	}
	fmt.Fprintf(out, "Stopping; what was accepted is kept in %s.\n", cfg.Data)
	return errors.Join(err, p.Stop())
}

// A Pipeline is a running edge, enrichers and sinks, and the engines below them.
type Pipeline struct {
	// Addresses are host:port of what listens.
	Addresses Addresses

	cfg       Config
	accounts  *account.Directory
	kafka     kafka.Config
	locations string // where locations come from, for a person
	doors     []io.Closer
	log       *zap.Logger
	closeLog  func() error
	stack     *stack
}

// Addresses say where the pipeline listens.
type Addresses struct{ Edge, Console, Kafka, ClickHouseNative, ClickHouseHTTP, Admin string }

// Start starts a pipeline and returns when every part of it is ready. ctx only bounds the start; Stop ends the pipeline.
func Start(ctx context.Context, cfg Config) (*Pipeline, error) {
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	p := &Pipeline{cfg: cfg, stack: newStack()}
	var err error
	if p.log, p.closeLog, err = fileLog(cfg.logFile()); err != nil {
		return nil, plain(err)
	}
	if err := p.start(ctx); err != nil {
		p.log.Error("start failed", zap.Error(err))
		// What stops because the start failed has nothing to add to the reason.
		_ = p.Stop()
		for _, door := range p.doors {
			door.Close() // whoever was given it may have closed it
		}
		return nil, err
	}
	return p, nil
}

func (p *Pipeline) start(ctx context.Context) error {
	// All ports first: the commonest failure should come before anything is made.
	door, err := listen("edge", p.cfg.Edge)
	if err != nil {
		return err
	}
	p.doors = append(p.doors, door)
	figures, err := listen("console", p.cfg.Console)
	if err != nil {
		return err
	}
	p.doors = append(p.doors, figures)
	admin, err := listen("admin", p.cfg.Admin)
	if err != nil {
		return err
	}
	p.doors = append(p.doors, admin)
	native, web, err := takePorts(p.cfg)
	if err != nil {
		return err
	}
	p.doors = append(p.doors, native, web)
	file, err := p.cfg.accountsFile()
	if err == nil {
		p.accounts, err = account.Read(file)
	}
	if err != nil {
		return err
	}
	p.cfg.Accounts = file
	metrics := newGatherers()
	tel := telemetry.Telemetry{Log: p.log, Health: new(telemetry.Health)}
	brokers, err := startKafka(ctx, p.stack, p.cfg, p.log)
	if err != nil {
		return err
	}
	if _, err := startClickHouse(ctx, p.stack, p.cfg, native, web, p.accounts, p.log); err != nil {
		return err
	}
	p.Addresses = Addresses{
		Edge: door.Addr().String(), Console: figures.Addr().String(), Kafka: brokers[0], ClickHouseNative: native.Addr(), ClickHouseHTTP: web.Addr(), Admin: admin.Addr().String(),
	}
	p.kafka = kafkaConfig(brokers)
	if err := p.startServices(ctx, door, tel, metrics); err != nil {
		return err
	}
	if err := p.startConsole(ctx, figures, tel, metrics); err != nil {
		return err
	}
	p.stack.start(ctx, "admin port", func(ctx context.Context) error {
		return telemetry.ServeAdmin(ctx, admin, telemetry.AdminHandler(tel.Health, metrics), p.log)
	})
	return p.ready(ctx, tel.Health)
}

// readyTimeout bounds the time from the start of the services to their readiness.
const readyTimeout = time.Minute

// ready waits until every service says so.
func (p *Pipeline) ready(ctx context.Context, health *telemetry.Health) error {
	ctx, cancel := context.WithTimeoutCause(ctx, readyTimeout, errors.New("the services did not become ready in time"))
	defer cancel()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for {
		err := health.Ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case failure := <-p.stack.failed:
			return failure
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		case <-look.C:
		}
	}
}

// Wait returns nil when ctx ends, or an error when a part of the pipeline fails.
func (p *Pipeline) Wait(ctx context.Context) error { return p.stack.wait(ctx) }

// Stop ends the pipeline: the edge answers what it was asked, the enrichers and then the sinks finish what they have in hand, the
// engines write to disk what they hold.
func (p *Pipeline) Stop() error {
	err := p.stack.stopTo(0)
	_ = p.log.Sync() // a file system that cannot sync has no more to say
	return errors.Join(err, p.closeLog())
}

// fileLog writes JSON lines to file, behind what is there.
func fileLog(file string) (*zap.Logger, func() error, error) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("open the log: %w", err)
	}
	encoder := zap.NewProductionEncoderConfig()
	encoder.TimeKey = "time"
	encoder.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	encoder.EncodeDuration = zapcore.StringDurationEncoder
	core := zapcore.NewCore(zapcore.NewJSONEncoder(encoder), f, zapcore.InfoLevel)
	core = zapcore.NewSamplerWithOptions(core, time.Second, 100, 100)
	return zap.New(core), f.Close, nil
}
