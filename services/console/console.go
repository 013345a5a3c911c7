// Package console serves the page where an account's people see what their figures are, and the interface below it, which scripts may ask, too. API.md
// describes that interface.
//
// It only reads: ClickHouse by the views of schemas/clickhouse, each question one of them (internal/question), and, where they are configured, Kafka's
// offsets and the edges' counters. Who asks, and of which accounts, is internal/access; that nobody's question reaches another's account is kept
// by its parameter {account:String}, which is checked against the user's own before anything is asked, and, for people's own SQL, by ClickHouse's own users
// (internal/box).
package console

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"sync/atomic"
	"syscall"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/waymark-events/waymark/pkg/account"
	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/process"
	"github.com/waymark-events/waymark/pkg/retry"
	"github.com/waymark-events/waymark/pkg/telemetry"
	"github.com/waymark-events/waymark/services/console/internal/access"
	"github.com/waymark-events/waymark/services/console/internal/api"
	"github.com/waymark-events/waymark/services/console/internal/ask"
	"github.com/waymark-events/waymark/services/console/internal/box"
	"github.com/waymark-events/waymark/services/console/internal/live"
	"github.com/waymark-events/waymark/services/console/internal/page"
	"github.com/waymark-events/waymark/services/console/internal/state"
	"github.com/waymark-events/waymark/services/console/web"
)

// filesInterval is how often the accounts file and the users file are looked at.
const filesInterval = 2 * time.Second

// Live streams.
const (
	streamTime = time.Hour
	heartbeat  = 15 * time.Second
)

// Run serves until ctx ends, then for timeouts.leave as one that is not ready, stops accepting, answers the requests under way, and returns nil. It is ready
// without ClickHouse, too: its page says better than a proxy's error what is the matter.
func Run(ctx context.Context, cfg Config, tel telemetry.Telemetry) (err error) {
	var listening atomic.Bool
	tel.Health.Check("console", func(context.Context) error {
		if !listening.Load() {
			return errors.New("not listening yet")
		}
		return nil
	})
	accounts, err := account.Open(cfg.Accounts, tel.Log, tel.Registry)
	if err != nil {
		return err
	}
	users, err := access.Open(cfg.Users, tel.Log, tel.Registry)
	if err != nil {
		return err
	}
	if cfg.UserList != nil {
		if users, err = users.With(cfg.UserList); err != nil {
			return err
		}
	}
	gate, err := access.NewGate(cfg.SignIn, users)
	if err != nil {
		return err
	}
	places, err := openRegions(cfg, tel)
	defer func() { err = errors.Join(err, places.close()) }()
	if err != nil {
		return err
	}
	asker, err := ask.New(places.conns, cfg.ask(), tel.Registry)
	if err != nil {
		return err
	}
	sql := box.New(places.settings, users)
	defer func() { err = errors.Join(err, sql.Close()) }()
	files, err := fs.Sub(web.Dist, "dist")
	if err != nil {
		return err
	}
	pages, err := page.New(files)
	if err != nil {
		return err
	}
	handler, err := api.New(api.Dependencies{
		Gate: gate, Accounts: accounts, Asker: asker, Box: sql, Feeds: live.New(places.conns), Regions: places.regions, Page: pages, Version: process.Version,
		Log: tel.Log, Registry: tel.Registry,
	}, api.Settings{SQLTime: cfg.Limits.SQLTime, Streams: cfg.Limits.Streams, UserStreams: cfg.Limits.UserStreams, StreamTime: streamTime, Heartbeat: heartbeat})
	if err != nil {
		return err
	}
	listener, err := listen(ctx, cfg)
	if err != nil {
		return err
	}
	listening.Store(true)
	tel.Log.Info("serving", zap.Stringer("address", listener.Addr()), zap.String("sign_in", string(cfg.SignIn.Mode)))
	if cfg.SignIn.Mode == ModeOpen && !isLoopback(listener.Addr()) {
		tel.Log.Warn("whoever reaches this address sees every account: sign_in.mode open is for trials on one machine")
	}
	return serve(ctx, cfg, handler, listener, []watcher{accounts, users}, tel)
}

