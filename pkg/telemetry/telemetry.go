// Package telemetry is what every service shows of itself: JSON logs, Prometheus metrics, health and readiness.
package telemetry

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Telemetry is where a service reports to. Services are handed one; they never make their own.
type Telemetry struct {
	Log      *zap.Logger
	Registry prometheus.Registerer
	Health   *Health
}

// WithRegion returns t with the region in every log line and on every metric.
func (t Telemetry) WithRegion(region string) Telemetry {
	t.Log = t.Log.With(zap.String("region", region))
	t.Registry = prometheus.WrapRegistererWith(prometheus.Labels{"region": region}, t.Registry)
	return t
}

// LogConfig sets up a service's log.
type LogConfig struct {
	// Level is the least severe level written: debug, info, warn or error. Default info.
	Level string `yaml:"level"`
}

// DefaultLogConfig is the log as production wants it.
func DefaultLogConfig() LogConfig { return LogConfig{Level: "info"} }

// Validate checks the level.
func (c LogConfig) Validate() error {
	if _, err := zapcore.ParseLevel(c.Level); err != nil {
		return fmt.Errorf("log.level: want debug, info, warn or error")
	}
	return nil
}

// NewLogger returns a logger of JSON lines on standard error. Of lines with one level and message, the first 100 in a second
// are written and every 100th after them.
func NewLogger(cfg LogConfig, service string) (*zap.Logger, error) {
	level, err := zap.ParseAtomicLevel(cfg.Level)
	if err != nil {
		return nil, fmt.Errorf("log.level: %w", err)
	}
	zc := zap.NewProductionConfig()
	zc.Level = level
	zc.Sampling = nil
	zc.DisableStacktrace = true
	zc.EncoderConfig.TimeKey = "time"
	zc.EncoderConfig.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	zc.EncoderConfig.EncodeDuration = zapcore.StringDurationEncoder
	log, err := zc.Build(zap.WrapCore(func(core zapcore.Core) zapcore.Core {
		return zapcore.NewSamplerWithOptions(core, time.Second, 100, 100)
	}))
	if err != nil {
		return nil, fmt.Errorf("make logger: %w", err)
	}
	return log.With(zap.String("service", service)), nil
}
