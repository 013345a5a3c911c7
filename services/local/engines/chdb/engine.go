package chdb

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"go.uber.org/zap"
)

// minFreeBytes is the room the engine must find on disk to start: below it, merges and inserts fail one after the other.
const minFreeBytes = 64 << 20

// Engine is a ClickHouse in a process of its own. Its methods are for one goroutine at a time, but for Native and HTTP.
type Engine struct {
	cfg     Config
	lock    *os.File
	process *process
}

// Start starts ClickHouse and returns when its handlers answer. The error is one sentence for the user: the library is missing or
// unfit, the folder is another process's or cannot be written, the disk is full. The ports are the engine's in any case.
func Start(ctx context.Context, cfg Config) (*Engine, error) {
	e, err := prepare(cfg)
	if err != nil {
		return nil, errors.Join(err, cfg.Native.Close(), cfg.HTTP.Close())
	}
	if err := e.Restart(ctx); err != nil {
		return nil, errors.Join(err, e.release())
	}
	return e, nil
}

func prepare(cfg Config) (_ *Engine, err error) {
	if _, err := os.Stat(cfg.Library); err != nil {
		return nil, fmt.Errorf("libchdb is not there (run `make libchdb`, or set LIBCHDB): %w", err)
	}
	if cfg.Dir, err = filepath.Abs(cfg.Dir); err != nil {
		return nil, fmt.Errorf("ClickHouse's data folder: %w", err)
	}
	if cfg.Log == "" {
		cfg.Log = filepath.Join(cfg.Dir, "clickhouse.log")
	}
	if cfg.Log, err = filepath.Abs(cfg.Log); err != nil {
		return nil, fmt.Errorf("ClickHouse's log: %w", err)
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make ClickHouse's data folder: %w", err)
	}
	lock, err := lockDir(cfg.Dir)
	if err != nil {
		return nil, err
	}
	return &Engine{cfg: cfg, lock: lock}, nil
}

// Restart starts the engine again, on the same folder and ports, after it has ended.
func (e *Engine) Restart(ctx context.Context) error {
	if free, err := freeBytes(e.cfg.Dir); err != nil {
		return err
	} else if free < minFreeBytes {
		return fmt.Errorf("the disk of ClickHouse's data folder %s is full: %d MiB are free, %d are needed", e.cfg.Dir, free>>20, minFreeBytes>>20)
	}
	if err := e.cfg.write(); err != nil {
		return fmt.Errorf("write ClickHouse's settings: %w", err)
	}
	p, err := spawn(e.cfg, e.lock)
	if err != nil {
		return fmt.Errorf("start ClickHouse: %w", err)
	}
	if err := e.awaitReady(ctx, p); err != nil {
		p.kill()
		return err
	}
	e.process = p
	return nil
}

// readyTimeout bounds a start: of a folder with many parts, on a slow disk.
const readyTimeout = 2 * time.Minute

func (e *Engine) awaitReady(ctx context.Context, p *process) error {
	ctx, cancel := context.WithTimeoutCause(ctx, readyTimeout, fmt.Errorf("it is not ready after %s", readyTimeout))
	defer cancel()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case <-p.ended:
			return p.failure("ClickHouse does not start")
		case <-ctx.Done():
			return p.because(fmt.Errorf("ClickHouse does not start: %w", context.Cause(ctx)))
		case <-look.C:
		}
		// A refused listener is told at the prompt, and the process goes on.
		if p.said.exception() != "" {
			return p.because(errors.New("ClickHouse does not start"))
		}
		if e.answers(ctx) {
			return nil
		}
	}
}

// answers tells whether both handlers are there.
func (e *Engine) answers(ctx context.Context) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+e.HTTP()+"/ping", nil)
	if err != nil {
		return false
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	resp.Body.Close()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", e.Native())
	if err != nil {
		return false
	}
	conn.Close()
	return resp.StatusCode == http.StatusOK
}

// Native is host:port of the native protocol.
func (e *Engine) Native() string { return e.cfg.Native.Addr() }

// HTTP is host:port of the HTTP interface.
func (e *Engine) HTTP() string { return e.cfg.HTTP.Addr() }

// Pid is the engine's process.
func (e *Engine) Pid() int { return e.process.cmd.Process.Pid }

// Signal sends s to the engine: SIGSTOP and SIGCONT among others.
func (e *Engine) Signal(s syscall.Signal) error { return e.process.cmd.Process.Signal(s) }

// Kill ends the engine as kill -9 does and waits until it is gone. Restart starts it again.
func (e *Engine) Kill() { e.process.kill() }

// Configure changes users and settings, which the next Restart reads.
func (e *Engine) Configure(users, server string) { e.cfg.Users, e.cfg.Server = users, server }

// Stop ends the engine in order and gives back its folder and its ports.
func (e *Engine) Stop() error {
	e.process.stop()
	return e.release()
}

func (e *Engine) release() error {
	return errors.Join(e.lock.Close(), e.cfg.Native.Close(), e.cfg.HTTP.Close())
}

// What Keep bears: so many deaths, none of them calmPeriod after the one before.
const (
	maxDeaths  = 5
	calmPeriod = time.Minute
	firstPause = 200 * time.Millisecond
)

// Keep starts the engine again whenever it dies, until ctx ends; then it stops it. The rows are safe, so a death is only a pause
// for those who use the engine; but one that dies again and again is an error.
func (e *Engine) Keep(ctx context.Context, log *zap.Logger) error {
	deaths, pause, since := 0, firstPause, time.Now()
	for {
		select {
		case <-ctx.Done():
			return e.Stop()
		case <-e.process.ended:
		}
		err := e.process.failure("ClickHouse ended by itself")
		for err != nil {
			if time.Since(since) > calmPeriod {
				deaths, pause = 0, firstPause
			}
			since = time.Now()
			if deaths++; deaths == maxDeaths {
				return errors.Join(fmt.Errorf("ClickHouse died %d times in a row; its log is %s: %w", deaths, e.cfg.Log, err), e.release())
			}
			log.Warn("ClickHouse died and is started again", zap.Error(err), zap.Int("deaths", deaths), zap.Duration("pause", pause))
			select {
			case <-ctx.Done():
				return e.release()
			case <-time.After(pause):
			}
			pause *= 2
			err = e.Restart(ctx)
			if ctx.Err() != nil && err != nil {
				return e.release()
			}
		}
	}
}
