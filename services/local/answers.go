package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"go.uber.org/zap"

	"github.com/waymark-events/waymark/services/local/demo"
	"github.com/waymark-events/waymark/services/local/history"
	"github.com/waymark-events/waymark/services/local/rigs/answers"
)

// runAnswers measures how long the views take, in a folder of its own, or in the one that --data names, which is kept: the next run finds the events there.
func runAnswers(ctx context.Context, cfg Config, out io.Writer) (err error) {
	if cfg.Events == 0 {
		cfg.Events = 50_000_000
	}
	if cfg.Data == DefaultConfig().Data {
		if cfg.Data, err = os.MkdirTemp("", "waymark-answers-"); err != nil {
			return fmt.Errorf("make a folder: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(cfg.Data)) }()
	} else if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	cfg.ClickHouseNative, cfg.ClickHouseHTTP = "127.0.0.1:0", "127.0.0.1:0"
	file, err := cfg.accountsFile()
	if err != nil {
		return err
	}
	log, closeLog, err := fileLog(cfg.logFile())
	if err != nil {
		return plain(err)
	}
	defer func() { err = errors.Join(err, closeLog()) }()
	s := newStack()
	defer func() { err = errors.Join(err, s.stopTo(0)) }()
	native, web, err := takePorts(cfg)
	if err != nil {
		return err
	}
	engine, err := startClickHouse(ctx, s, cfg, native, web, nil, log)
	if err != nil {
		return err
	}
	p := &Pipeline{cfg: cfg}
	p.cfg.Accounts = file
	const region = "us"
	enriching, err := p.enricherConfig(region)
	if err != nil {
		return err
	}
	house := clickhouseConfig(native.Addr(), region)
	house.RequestTimeout = 30 * time.Minute // a statement that makes a million events
	return answers.Run(ctx, answers.Config{
		ClickHouse: house, HTTP: web.Addr(), Pid: engine.Pid(), Dir: filepath.Join(cfg.Data, "clickhouse"),
		History: history.Options{
			Past: demo.HistoryOptions{
				Seed: cfg.Seed, Until: time.Now().UTC().Truncate(24 * time.Hour), Days: 30, Events: seedEvents, Accounts: []demo.Account{{ID: "demo-us"}},
			},
			Enricher: enriching, ClickHouse: house, Log: zap.NewNop(),
		},
		Sizes: sizes(cfg.Events),
	}, out)
}

// sizes are the numbers of events to measure with, up to most.
func sizes(most int) (out []int) {
	for _, n := range []int{1_000_000, 10_000_000, 50_000_000} {
		if n < most {
			out = append(out, n)
		}
	}
	return append(out, most)
}
