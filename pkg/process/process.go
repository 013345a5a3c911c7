// Package process is the frame around every Waymark service: flags, settings, log, admin port, signals, exit status.
package process

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/waymark-events/waymark/pkg/config"
	"github.com/waymark-events/waymark/pkg/telemetry"
)

// Version is stamped by the linker: -X github.com/waymark-events/waymark/pkg/process.Version=…
var Version = "development"

// Config is what every service's settings have in common; embed it with `yaml:",inline"`.
type Config struct {
	// Admin is the address of /healthz, /readyz and /metrics: for this machine alone unless told otherwise. Default 127.0.0.1:9600.
	Admin string              `yaml:"admin"`
	Log   telemetry.LogConfig `yaml:"log"`
}

// DefaultConfig listens on port 9600 of the loopback interface.
func DefaultConfig() Config {
	return Config{Admin: "127.0.0.1:9600", Log: telemetry.DefaultLogConfig()}
}

// Frame returns the common part; it makes every struct that embeds a Config a Settings.
func (c Config) Frame() Config { return c }

// ValidateFrame checks the common part.
func (c Config) ValidateFrame() error {
	if _, _, err := net.SplitHostPort(c.Admin); err != nil {
		return fmt.Errorf("admin: want host:port: %w", err)
	}
	return c.Log.Validate()
}

// Settings are a service's: validated, and with a Frame.
type Settings interface {
	config.Validator
	Frame() Config
}

// Main runs a service and exits: 0 after SIGTERM or SIGINT, 1 on an error, 2 on wrong flags or settings. settings holds the
// defaults and is filled before run sees it. run must return soon after its context ends, with its work in hand done.
func Main[S Settings](service string, settings S, run func(context.Context, S, telemetry.Telemetry) error) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	code := Run(ctx, service, settings, os.Args[1:], os.Stdout, os.Stderr, run)
	stop()
	os.Exit(code)
}

// Run is Main without the process: it returns the exit status.
func Run[S Settings](ctx context.Context, service string, settings S, args []string, stdout, stderr io.Writer,
	run func(context.Context, S, telemetry.Telemetry) error,
) int {
	flags := flag.NewFlagSet("waymark-"+service, flag.ContinueOnError)
	flags.SetOutput(stderr)
	file := flags.String("config", "", "YAML `file` of settings")
	printConfig := flags.Bool("print-config", false, "print the effective settings, secrets hidden, and exit")
	version := flags.Bool("version", false, "print the version and exit")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case flags.NArg() > 0:
		fmt.Fprintf(stderr, "waymark-%s: unexpected argument %q\n", service, flags.Arg(0))
		return 2
	case *version:
		fmt.Fprintf(stdout, "waymark-%s %s (%s, %s/%s)\n", service, Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
		return 0
	}
	if err := config.Load(settings, service, *file, os.Environ()); err != nil {
		fmt.Fprintf(stderr, "waymark-%s: %v\n", service, err)
		return 2
	}
	if *printConfig {
		if err := config.Print(stdout, settings); err != nil {
			fmt.Fprintf(stderr, "waymark-%s: %v\n", service, err)
			return 1
		}
		return 0
	}
	if err := serve(ctx, service, settings, run); err != nil {
		fmt.Fprintf(stderr, "waymark-%s: %v\n", service, err)
		return 1
	}
	return 0
}

func serve[S Settings](ctx context.Context, service string, settings S, run func(context.Context, S, telemetry.Telemetry) error) error {
	log, err := telemetry.NewLogger(settings.Frame().Log, service)
	if err != nil {
		return err
	}
	defer func() { _ = log.Sync() }()
	registry := NewRegistry()
	tel := telemetry.Telemetry{Log: log, Registry: registry, Health: new(telemetry.Health)}
	tel.Health.Starting()

	admin, err := new(net.ListenConfig).Listen(ctx, "tcp", settings.Frame().Admin)
	if err != nil {
		return fmt.Errorf("admin port: %w", err)
	}
	log.Info("starting", zap.String("version", Version), zap.Stringer("admin", admin.Addr()))
	// The admin port outlives the service, so that a draining one still answers its probes.
	adminCtx, stopAdmin := context.WithCancel(context.WithoutCancel(ctx))
	var group errgroup.Group
	group.Go(func() error {
		return telemetry.ServeAdmin(adminCtx, admin, telemetry.AdminHandler(tel.Health, registry), log)
	})
	err = run(ctx, settings, tel)
	stopAdmin()
	if err = errors.Join(err, group.Wait()); err != nil {
		log.Error("stopped", zap.Error(err))
		return err
	}
	log.Info("stopped")
	return nil
}

// NewRegistry returns a registry that has the Go runtime's, the process's and the build's metrics.
func NewRegistry() *prometheus.Registry {
	registry := prometheus.NewRegistry()
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name:        "waymark_build_info",
		Help:        "Always 1; the labels say what runs.",
		ConstLabels: prometheus.Labels{"version": Version, "go_version": runtime.Version()},
	})
	build.Set(1)
	// Nothing else is in it yet: this cannot fail.
	registry.MustRegister(build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return registry
}