// A watcher looks at a file until ctx ends.
type watcher interface {
	Watch(ctx context.Context, interval time.Duration)
}

func serve(ctx context.Context, cfg Config, handler *api.API, listener net.Listener, files []watcher, tel telemetry.Telemetry) error {
	// There is no ReadTimeout: it would end the requests that wait for ClickHouse, by their connections' reads. Bodies have one of their own.
	server := &http.Server{
		Handler: handler.Handler(), ReadHeaderTimeout: cfg.Timeouts.ReadHeader, IdleTimeout: cfg.Timeouts.Idle, MaxHeaderBytes: 32 << 10,
		// A question waits its turn and for ClickHouse, then its answer is sent; a stream sets its own.
		WriteTimeout: 2*cfg.Limits.Wait + max(cfg.Limits.QueryTime, cfg.Limits.SQLTime) + 30*time.Second, ErrorLog: telemetry.ServerLog(tel.Log),
	}
	group, groupCtx := errgroup.WithContext(ctx)
	for _, file := range files {
		group.Go(func() error {
			file.Watch(groupCtx, filesInterval)
			return nil
		})
	}
	group.Go(func() error {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve: %w", err)
		}
		return nil
	})
	group.Go(func() error {
		<-groupCtx.Done()
		tel.Health.Fail(errors.New("stopping"))
		if ctx.Err() != nil { // asked to end; otherwise something failed, and nobody is served
			_ = retry.Pause(context.WithoutCancel(ctx), cfg.Timeouts.Leave)
		}
		handler.End()
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), cfg.Timeouts.Drain)
		defer cancel()
		if err := server.Shutdown(grace); err != nil {
			tel.Log.Warn("requests under way were cut off", zap.Error(err))
			return server.Close()
		}
		return nil
	})
	return group.Wait()
}

func listen(ctx context.Context, cfg Config) (net.Listener, error) {
	if cfg.Listener != nil {
		return cfg.Listener, nil
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.Listen)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("listen: %s is in use by another process", cfg.Listen)
	case err != nil:
		return nil, fmt.Errorf("listen: %w", err)
	}
	return listener, nil
}

func isLoopback(addr net.Addr) bool {
	tcp, is := addr.(*net.TCPAddr)
	return is && tcp.IP.IsLoopback()
}

// places are the regions' databases, and what else tells of them.
type places struct {
	conns    map[string]*clickhouse.Conn
	settings map[string]clickhouse.Config
	regions  map[string]state.Region
	kafkas   []*kafka.Client
}

// openRegions contacts nobody yet. What it returns is to be closed after an error, too.
func openRegions(cfg Config, tel telemetry.Telemetry) (places, error) {
	p := places{make(map[string]*clickhouse.Conn), make(map[string]clickhouse.Config), make(map[string]state.Region), nil}
	for name, region := range cfg.Regions {
		conn, err := clickhouse.Open(region.ClickHouse)
		if err != nil {
			return p, fmt.Errorf("region %s: %w", name, err)
		}
		p.conns[name], p.settings[name] = conn, region.ClickHouse
		of := state.Region{Conn: conn, Edges: region.Edges}
		if len(region.Kafka.Brokers) > 0 {
			scoped := tel.WithRegion(name)
			client, err := kafka.NewClient(region.Kafka, scoped.Log, scoped.Registry)
			if err != nil {
				return p, fmt.Errorf("region %s: %w", name, err)
			}
			p.kafkas, of.Kafka = append(p.kafkas, client), client
		}
		p.regions[name] = of
	}
	return p, nil
}

func (p places) close() error {
	var errs []error
	for _, conn := range p.conns {
		errs = append(errs, conn.Close())
	}
	for _, client := range p.kafkas {
		errs = append(errs, client.Close())
	}
	return errors.Join(errs...)
}
