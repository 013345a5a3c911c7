// Package inprocess runs services in a test's own process, each to be looked at and stopped as an operator would.
package inprocess

import (
	"context"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/waymark-events/waymark/pkg/telemetry"
	"github.com/waymark-events/waymark/services/local/kafkatest"
)

// A Service runs, or ran.
type Service struct {
	Health   *telemetry.Health
	Registry *prometheus.Registry
	// Logs are its lines from info on.
	Logs *observer.ObservedLogs

	leave context.CancelFunc
	ended chan struct{}
	err   error
}

// Start runs a service until it is told to leave, or the test ends. The test's own log has its lines under name.
func Start(t testing.TB, name string, run func(context.Context, telemetry.Telemetry) error) *Service {
	t.Helper()
	core, logs := observer.New(zap.InfoLevel)
	log := zap.New(zapcore.NewTee(core, kafkatest.Log(t).Core())).Named(name)
	ctx, cancel := context.WithCancel(context.Background())
	s := &Service{Health: new(telemetry.Health), Registry: prometheus.NewRegistry(), Logs: logs, leave: cancel, ended: make(chan struct{})}
	go func() {
		defer close(s.ended)
		s.err = run(ctx, telemetry.Telemetry{Log: log, Registry: s.Registry, Health: s.Health})
	}()
	t.Cleanup(func() { _ = s.Stop() })
	return s
}

// Leave tells the service to end, as SIGTERM does.
func (s *Service) Leave() { s.leave() }

// Stop tells the service to end, and returns what it ended with, again too.
func (s *Service) Stop() error {
	s.leave()
	return s.Wait()
}

// Wait returns what the service ends with by itself.
func (s *Service) Wait() error {
	<-s.ended
	return s.err
}

// Ended is closed when the service has ended.
func (s *Service) Ended() <-chan struct{} { return s.ended }

// HasEnded tells whether the service has ended.
func (s *Service) HasEnded() bool {
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}

// Ready is the answer of /readyz: why the service is not ready, "" when it is.
func (s *Service) Ready() string {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := s.Health.Ready(ctx); err != nil {
		return err.Error()
	}
	return ""
}
